// The attacks of Project Wycheproof on every signature scheme that is accepted, and on two that are not.

import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { checkSignature } from '#signature/keys/check.ts'

type Row = readonly [
  id: number,
  comment: string,
  message: string,
  signature: string,
  result: 'valid' | 'invalid' | 'acceptable',
]

interface Vectors {
  readonly groups: readonly { readonly key: string; readonly tests: readonly Row[] }[]
}

function vectors(name: string): Vectors {
  return JSON.parse(readFileSync(new URL(`../../vectors/wycheproof/${name}.json`, import.meta.url), 'utf8'))
}

/** What we say of each test with one of these results: `7 valid: the comment`. */
async function verdicts(name: string, results: readonly Row[4][]): Promise<readonly (readonly [string, string])[]> {
  const said: (readonly [string, string])[] = []
  for (const { key, tests } of vectors(name).groups) {
    for (const [id, comment, message, signature, result] of tests) {
      if (!results.includes(result)) continue
      const answer = await checkSignature({ pem: key }, Buffer.from(message, 'hex'), Buffer.from(signature, 'hex'))
      said.push([`${id} ${comment}`, answer === 'valid' ? 'valid' : answer.code])
    }
  }
  return said
}

const accepted = [
  ['ecdsa_secp256r1_sha256', 310],
  ['ecdsa_secp384r1_sha384', 310],
  ['ecdsa_secp521r1_sha512', 310],
  ['rsa_signature_2048_sha256', 250],
  ['ed25519', 63],
] as const

/** Valid, but by keys with the public exponent 3, which are refused as weak. */
const weakKeys: readonly string[] = [
  'rsa_signature_2048_sha256 258 small signature',
  'rsa_signature_2048_sha256 259 signature is close to n',
]

describe('CS-10, JS-03: the known attacks on signatures', () => {
  test.each(accepted)('are refused: %s', async (name, count) => {
    const said = await verdicts(name, ['invalid', 'acceptable'])
    expect(said.filter(([, answer]) => answer === 'valid')).toEqual([])
    expect(said).toHaveLength(count)
  })

  test.each(accepted)('neighbour: what is right is accepted: %s', async (name) => {
    const said = await verdicts(name, ['valid'])
    expect(said.filter(([test, answer]) => answer !== 'valid' && !weakKeys.includes(`${name} ${test}`))).toEqual([])
    expect(said.length).toBeGreaterThanOrEqual(9)
  })

  test('raw r and s are refused, valid or not, and named where they are valid', async () => {
    const name = 'ecdsa_secp256r1_sha256_p1363'
    const valid = await verdicts(name, ['valid'])
    expect(new Set(valid.map(([, answer]) => answer))).toEqual(new Set(['ecdsa-raw-refused']))
    const invalid = await verdicts(name, ['invalid', 'acceptable'])
    expect(new Set(invalid.map(([, answer]) => answer))).toEqual(new Set(['signature-wrong-key']))
  })

  test('PSS by an RSA key is refused, valid or not', async () => {
    const said = await verdicts('rsa_pss_2048_sha256_mgf1_32', ['valid', 'invalid', 'acceptable'])
    const others = said.filter(([, answer]) => answer !== 'signature-wrong-key')
    // No PSS at all: the vector holds a signature of the form that is accepted.
    expect(others).toEqual([['108 PKCS #1 v1.5 signature with SHA-256', 'valid']])
  })
})
