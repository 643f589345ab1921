// A clock that is set forwards or back, by a broken time server or by hand: deadlines do not move with it, and what
// depends on time is judged by the clock as it is then.

import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { type Attack, demanding, layerFor, putClassic, releaseWith, startAttack } from '../../support/attack.ts'
import { stall } from '../../support/hostile-answers.ts'
import { asServed, types } from '../../support/hostile-registry.ts'
import { type AttackServer, serveAttack } from './attack-server.ts'

const hour = 3_600_000
const spring = Date.UTC(2026, 3, 1)
const summer = Date.UTC(2026, 6, 1)
const autumn = Date.UTC(2026, 9, 1)

let attack: Attack
let clock: number
beforeEach(async () => {
  clock = summer
  attack = await startAttack({ now: () => clock })
  putClassic(attack.registry, attack.digest, [layerFor(attack.digest)])
})
afterEach(() => attack.close())

const unsign = () => attack.registry.lie(`${attack.digest.replace(':', '-')}.sig`, () => ({ status: 404 }))
const seasonal = {
  policies: [demanding(['Tag'], {}, releaseWith({ notBefore: spring, notAfter: autumn }, 'seasonal'))],
}

describe('FT-05: a clock that was set', () => {
  test.each([
    ['forwards, behind the end of the key', autumn],
    ['forwards by years', autumn + 40_000 * hour],
    ['back, before the key begins', spring - 1],
    ['back to 1970', 0],
  ])('%s: the key does not count, though its signature is in memory', async (_what, then) => {
    expect(await attack.admit(attack.pinned, seasonal)).toMatchObject({ outcome: 'allowed' })
    clock = then
    expect(await attack.admit(attack.pinned, seasonal)).toMatchObject({ outcome: 'denied', code: 'key-not-valid' })
  })

  test.each([
    ['forwards and right again', autumn + hour],
    ['back and right again', spring - hour],
  ])('neighbour: %s: the key counts again at once', async (_what, then) => {
    clock = then
    expect(await attack.admit(attack.pinned, seasonal)).toMatchObject({ outcome: 'denied', code: 'key-not-valid' })
    clock = summer
    expect(await attack.admit(attack.pinned, seasonal)).toMatchObject({ outcome: 'allowed' })
  })

  test('back: what was proven later than now is read again, and is not there any more', async () => {
    expect(await attack.admit()).toMatchObject({ outcome: 'allowed' })
    unsign()
    clock -= hour
    expect(await attack.admit()).toMatchObject({ outcome: 'denied', code: 'signature-missing' })
  })

  test('neighbour: back: a refusal does not outlive the signature that came after it', async () => {
    unsign()
    expect(await attack.admit()).toMatchObject({ outcome: 'denied', code: 'signature-missing' })
    putClassic(attack.registry, attack.digest, [layerFor(attack.digest)])
    clock -= hour
    expect(await attack.admit()).toMatchObject({ outcome: 'allowed' })
  })
})

describe('FT-05: while a Pod waits for its registry, a clock that is set', () => {
  let served: AttackServer
  beforeEach(async () => {
    vi.useFakeTimers({ toFake: ['Date'], now: summer })
    served = await serveAttack(attack)
  })
  afterEach(async () => {
    await served.close()
    vi.useRealTimers()
  })

  const asked = () => expect.poll(() => attack.registry.requests.length).toBeGreaterThan(0)
  const jumps = [
    ['forwards', hour],
    ['back', -hour],
  ] as const

  test.each(jumps)('%s neither hastens nor delays its answer', async (_what, by) => {
    attack.registry.lie('v1', stall)
    const answer = served.pod(attack.tagged, 1_500)
    await asked()
    vi.setSystemTime(summer + by)
    const { allowed, code, ms } = await answer
    expect([allowed, code]).toEqual([false, 'registry-timeout'])
    expect(ms).toBeGreaterThan(600)
    expect(ms).toBeLessThan(1_500)
  })

  test.each(jumps)('neighbour: %s leaves it its time', async (_what, by) => {
    let answer = () => {}
    const jumped = new Promise<void>((resolve) => {
      answer = resolve
    })
    attack.registry.lie('v1', async () => {
      await jumped
      return asServed(attack.bytes, types.manifest)
    })
    const pod = served.pod(attack.tagged, 10_000)
    await asked()
    vi.setSystemTime(summer + by)
    answer()
    expect(await pod).toMatchObject({ allowed: true })
  })
})
