// Judges images that were named on a command line, as the only containers of a new Pod.

import type { Engine, FactObserver } from '#app/engine/engine.ts'
import type { ImageUse } from '#core/admission/use.ts'
import type { Decision, UseVerdict } from '#core/decision/decision.ts'
import { CodedError, messageOf } from '#core/errors.ts'
import { parseReference } from '#core/image/reference.ts'
import type { PolicySet } from '#core/policy/set.ts'
import type { ExitCode } from './command.ts'
import { exitCodeOf, worstOf } from './failure.ts'
import { ownCredentials } from './registry-flags.ts'

export interface JudgeImages {
  readonly images: readonly string[]
  readonly namespace: string
  readonly policies: PolicySet
  readonly engine: Engine
  readonly timeoutMs: number
  readonly observe?: FactObserver
}

/** @throws CodedError `usage` for text that is no image name */
export async function judgeImages(asked: JudgeImages): Promise<Decision> {
  const { images, namespace, policies, engine, timeoutMs, observe } = asked
  const uses = images.map(toUse)
  const matched = policies.match({
    namespace,
    objectLabels: {},
    apiGroup: '',
    apiVersion: 'v1',
    resource: 'pods',
    operation: 'CREATE',
  })
  const decision = await engine.judge(
    {
      purpose: 'mutate',
      namespace,
      uses,
      unchanged: new Set(),
      matched,
      bystanders: policies.attestors,
      credentialScope: ownCredentials,
    },
    AbortSignal.timeout(timeoutMs),
    observe,
  )
  return decision.leftAlone ? { ...decision, allowed: false, verdicts: uses.map(withoutPolicy(namespace)) } : decision
}

/** Nothing vouches for an image about which nobody was asked: that is not trusted, where a webhook would let pass. */
function withoutPolicy(namespace: string) {
  return (use: ImageUse): UseVerdict => ({
    use,
    unchanged: false,
    outcome: 'untrusted',
    code: 'no-policy',
    detail: `none of the policies is about new Pods in the namespace "${namespace}"`,
  })
}

/** A malformed name on a command line is a slip of the person who typed it. */
function toUse(image: string, index: number): ImageUse {
  try {
    parseReference(image)
  } catch (error) {
    throw new CodedError('usage', messageOf(error), { cause: error })
  }
  return { pointer: `/${index}`, field: `image ${index + 1}`, list: 'argument', name: '', image }
}

export function exitCodeOfVerdicts(verdicts: readonly Pick<UseVerdict, 'outcome' | 'code'>[]): ExitCode {
  return worstOf(verdicts.map(exitCodeOfVerdict))
}

function exitCodeOfVerdict({ outcome, code }: Pick<UseVerdict, 'outcome' | 'code'>): ExitCode {
  switch (outcome) {
    case 'trusted':
    case 'accepted':
      return 0
    case 'untrusted':
      return 1
    case 'undetermined':
      // A broken docker config is no matter of the image.
      return code !== undefined && exitCodeOf(code) === 2 ? 2 : 3
  }
}
