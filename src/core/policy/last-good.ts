// Objects of a cluster, each edited by somebody else: one that is wrong must change nothing but itself. What stood there
// before stays in force instead, and what never was right stays out.

import type { PolicyObject } from './documents.ts'
import type { Problem } from './problem.ts'
import { isObject } from './problem.ts'
import type { ReadResult } from './read.ts'
import { readObjects } from './read.ts'
import type { ReaderTools } from './read-attestor.ts'
import type { ReadMemo } from './read-memo.ts'
import { salvagedList } from './salvaged-list.ts'

/** An object, with what it was when it was last right. */
export interface KeptObject extends PolicyObject {
  readonly kind: string
  /** The whole object; absent where it never was right, or where nobody remembers. */
  readonly before?: unknown
  /** It was in force once. Of a policy that is wrong now, and of which nobody knows what it said, everything is refused. */
  readonly wasInForce: boolean
}

export type InForce =
  /** As it is written. */
  | 'written'
  /** As it was when it was last right. */
  | 'before'
  /**
   * In its place something stricter: as it was, but an attestor that it names is gone, and what only that could sign is
   * refused; or nobody knows what it was, and everything is refused that it may have been about.
   */
  | 'refusing'
  /** Of a DenyList: what of it can be read, and what stood there before. */
  | 'partly'
  | 'nothing'

export interface ObjectOutcome {
  readonly inForce: InForce
  /** Of the object as it is written. */
  readonly problems: readonly Problem[]
}

export interface LastGood {
  /** Without problems. */
  readonly read: ReadResult
  /** By name, of every object. */
  readonly outcomes: ReadonlyMap<string, ObjectOutcome>
}

/** In this order: what a policy names has to be settled before the policy is. */
const policyKinds: ReadonlySet<string> = new Set(['ClusterTrustPolicy', 'TrustPolicy'])

/** @param objects with distinct names; @param memo the same value in every call */
export function readLastGood(objects: readonly KeptObject[], tools: ReaderTools, memo: ReadMemo): LastGood {
  const all = readObjects(objects, tools, { memo })
  if (all.problems.length === 0) return { read: all, outcomes: new Map(objects.map(({ name }) => [name, asWritten])) }
  const choice = new Choice(tools, memo)
  choice.settle(objects.filter(({ kind }) => !policyKinds.has(kind)))
  choice.settle(objects.filter(({ kind }) => policyKinds.has(kind)))
  return choice.result(objects)
}

function ownName(value: unknown): string {
  const metadata = isObject(value) ? value['metadata'] : undefined
  return isObject(metadata) ? String(metadata['name']) : ''
}

function asItWas({ before, value }: KeptObject): unknown {
  return before ?? value
}

/** An image that no rule covers is refused. */
function ofItsMatch({ value }: KeptObject): unknown {
  if (!isObject(value) || !isObject(value['spec'])) return value
  const { match, mode } = value['spec']
  const kept = { ...(match !== undefined && { match }), ...(mode !== undefined && { mode }) }
  return { ...value, spec: { ...kept, otherwise: 'Deny' } }
}

function ofEverything({ value }: KeptObject): unknown {
  return isObject(value) ? { ...value, spec: { otherwise: 'Deny' } } : value
}

const asWritten: ObjectOutcome = { inForce: 'written', problems: [] }

class Choice {
  readonly #tools: ReaderTools
  readonly #memo: ReadMemo
  readonly #chosen: PolicyObject[] = []
  readonly #standing = new Set<string>()
  /** Attestors that are there and not in force. */
  readonly #unfit: string[] = []
  readonly #outcomes = new Map<string, ObjectOutcome>()

  constructor(tools: ReaderTools, memo: ReadMemo) {
    this.#tools = tools
    this.#memo = memo
  }

  /** Beside what was chosen before. */
  settle(objects: readonly KeptObject[]): void {
    const written = this.#problemsOf(objects)
    const bad: KeptObject[] = []
    for (const object of objects) {
      if (written.has(object.name)) bad.push(object)
      else this.#choose(object, object.value, 'written', [])
    }
    const problems = (name: string) => written.get(name) ?? []
    this.#settleLists(bad, problems)
    const edited = bad.filter(
      ({ name, before, value }) => before !== undefined && before !== value && !this.#outcomes.has(name),
    )
    const old = edited.map((object) => ({ ...object, value: object.before }))
    const oldProblems = this.#problemsOf(old)
    for (const object of old) {
      if (!oldProblems.has(object.name)) this.#choose(object, object.value, 'before', problems(object.name))
    }
    const left = bad.filter(({ name }) => !this.#outcomes.has(name))
    this.#settleWithoutAttestor(left, problems)
  }

  /** Every choice has been made. */
  result(objects: readonly KeptObject[]): LastGood {
    const read = this.#read([])
    if (read.problems.length > 0) throw new Error('what was right by itself is wrong with the others')
    return { read, outcomes: new Map(objects.map(({ name }) => [name, this.#outcomes.get(name) ?? asWritten])) }
  }

  #settleLists(objects: readonly KeptObject[], problems: (name: string) => readonly Problem[]): void {
    const lists = objects
      .filter(({ kind }) => kind === 'DenyList')
      .map((list) => ({ ...list, value: salvagedList(list.value, list.before) }))
    const still = this.#problemsOf(lists)
    for (const list of lists) {
      if (!still.has(list.name)) this.#choose(list, list.value, 'partly', problems(list.name))
    }
  }

  #settleWithoutAttestor(objects: readonly KeptObject[], problems: (name: string) => readonly Problem[]): void {
    const policies = objects.filter(({ kind, wasInForce }) => wasInForce && policyKinds.has(kind))
    for (const stricter of [asItWas, ofItsMatch, ofEverything]) {
      const candidates = policies
        .filter(({ name }) => !this.#outcomes.has(name))
        .map((each) => ({ ...each, value: stricter(each) }))
      for (const { name } of candidates) this.#standing.add(name)
      const still = this.#problemsOf(candidates)
      for (const object of candidates) {
        if (!still.has(object.name)) this.#choose(object, object.value, 'refusing', problems(object.name))
      }
    }
    for (const { name, kind, value } of objects) {
      if (this.#outcomes.has(name)) continue
      this.#outcomes.set(name, { inForce: 'nothing', problems: problems(name) })
      if (kind === 'Attestor') this.#unfit.push(ownName(value))
    }
  }

  #choose({ name }: PolicyObject, value: unknown, inForce: InForce, problems: readonly Problem[]): void {
    this.#chosen.push({ name, value })
    this.#outcomes.set(name, { inForce, problems })
  }

  /** By name, of those that have some beside what was chosen. */
  #problemsOf(objects: readonly PolicyObject[]): ReadonlyMap<string, readonly Problem[]> {
    if (objects.length === 0) return new Map()
    const { problems } = this.#read(objects)
    return Map.groupBy(problems, ({ file }) => file)
  }

  #read(objects: readonly PolicyObject[]): ReadResult {
    const options = { standing: this.#standing, unfit: this.#unfit, memo: this.#memo }
    return readObjects([...this.#chosen, ...objects], this.#tools, options)
  }
}
