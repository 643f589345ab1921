// One engine on the registry in memory with the toy format, and short words for asking it.

import type { Engine, FactObserver } from '#app/engine/engine.ts'
import { createEngine } from '#app/engine/engine.ts'
import type { MemoryLimits } from '#app/engine/memory.ts'
import { defaultMemoryLimits, Memory } from '#app/engine/memory.ts'
import type { Sources } from '#app/engine/sources.ts'
import type { ImageUse } from '#core/admission/use.ts'
import type { Decision, UseVerdict } from '#core/decision/decision.ts'
import type { Format } from '#core/decision/format.ts'
import type { VerifyQuestion } from '#core/decision/question.ts'
import type { Attestor, DenyList, Policy } from '#core/policy/words.ts'
import { verifyMaterial } from '#signature/verify.ts'
import { matching } from './policies.ts'
import { toy } from './toy-format.ts'

export const at = { registry: 'registry.example.com', repository: 'team/app' }
export const name = 'registry.example.com/team/app'

export function use(image: string, index = 0, parts: Partial<ImageUse> = {}): ImageUse {
  const field = `spec.containers[${index}].image`
  return { pointer: `/spec/containers/${index}/image`, field, list: 'containers', name: `c${index}`, image, ...parts }
}

export interface Asking {
  readonly purpose?: Decision['purpose']
  readonly scope?: string
  readonly signal?: AbortSignal
  readonly unchanged?: readonly number[]
  readonly bystanders?: readonly Attestor[]
  readonly observe?: FactObserver
  readonly namespace?: string
  readonly denyLists?: readonly DenyList[]
}

export interface Judging {
  readonly engine: Engine
  readonly clock: { now: number }
  /** How many verifications were really made. */
  readonly verified: VerifyQuestion[]
  judge(images: string | readonly string[], policies: readonly Policy[], asking?: Asking): Promise<Decision>
  verdict(image: string, policies: readonly Policy[], asking?: Asking): Promise<UseVerdict>
}

export const noon = Date.UTC(2026, 5, 1, 12)

export function judging(
  sources: Sources,
  formats: readonly Format[] = [toy],
  limits: Partial<MemoryLimits> = {},
): Judging {
  const clock = { now: noon }
  const verified: VerifyQuestion[] = []
  let ids = 0
  const engine = createEngine({
    sources,
    formats,
    verify: (question) => {
      verified.push(question)
      return verifyMaterial(question, formats)
    },
    memory: new Memory({ ...defaultMemoryLimits, ...limits }, () => clock.now),
    now: () => clock.now,
    newId: () => `id-${++ids}`,
  })
  const judge: Judging['judge'] = async (images, policies, asking = {}) => {
    const uses = [images].flat().map((image, index) => use(image, index))
    const { signal = new AbortController().signal, unchanged = [], namespace = 'prod' } = asking
    return engine.judge(
      {
        purpose: asking.purpose ?? 'mutate',
        namespace,
        uses,
        unchanged: new Set(unchanged.map((index) => `/spec/containers/${index}/image`)),
        matched: matching(policies, namespace, asking.denyLists),
        bystanders: asking.bystanders ?? [],
        credentialScope: asking.scope ?? 'own',
      },
      signal,
      asking.observe,
    )
  }
  return {
    engine,
    clock,
    verified,
    judge,
    verdict: async (image, policies, asking) => {
      const [verdict] = (await judge(image, policies, asking)).verdicts
      if (verdict === undefined) throw new Error('nothing was judged')
      return verdict
    },
  }
}
