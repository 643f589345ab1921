// What lies in a registry can be put back at any time; what a key may no longer do cannot.

import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import {
  type Attack,
  demanding,
  layerFor,
  putBundle,
  putClassic,
  putList,
  releaseWith,
  startAttack,
} from '../../support/attack.ts'

const spring = Date.UTC(2026, 3, 1)
const summer = Date.UTC(2026, 6, 1)
const autumn = Date.UTC(2026, 9, 1)

let attack: Attack
let clock: number
beforeEach(async () => {
  clock = spring
  attack = await startAttack({ now: () => clock })
  putClassic(attack.registry, attack.digest, [layerFor(attack.digest)])
})
afterEach(() => attack.close())

const demand = (by: ReturnType<typeof releaseWith>, layout: 'Tag' | 'Bundle' = 'Tag') => ({
  policies: [demanding([layout], {}, by)],
})
const compromised = releaseWith({ revoked: { at: summer, reason: 'Compromised' } }, 'compromised')
const superseded = releaseWith({ revoked: { at: summer, reason: 'Superseded' } }, 'superseded')
const expiring = releaseWith({ notAfter: summer }, 'expiring')

describe('RG-09: an old signature by a key that is no longer good', () => {
  test('is denied when the key was compromised, whenever it signed', async () => {
    expect(await attack.admit(attack.pinned, demand(compromised))).toMatchObject({
      outcome: 'denied',
      code: 'key-not-valid',
    })
    clock = autumn
    expect(await attack.admit(attack.tagged, demand(compromised))).toMatchObject({
      outcome: 'denied',
      code: 'key-not-valid',
    })
  })

  test('is denied when the key was superseded, and nothing proves when it signed', async () => {
    clock = autumn
    expect(await attack.admit(attack.pinned, demand(superseded))).toMatchObject({
      outcome: 'denied',
      code: 'key-not-valid',
    })
  })

  test('is denied when the key has expired', async () => {
    clock = autumn
    expect(await attack.admit(attack.pinned, demand(expiring))).toMatchObject({
      outcome: 'denied',
      code: 'key-not-valid',
    })
  })

  test.each([
    ['is to be superseded', superseded],
    ['is to expire', expiring],
    ['has no end', releaseWith({}, 'endless')],
  ])('neighbour: by one that %s is admitted before', async (_what, by) => {
    expect(await attack.admit(attack.pinned, demand(by))).toMatchObject({ outcome: 'allowed' })
  })

  test.each([
    ['expires', expiring],
    ['is superseded', superseded],
  ])('is denied from the moment that the key %s, with the old proof in memory', async (_what, by) => {
    expect(await attack.admit(attack.tagged, demand(by))).toMatchObject({ outcome: 'patched' })
    clock = summer - 1
    expect(await attack.admit(attack.tagged, demand(by))).toMatchObject({ outcome: 'patched' })
    clock = summer + 1
    expect(await attack.admit(attack.tagged, demand(by))).toMatchObject({ outcome: 'denied', code: 'key-not-valid' })
  })

  test('is denied at once under the policy that revokes, with the old proof in memory', async () => {
    expect(await attack.admit(attack.tagged, demand(releaseWith({}, 'before')))).toMatchObject({ outcome: 'patched' })
    expect(await attack.admit(attack.tagged, demand(compromised))).toMatchObject({
      outcome: 'denied',
      code: 'key-not-valid',
    })
  })

  test('is denied when it was removed, forgotten, and is put back under the tag', async () => {
    const other = demand(releaseWith({ revoked: { at: spring - 1, reason: 'Superseded' } }, 'revoked since'))
    attack.registry.lie(`${attack.digest.replace(':', '-')}.sig`, () => ({ status: 404 }))
    expect(await attack.admit(attack.pinned, other)).toMatchObject({ outcome: 'denied', code: 'signature-missing' })
    clock += 10_000
    putClassic(attack.registry, attack.digest, [layerFor(attack.digest)])
    expect(await attack.admit(attack.pinned, other)).toMatchObject({ outcome: 'denied', code: 'key-not-valid' })
  })

  test('is denied when it is put back as a referrer', async () => {
    clock = autumn
    putList(attack.registry, attack.digest, [putBundle(attack.registry, attack.digest)])
    const answer = await attack.admit(attack.pinned, demand(expiring, 'Bundle'))
    expect(answer).toMatchObject({ outcome: 'denied', code: 'key-not-valid' })
    expect(await attack.admit(attack.pinned, demand(releaseWith({}, 'endless'), 'Bundle'))).toMatchObject({
      outcome: 'allowed',
    })
  })
})
