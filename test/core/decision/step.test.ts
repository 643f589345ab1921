// What is asked beyond what a verdict needs.

import { expect, test } from 'vitest'
import type { Mode } from '#core/policy/words.ts'
import { at, judging, name } from '../../support/judging.ts'
import { MemoryRegistry } from '../../support/memory-registry.ts'
import { anyOf, attestor, policy, rule, signed } from '../../support/policies.ts'

test('who else has signed is found out only for what a policy refuses, in whatever mode', async () => {
  const registry = new MemoryRegistry()
  const digests = ['refused', 'admitted'].map((tag) => registry.putImage(at, tag, tag))
  for (const digest of digests) registry.sign(at, 'stranger', { digest })
  registry.sign(at, 'ci', { digest: digests[1] ?? '' })
  const tried = async (tag: string, mode: Mode) => {
    const policies = [policy('a', [rule(anyOf(signed('release'), signed('ci')))], { mode })]
    const { judge, verified } = judging(registry)
    const { allowed } = await judge(`${name}:${tag}`, policies, { bystanders: [attestor('stranger')] })
    return { allowed, stranger: verified.some(({ attestor: by }) => by.name === 'stranger') }
  }
  for (const mode of ['Enforce', 'Warn', 'Audit'] as const) {
    expect(await tried('refused', mode)).toEqual({ allowed: mode !== 'Enforce', stranger: true })
    expect(await tried('admitted', mode)).toEqual({ allowed: true, stranger: false })
  }
})
