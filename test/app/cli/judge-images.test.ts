import { describe, expect, test } from 'vitest'
import { exitCodeOfVerdicts, judgeImages } from '#app/cli/judge-images.ts'
import { compilePolicySet } from '#core/policy/set.ts'
import type { Policy } from '#core/policy/words.ts'
import { at, judging, name } from '../../support/judging.ts'
import { MemoryRegistry } from '../../support/memory-registry.ts'
import { policy, rule, signed } from '../../support/policies.ts'

async function judged(images: readonly string[], policies: readonly Policy[]) {
  const registry = new MemoryRegistry()
  registry.sign(at, 'release', { digest: registry.putImage(at, 'v1', 'v1') })
  const set = compilePolicySet({ policies, attestors: [], namespaces: [], revision: '1' })
  const { engine } = judging(registry)
  const decision = await judgeImages({ images, namespace: 'prod', policies: set, engine, timeoutMs: 10_000 })
  const codes = decision.verdicts.map(({ outcome, code }) => [outcome, code])
  return { allowed: decision.allowed, codes, exit: exitCodeOfVerdicts(decision.verdicts), asked: registry.asked.length }
}

const inProd = policy('ours', [rule(signed('release'))], { namespace: 'prod' })

describe('images that are named on a command line', () => {
  test('are trusted where a policy of the namespace finds them signed', async () => {
    expect(await judged([`${name}:v1`], [inProd])).toMatchObject({
      allowed: true,
      codes: [['trusted', undefined]],
      exit: 0,
    })
  })

  test('about which no policy is are untrusted, each of them, and the registry is not asked', async () => {
    const elsewhere = { ...inProd, namespace: 'dev' }
    const no = ['untrusted', 'no-policy']
    expect(await judged([`${name}:v1`, `${name}:v2`], [elsewhere])).toEqual({
      allowed: false,
      codes: [no, no],
      exit: 1,
      asked: 0,
    })
  })

  test('that are no image names are a slip of whoever typed them', async () => {
    await expect(judged(['No Image'], [inProd])).rejects.toThrow(expect.objectContaining({ code: 'usage' }))
  })
})
