import { createPublicKey, generateKeyPairSync } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { encodePem, maxPemLength, parsePem } from '#core/encoding/pem.ts'
import { CodedError } from '#core/errors.ts'

const block = '-----BEGIN PUBLIC KEY-----\nAAEC\n-----END PUBLIC KEY-----\n'

function refusal(text: string): string {
  try {
    parsePem(text)
  } catch (error) {
    if (error instanceof CodedError) return `${error.code}: ${error.message}`
    throw error
  }
  throw new Error('accepted')
}

describe('PEM', () => {
  test('reads what OpenSSL writes, and writes the same', () => {
    const { publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
    const text = publicKey.export({ type: 'spki', format: 'pem' }).toString()
    const [read, ...rest] = parsePem(text)
    expect(rest).toEqual([])
    expect(read?.label).toBe('PUBLIC KEY')
    expect(
      createPublicKey({ key: Buffer.from(read?.bytes ?? []), format: 'der', type: 'spki' }).equals(publicKey),
    ).toBe(true)
    expect(encodePem('PUBLIC KEY', read?.bytes ?? new Uint8Array())).toBe(text)
  })

  test('reads several blocks in their order, with blank lines between and any line ends', () => {
    const text = `\n${block}\r\n \n${block.replaceAll('PUBLIC KEY', 'X509 CRL').replaceAll('\n', '\r\n')}`
    expect(parsePem(text).map(({ label, bytes }) => [label, [...bytes]])).toEqual([
      ['PUBLIC KEY', [0, 1, 2]],
      ['X509 CRL', [0, 1, 2]],
    ])
  })

  test('reads a thousand blocks, and no more', () => {
    const small = '-----BEGIN A-----\nAAEC\n-----END A-----\n'
    expect(parsePem(small.repeat(1000))).toHaveLength(1000)
    expect(refusal(small.repeat(1001))).toMatch(/more than 1000 blocks/)
  })

  test('reads a block without a last line feed, and base64 in lines of any length', () => {
    expect(parsePem('-----BEGIN A-----\nAA\nE\nC\n-----END A-----')).toHaveLength(1)
  })

  test.each([
    ['nothing', '', /no -----BEGIN/],
    ['text before', `x\n${block}`, /line 1: "x" stands outside/],
    ['text behind', `${block}garbage`, /line 4: "garbage" stands outside/],
    ['no END', block.replace('-----END PUBLIC KEY-----\n', ''), /line 1 \(PUBLIC KEY\) has no END/],
    ['an END of another label', block.replace('END PUBLIC', 'END PRIVATE'), /without its BEGIN/],
    ['a label that begins with a space', block.replaceAll('PUBLIC KEY', ' KEY'), /stands outside/],
    ['a label with two spaces', block.replaceAll('PUBLIC KEY', 'A  B'), /stands outside/],
    ['an END alone', '-----END A-----', /without its BEGIN/],
    ['a block inside a block', `-----BEGIN A-----\n${block}`, /begins inside/],
    ['headers', block.replace('\nAAEC', '\nProc-Type: 4,ENCRYPTED\n\nAAEC'), /headers/],
    ['an empty block', block.replace('AAEC\n', ''), /is empty/],
    ['no base64', block.replace('AAEC', 'A*EC'), /foreign character/],
    ['stray bits', block.replace('AAEC', 'AB=='), /stray bits/],
    ['padding inside', block.replace('AAEC', 'AA==\nAAEC'), /padding/],
    ['a boundary with four dashes', block.replace('-----BEGIN', '----BEGIN'), /stands outside/],
    ['a label in lower case', block.replaceAll('PUBLIC KEY', 'public key'), /stands outside/],
    ['everything on one line', block.replaceAll('\n', ' '), /stands outside/],
    ['indented boundaries', block.replaceAll('-----BEGIN', ' -----BEGIN'), /stands outside/],
    ['too many blocks', block.repeat(1001), /more than 1000 blocks/],
    ['too much text', ' '.repeat(maxPemLength + 1), /longer than/],
  ])('refuses %s', (_, text, reason) => {
    expect(refusal(text)).toMatch(/^pem-malformed: /)
    expect(refusal(text)).toMatch(reason)
  })

  test('escapes foreign text in the message', () => {
    expect(refusal('\u001b[31m')).toContain('\\u{1b}')
  })

  test('reading what was written gives the same bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 300 }), (bytes) => {
        expect(parsePem(encodePem('CERTIFICATE', bytes))).toEqual([
          { label: 'CERTIFICATE', bytes: Uint8Array.from(bytes) },
        ])
      }),
    )
  })

  test('a long line of dashes costs no more than other text', () => {
    const started = performance.now()
    expect(refusal(`-----BEGIN ${'A '.repeat(400_000)}`)).toContain('pem-malformed')
    expect(refusal(`-----BEGIN ${'A'.repeat(900_000)}`)).toContain('pem-malformed')
    expect(performance.now() - started).toBeLessThan(1000)
  })
})
