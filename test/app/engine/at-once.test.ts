// What memory answers is answered at once; whatever has to be asked for is not, and is asked for.

import { setImmediate as turn } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import type { Engine } from '#app/engine/engine.ts'
import type { Policy } from '#core/policy/words.ts'
import { at, judging, name, use } from '../../support/judging.ts'
import { MemoryRegistry } from '../../support/memory-registry.ts'
import { matching, policy, rule, signed } from '../../support/policies.ts'

const release = [policy('production', [rule(signed('release'))])]
const signal = new AbortController().signal

function ask(engine: Engine, image: string, parts: { scope?: string; policies?: readonly Policy[] } = {}) {
  const { scope = 'own', policies = release } = parts
  return engine.judge(
    {
      purpose: 'mutate',
      uses: [use(image)],
      unchanged: new Set(),
      matched: matching(policies),
      bystanders: [],
      credentialScope: scope,
    },
    signal,
  )
}

async function warmWorld() {
  const registry = new MemoryRegistry()
  const digest = registry.putImage(at, 'signed', 'v1')
  registry.sign(at, 'release', { digest })
  const world = judging(registry)
  const image = `${name}@${digest}`
  expect(await ask(world.engine, image)).toMatchObject({ allowed: true })
  registry.asked.length = 0
  // Whoever comes late in a turn of the event loop waits for the next.
  await turn()
  return { ...world, registry, image }
}

describe('a judgement that memory holds', () => {
  test('is given without a promise and without a question', async () => {
    const { engine, image, registry } = await warmWorld()
    const decision = ask(engine, image)
    expect(decision).not.toBeInstanceOf(Promise)
    expect(decision).toMatchObject({ allowed: true, verdicts: [{ outcome: 'trusted' }] })
    expect(registry.asked).toEqual([])
  })

  test.each<[string, { scope?: string; policies?: readonly Policy[]; later?: number; byTag?: boolean }]>([
    ['other credentials', { scope: 'other' }],
    ['another demand', { policies: [policy('production', [rule(signed('security'))])] }],
    ['a time when having read there lately is over', { later: 61_000 }],
    ['a time when the proof is over', { later: 3_601_000 }],
    ['the tag of the same image', { byTag: true }],
  ])('is not given for %s before something was asked', async (_, { later = 0, byTag = false, ...parts }) => {
    const { engine, image, registry, clock } = await warmWorld()
    clock.now += later
    const decision = ask(engine, byTag ? `${name}:v1` : image, parts)
    expect(decision).toBeInstanceOf(Promise)
    await decision
    expect(registry.asked).not.toEqual([])
  })

  test('is not given to credentials that may not read the image', async () => {
    const { engine, image, registry } = await warmWorld()
    registry.before = ({ scope }) => {
      if (scope === 'stranger') throw new Error('401')
    }
    expect(await ask(engine, image, { scope: 'stranger' })).toMatchObject({ allowed: false })
  })
})
