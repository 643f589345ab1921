// The door: nothing that a format does wrong comes out as accepted.

import { describe, expect, test } from 'vitest'
import type { Format, Verification } from '#core/decision/format.ts'
import { CodedError } from '#core/errors.ts'
import { accept, refuse } from '#signature/acceptance.ts'
import { cosign } from '#signature/formats/cosign.ts'
import { formats } from '#signature/formats.ts'
import { verifyMaterial } from '#signature/verify.ts'
import { attestor, image, layer, otherImage, subject, tagged } from '../support/signed-evidence.ts'

const [material] = cosign.ask(subject, tagged([layer()])).materials
if (material === undefined) throw new Error('nothing found')
const [key] = attestor.keys
const claims = {
  signer: { attestor: 'release', key: 'key 1', fingerprint: key?.fingerprint ?? '' },
  digest: image,
  annotations: {},
  provenTimes: [],
}
const checks = ['digest', 'signature'].map((name) => ({ name, passed: true }))

const throughDoor = (answer: () => Promise<Verification>) => {
  const toy: Format = { ...cosign, name: 'toy', verify: answer }
  return verifyMaterial({ format: 'toy', material, attestor, subject }, [toy])
}

describe('the door', () => {
  test('knows every format of the table, and no other', async () => {
    expect(formats.map(({ name }) => name)).toEqual(['cosign', 'bundle', 'cosign-referrer'])
    expect(new Set(formats.map(({ name }) => name)).size).toBe(formats.length)
    const unknown = verifyMaterial({ format: 'toy', material, attestor, subject })
    await expect(unknown).rejects.toMatchObject({ code: 'internal-error' })
  })

  test('asks a format only about attestors of its kind', () => {
    const other = { ...attestor, kind: 'keyless' } as unknown as typeof attestor
    expect(formats.map(({ serves }) => [serves(attestor), serves(other)])).toEqual([
      [true, false],
      [true, false],
      [true, false],
    ])
  })

  test('lets pass what a format proved, and what it refused', async () => {
    expect(await throughDoor(async () => accept(checks, claims))).toMatchObject({ accepted: true, claims })
    const refused = refuse([], { code: 'signature-wrong-key', detail: 'no' })
    expect(await throughDoor(async () => refused)).toEqual(refused)
  })

  const lies: readonly (readonly [string, Verification])[] = [
    ['for another digest', { accepted: true, checks, claims: { ...claims, digest: otherImage } }],
    [
      'by a key that nobody asked for',
      { accepted: true, checks, claims: { ...claims, signer: { ...claims.signer, fingerprint: 'ff' } } },
    ],
    [
      'by another key of the same print',
      { accepted: true, checks, claims: { ...claims, signer: { ...claims.signer, key: 'key 2' } } },
    ],
    [
      'by another attestor',
      { accepted: true, checks, claims: { ...claims, signer: { ...claims.signer, attestor: 'ci' } } },
    ],
    ['without checks', { accepted: true, checks: [], claims }],
    ['without the check of the digest', { accepted: true, checks: checks.slice(1), claims }],
    ['with a failed check', { accepted: true, checks: [...checks, { name: 'x', passed: false }], claims }],
  ]
  test.each(lies)('lets nothing pass that is accepted %s', async (_what, verification) => {
    await expect(throughDoor(async () => verification)).rejects.toMatchObject({ code: 'internal-error' })
  })

  test('turns whatever a format throws into a fault, which is no finding', async () => {
    const throwing = throughDoor(async () => {
      throw new TypeError('x is not a function')
    })
    await expect(throwing).rejects.toMatchObject({
      code: 'internal-error',
      message: 'a signature format failed: x is not a function',
    })
  })

  test('leaves a fault that a format names itself as it is', async () => {
    const fault = new CodedError('internal-error', 'nothing to verify with')
    await expect(throughDoor(() => Promise.reject(fault))).rejects.toBe(fault)
    const finding = new CodedError('payload-malformed', 'no JSON')
    await expect(throughDoor(() => Promise.reject(finding))).rejects.toMatchObject({
      code: 'internal-error',
      message: 'a signature format failed: no JSON',
    })
  })

  test('accepts nothing without the indispensable checks', () => {
    const [digest, signature] = checks
    if (digest === undefined || signature === undefined) throw new Error('no checks')
    for (const some of [[], [digest], [signature], [digest, { ...signature, passed: false }]]) {
      expect(() => accept(some, claims)).toThrow(expect.objectContaining({ code: 'internal-error' }))
    }
  })
})

test('asking twice on frozen facts gives the same, for every format', () => {
  const facts = Object.freeze(tagged([layer()]))
  for (const format of formats)
    expect(format.ask(Object.freeze({ ...subject }), facts)).toEqual(format.ask(subject, facts))
})
