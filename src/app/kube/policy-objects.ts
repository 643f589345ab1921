// The policy objects of a cluster, followed, and put together to the set in force whenever one of them changes. One that is
// wrong changes nothing but itself (`core/policy/last-good.ts`).

import { CodedError, messageOf } from '#core/errors.ts'
import type { KeptObject, ObjectOutcome } from '#core/policy/last-good.ts'
import { readLastGood } from '#core/policy/last-good.ts'
import type { Problem } from '#core/policy/problem.ts'
import type { ReaderTools } from '#core/policy/read-attestor.ts'
import { ReadMemo } from '#core/policy/read-memo.ts'
import { apiVersion } from '#core/policy/schema.ts'
import type { PolicySet } from '#core/policy/set.ts'
import { compilePolicySet } from '#core/policy/set.ts'
import type { KubeObject } from '#io/kube/follow.ts'
import type { Kube } from '#io/kube/kube.ts'
import { FollowedKind } from './followed-kind.ts'
import { KeySecrets } from './key-secrets.ts'
import { LastGoodObjects } from './last-good-objects.ts'
import { defaultBudget, NamespaceBudget } from './namespace-budget.ts'
import { type PolicyKind, policyKinds } from './policy-kinds.ts'

export interface PolicyObjectsOptions {
  readonly kube: Pick<Kube, 'follow'>
  readonly tools: Omit<ReaderTools, 'readFile' | 'readSecret'>
  readonly exempt: readonly string[]
  readonly signal: AbortSignal
  /** What is in force, with what became of every object; also when only a status has changed. */
  readonly onBuilt: (built: BuiltPolicies) => void
  /** A kind or a Secret cannot be followed; told at every attempt. */
  readonly onFailure: (what: string, error: CodedError) => void
}

export interface BuiltPolicies {
  /** The same value as long as it says the same. */
  readonly set: PolicySet
  readonly objects: readonly JudgedObject[]
}

export interface JudgedObject {
  readonly kind: PolicyKind
  readonly object: KubeObject
  readonly outcome: ObjectOutcome
  /** What stands in its place, where it is not what is written. */
  readonly before?: { readonly generation: number; readonly spec: unknown } | undefined
}

/** `kubectl apply -f` of a folder comes object by object; an edit is felt within a second all the same. */
const settleMs = 50
const longestSettleMs = 500

export class PolicyObjects {
  readonly #options: PolicyObjectsOptions
  readonly #kinds: readonly { readonly kind: PolicyKind; readonly followed: FollowedKind }[]
  readonly #secrets: KeySecrets
  readonly #lastGood = new LastGoodObjects()
  readonly #memo = new ReadMemo()
  #isBuilt = false
  #set: PolicySet | undefined
  #timer: NodeJS.Timeout | undefined
  #changedAt: number | undefined

  constructor(options: PolicyObjectsOptions) {
    this.#options = options
    const { kube, signal, onFailure } = options
    const onChange = () => this.#schedule()
    this.#kinds = policyKinds.map((kind) => ({
      kind,
      followed: new FollowedKind({
        onChange,
        onFailure: (error) => onFailure(kind.plural, error),
        budget: new NamespaceBudget(),
      }),
    }))
    this.#secrets = new KeySecrets({
      kube,
      signal,
      onChange,
      onFailure: (error) => onFailure('secrets', error),
    })
  }

  /** Ends with the signal of the options. */
  start(): void {
    const { kube, signal } = this.#options
    for (const { kind, followed } of this.#kinds)
      void kube.follow(followed, { path: `/apis/${apiVersion}/${kind.plural}`, signal })
    signal.addEventListener('abort', () => clearTimeout(this.#timer), { once: true })
  }

  /** What is waited for, or has not been heard of for longer than this; empty if all is well. */
  missing(staleAfterMs: number): readonly string[] {
    const reasons = this.#kinds.flatMap(({ kind, followed: { isLoaded, silence, problem } }) => {
      const why = problem === undefined ? '' : `: ${problem.message}`
      if (!isLoaded) return [`${kind.plural} have not been read${why}`]
      return silence > staleAfterMs
        ? [`nothing was heard of ${kind.plural} for ${Math.round(silence / 1_000)} s${why}`]
        : []
    })
    return reasons.length > 0 || this.#isBuilt ? reasons : ['the Secrets with keys have not been read']
  }

  #schedule(): void {
    const now = performance.now()
    this.#changedAt ??= now
    clearTimeout(this.#timer)
    const wait = Math.max(0, Math.min(settleMs, this.#changedAt + longestSettleMs - now))
    this.#timer = setTimeout(() => this.#rebuild(), wait)
  }

  /** A defect here must not take away what is in force. */
  #rebuild(): void {
    this.#changedAt = undefined
    try {
      this.#build()
    } catch (error) {
      this.#options.onFailure('policies', new CodedError('internal-error', messageOf(error), { cause: error }))
    }
  }

  #build(): void {
    if (this.#options.signal.aborted || !this.#kinds.every(({ followed }) => followed.isLoaded)) return
    const { tools, exempt, onBuilt } = this.#options
    const followed = this.#kinds.flatMap(({ kind, followed: each }) =>
      [...each.objects()].map((object) => ({ kind, object, isTooLarge: each.isTooLarge(object) })),
    )
    const kept: readonly KeptObject[] = followed.map(({ kind, object }) => this.#lastGood.kept(kind, object))
    const { read, outcomes } = readLastGood(
      kept,
      { ...tools, readSecret: (ref, tenant) => this.#secrets.read(ref, tenant) },
      this.#memo,
    )
    if (this.#secrets.forgetUnused()) this.#schedule()
    // Of the first set nothing was in force before that could stand in.
    if (!this.#isBuilt && this.#secrets.isWaiting) return
    this.#isBuilt = true
    const objects = followed.map(({ kind, object, isTooLarge }) => {
      const found = outcomes.get(this.#lastGood.nameOf(kind, object))
      if (found === undefined) throw new Error('an object was read and nothing came of it')
      const outcome = isTooLarge ? { ...found, problems: [tooLarge(this.#lastGood.nameOf(kind, object))] } : found
      return { kind, object, outcome, before: this.#lastGood.settle(kind, object, outcome.inForce) }
    })
    this.#lastGood.forgetOthers(objects)
    // A new status is no new set: what is remembered under the old one stays of use.
    if (this.#set?.revision !== read.revision) this.#set = compilePolicySet(read, { exempt })
    onBuilt({ set: this.#set, objects })
  }
}

function tooLarge(file: string): Problem {
  const message = `does not fit: the objects of this kind in its namespace may have ${defaultBudget.ofOne} characters together`
  return { code: 'input-too-large', file, path: '', message }
}
