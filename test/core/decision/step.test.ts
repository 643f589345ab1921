// What is asked beyond what a verdict needs.

import { expect, test } from 'vitest'
import { at, judging, name } from '../../support/judging.ts'
import { MemoryRegistry } from '../../support/memory-registry.ts'
import { anyOf, attestor, policy, rule, signed } from '../../support/policies.ts'

test('who else has signed is found out only for what is refused', async () => {
  const registry = new MemoryRegistry()
  const digests = ['refused', 'admitted'].map((tag) => registry.putImage(at, tag, tag))
  for (const digest of digests) registry.sign(at, 'stranger', { digest })
  registry.sign(at, 'ci', { digest: digests[1] ?? '' })
  const policies = [policy('a', [rule(anyOf(signed('release'), signed('ci')))])]
  const tried = async (tag: string) => {
    const { judge, verified } = judging(registry)
    const { allowed } = await judge(`${name}:${tag}`, policies, { bystanders: [attestor('stranger')] })
    return { allowed, stranger: verified.some(({ attestor: by }) => by.name === 'stranger') }
  }
  expect(await tried('refused')).toEqual({ allowed: false, stranger: true })
  expect(await tried('admitted')).toEqual({ allowed: true, stranger: false })
})
