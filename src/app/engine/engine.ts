// The one engine behind admission, terminal and demo: plans a request, has its questions answered, and decides. It holds
// no verdict logic and no network code; both come in.

import { type AtOnce, andThen } from '#app/at-once.ts'
import type { Decision } from '#core/decision/decision.ts'
import { decide } from '#core/decision/decision.ts'
import type { Format } from '#core/decision/format.ts'
import type { PlanRequest } from '#core/decision/plan.ts'
import { Planner } from '#core/decision/plan.ts'
import type { StepContext } from '#core/decision/step.ts'
import { CodedError } from '#core/errors.ts'
import type { MatchedPolicies } from '#core/policy/match.ts'
import type { Attestor } from '#core/policy/words.ts'
import type { Verify } from './answers.ts'
import { Answers } from './answers.ts'
import type { FactObserver } from './asking.ts'
import { EvidenceBudget } from './evidence-budget.ts'
import { defaultMemoryLimits, Memory } from './memory.ts'
import { Run } from './run.ts'
import type { Sources } from './sources.ts'
import { Turns } from './turns.ts'

export type { FactObserver } from './asking.ts'

export interface EngineOptions {
  readonly sources: Sources
  readonly formats: readonly Format[]
  /** The door to the formats; it insists on what an accepted signature must prove. */
  readonly verify: Verify
  readonly memory?: Memory
  /** How many bytes of evidence may be read for one request; a default is in `evidence-budget.ts`. */
  readonly evidenceBytes?: number
  /** Milliseconds since the epoch. */
  readonly now: () => number
  /** A new decision id. */
  readonly newId: () => string
}

export interface JudgeRequest extends PlanRequest {
  readonly matched: MatchedPolicies
  /** Attestors that may be named in an explanation. */
  readonly bystanders: readonly Attestor[]
  /** Names the credentials on whose behalf the registry is asked. */
  readonly credentialScope: string
}

export interface Engine {
  /**
   * When `signal` aborts, what is still open counts as failed, and the decision is given at once. There is no promise where
   * memory answers everything.
   *
   * @throws CodedError `overloaded` if there are very many images, and it aborts before all of them are planned
   */
  judge(request: JudgeRequest, signal: AbortSignal, observe?: FactObserver): AtOnce<Decision>
}

/** So many images are planned whatever the time is, so that the answer can say of each why it was not judged. */
const plannedLate = 64

export function createEngine(options: EngineOptions): Engine {
  const { sources, formats, verify, evidenceBytes, now, newId } = options
  const memory = options.memory ?? new Memory(defaultMemoryLimits, now)
  const turns = new Turns()
  const answers = new Answers(sources, verify, memory, turns)
  return {
    judge(request, signal, observe) {
      const { matched, bystanders, credentialScope: scope } = request
      const at = now()
      const asker = { scope, signal, inLine: new Set<string>() }
      const planner = new Planner(request, matched)
      let planned = 0
      const planning = turns.each(asker, request.uses, (use) => {
        planned += 1
        if (signal.aborted && planned > plannedLate) throw tooLate()
        planner.add(use)
      })
      return andThen(planning, () => {
        const plan = planner.plan()
        const context: StepContext = { formats, bystanders, now: at, images: plan.images.length }
        const budget = new EvidenceBudget(evidenceBytes)
        const judging = new Run({ plan, context, asker, memory, answers, budget, turns, observe }).judgeAll()
        return andThen(judging, (judgements) => {
          const decideNow = () => decide(plan, judgements, { id: newId(), at })
          // Deciding is quick, and so is explaining, but both at the end of a slice are too much.
          return turns.isOver() ? turns.next(asker).then(decideNow) : decideNow()
        })
      })
    },
  }
}

function tooLate(): CodedError {
  return new CodedError('overloaded', 'The time was over before all of its images had been looked at.')
}
