// What became of a policy object, as its status says it: for `kubectl get`, for conditions, and for the next process, which
// learns there what was in force before an edit that is wrong.

import type { ObjectOutcome } from '#core/policy/last-good.ts'
import type { JudgedObject } from './policy-objects.ts'
import type { Phase } from './status-of.ts'
import { conditionOf, readStatus } from './status-of.ts'

/** More problems than that are mended in several steps anyway. */
const maxProblems = 10
/** As the definition bounds it. */
const maxMessage = 32_768

/** The `status` of a merge patch; `undefined` if the object says all of it already. @param at RFC 3339 */
export function statusPatch(judged: JudgedObject, at: string): Readonly<Record<string, unknown>> | undefined {
  const { object, outcome, before } = judged
  const { generation } = object.metadata
  const phase = phaseOf(outcome)
  const message = messageOf(outcome)
  const inForce = before && { generation: before.generation, spec: JSON.stringify(before.spec) }
  const told = readStatus(object)
  const isTold =
    told.phase === phase &&
    (told.message ?? '') === message &&
    told.observedGeneration === generation &&
    told.inForce?.generation === inForce?.generation
  if (isTold) return undefined
  const ready = phase === 'Active'
  const known = conditionOf(object, 'Ready')
  return {
    phase,
    message: message === '' ? null : message,
    observedGeneration: generation,
    inForce: inForce ?? null,
    conditions: [
      {
        type: 'Ready',
        status: ready ? 'True' : 'False',
        reason: reasons[outcome.inForce],
        message,
        observedGeneration: generation,
        lastTransitionTime: known?.status === (ready ? 'True' : 'False') ? known.lastTransitionTime : at,
      },
    ],
  }
}

const reasons: Readonly<Record<ObjectOutcome['inForce'], string>> = {
  written: 'InForce',
  before: 'EarlierVersionInForce',
  refusing: 'Refusing',
  partly: 'PartlyInForce',
  nothing: 'NotInForce',
}

function phaseOf({ inForce }: ObjectOutcome): Phase {
  switch (inForce) {
    case 'written':
      return 'Active'
    case 'before':
    case 'refusing':
    case 'partly':
      return 'Outdated'
    case 'nothing':
      return 'Invalid'
  }
}

const introductions: Readonly<Record<ObjectOutcome['inForce'], string>> = {
  written: '',
  before: 'The version before this one is in force, because of this one',
  refusing: 'What it may be about and cannot be judged is refused, because',
  partly: 'What can be read of it and what stood there before is denied; the rest is not, because',
  nothing: 'It is not in force, because',
}

function messageOf({ inForce, problems }: ObjectOutcome): string {
  if (inForce === 'written') return ''
  const lines = problems
    .slice(0, maxProblems)
    .map(({ path, message }) => (path === '' ? message : `${path} ${message}`))
  const more = problems.length > maxProblems ? [`and ${problems.length - maxProblems} more`] : []
  return `${introductions[inForce]} ${[...lines, ...more].join('; ')}`.slice(0, maxMessage)
}
