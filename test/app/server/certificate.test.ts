import { execFileSync } from 'node:child_process'
import { X509Certificate } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { makeServingCertificate } from '#app/server/certificate.ts'
import { codeOf } from '#core/errors.ts'
import { missing, needed, titled } from '../../support/tools.ts'

const now = Date.parse('2026-11-24T12:00:00Z')

describe('a self-made certificate', () => {
  const made = makeServingCertificate(['Webhook.sealward.svc', '127.0.0.1', '::1', '2001:DB8::7:ffff:1.2.3.4'], now)
  const ca = new X509Certificate(made.caPem)
  const leaf = new X509Certificate(made.certPem)

  test('is signed by an authority that may sign certificates and nothing else', () => {
    expect(ca.ca).toBe(true)
    expect(leaf.ca).toBe(false)
    expect(leaf.checkIssued(ca)).toBe(true)
    expect(leaf.verify(ca.publicKey)).toBe(true)
    expect(leaf.verify(leaf.publicKey)).toBe(false)
    expect(leaf.keyUsage).toEqual(['1.3.6.1.5.5.7.3.1'])
  })

  test('has a P-256 key', () => {
    expect(leaf.publicKey.asymmetricKeyDetails).toEqual({ namedCurve: 'prime256v1' })
  })

  test('speaks for the names given and no others', () => {
    expect(leaf.checkHost('webhook.sealward.svc')).toBe('webhook.sealward.svc')
    expect(leaf.checkHost('other.sealward.svc')).toBeUndefined()
    for (const ip of ['127.0.0.1', '::1', '2001:db8::7:ffff:102:304']) expect(leaf.checkIP(ip)).toBe(ip)
    expect(leaf.checkIP('127.0.0.2')).toBeUndefined()
  })

  test('is valid an hour ago, because clocks differ, and for years', () => {
    expect(leaf.validFromDate).toEqual(new Date('2026-11-24T11:00:00Z'))
    expect(leaf.validToDate.getUTCFullYear()).toBe(2031)
  })

  test('is another one each time', () => {
    expect(makeServingCertificate(['localhost'], now).caPem).not.toBe(made.caPem)
  })

  test('can end after 2049, where the form of dates changes', () => {
    const late = makeServingCertificate(['localhost'], Date.parse('2049-01-01T00:00:00Z'))
    expect(new X509Certificate(late.certPem).validToDate.getUTCFullYear()).toBe(2053)
  })

  test.each([[[]], [['a b']], [['-a']], [['a..b']], [['a\0b']], [['x'.repeat(64)]], [['1.2.3.4/8']]])(
    'is not made for %j',
    (names) => {
      try {
        makeServingCertificate(names, now)
        expect.unreachable()
      } catch (error) {
        expect(codeOf(error)).toBe('usage')
      }
    },
  )
})

describe.skipIf(missing('openssl'))(titled('openssl and a self-made certificate', 'openssl'), () => {
  function verify(made: { caPem: string; certPem: string }, ...options: string[]): string {
    const folder = mkdtempSync(join(tmpdir(), 'certificate-'))
    try {
      writeFileSync(join(folder, 'ca.pem'), made.caPem)
      writeFileSync(join(folder, 'leaf.pem'), made.certPem)
      const files = ['-CAfile', 'ca.pem', 'leaf.pem']
      const strict = ['verify', '-x509_strict', '-purpose', 'sslserver', ...options, ...files]
      return execFileSync(needed('openssl'), strict, { cwd: folder, encoding: 'utf8', stdio: 'pipe' })
    } finally {
      rmSync(folder, { recursive: true })
    }
  }

  const made = makeServingCertificate(['webhook.sealward.svc', '127.0.0.1'], Date.now())

  test('agree, strictly, by name and by address', () => {
    expect(verify(made, '-verify_hostname', 'webhook.sealward.svc')).toBe('leaf.pem: OK\n')
    expect(verify(made, '-verify_ip', '127.0.0.1')).toBe('leaf.pem: OK\n')
  })

  test('agree that it is not for another name, nor by another authority', () => {
    expect(() => verify(made, '-verify_hostname', 'other.svc')).toThrow(/hostname mismatch/i)
    const other = makeServingCertificate(['webhook.sealward.svc'], Date.now())
    expect(() => verify({ caPem: other.caPem, certPem: made.certPem })).toThrow(/unable to get|signature failure/i)
  })
})
