// What is kept of a decision, so that it can be explained later as on the day: who asked for what, the answer as it was
// given, and each verdict with the judgement behind it. No object, no token, no evidence: those are not ours to keep.
// Judgements repeat from request to request; a record names them by hash.

import type { AdmissionAnswer } from '#core/admission/answer.ts'
import type { AdmissionRequest, GroupVersionKind, ReviewId } from '#core/admission/review.ts'
import type { ImageUse } from '#core/admission/use.ts'
import type { ErrorCode } from '#core/errors.ts'
import type { Decision, UseVerdict } from './decision.ts'
import type { Judgement, Outcome } from './judgement.ts'

export interface RecordedUse {
  /** RFC 6901, into the object of the request. */
  readonly pointer: string
  readonly name: string
  readonly image: string
  readonly unchanged?: true | undefined
  readonly outcome: Outcome
  readonly code?: ErrorCode | undefined
  readonly detail?: string | undefined
  readonly policy?: string | undefined
  /** SHA-256 of the judgement's text, in hex. */
  readonly judgement?: string | undefined
  /** What was written in place of the image. */
  readonly pinned?: string | undefined
}

/** Where in the life of the process that made it a record stands. */
export interface RecordPlace {
  /** Names one life of one process. */
  readonly run: string
  /** Rises within the run, so that what was written already can be told after a crash of the writer. */
  readonly n: number
}

export interface DecisionRecord extends RecordPlace {
  readonly path: Decision['purpose']
  readonly uid: string
  readonly answer: AdmissionAnswer['outcome']
  /** Of a denial. */
  readonly code?: ErrorCode | undefined
  /** Of a denial: the text as it was given, whatever later versions would say. */
  readonly message?: string | undefined
  /** Absent where the request was so broken that nothing but its uid could be read. */
  readonly operation?: AdmissionRequest['operation'] | undefined
  readonly kind?: GroupVersionKind | undefined
  readonly subResource?: string | undefined
  readonly namespace?: string | undefined
  readonly name?: string | undefined
  readonly user?: string | undefined
  readonly dryRun?: true | undefined
  /** An engine has judged, and these are the policies that spoke; else the server itself has denied. */
  readonly policies?: Decision['policies'] | undefined
  readonly uses?: readonly RecordedUse[] | undefined
}

/** What was asked and what was answered. */
export interface Answered {
  readonly path: Decision['purpose']
  readonly request: AdmissionRequest | ReviewId
  readonly answer: AdmissionAnswer
  readonly decision?: Decision | undefined
}

/** Names are at most 253 characters in Kubernetes; what a sender made up is not worth more. */
const maxName = 512
/** Certificates and identity providers make long user names. */
const maxUser = 1024
/** The longest reference that the reader accepts is below this; anything longer is malformed and only has to be recognised. */
const maxImage = 1024
/** The details of all codes are sentences. */
const maxDetail = 2048
/** The longest denial of the engine, with room for the server's own. */
const maxMessage = 20_000

/** @param hashOf the name of a judgement among those that are kept */
export function recordOf(
  { run, n }: RecordPlace,
  { path, request, answer, decision }: Answered,
  hashOf: (judgement: Judgement) => string,
): DecisionRecord {
  const isDenied = answer.outcome === 'denied'
  return {
    run,
    n,
    path,
    uid: request.uid,
    answer: answer.outcome,
    code: isDenied ? answer.code : undefined,
    message: isDenied ? cut(answer.message, maxMessage) : undefined,
    ...('operation' in request ? factsOf(request) : undefined),
    policies: decision?.policies,
    uses: decision && usesOf(decision, hashOf),
  }
}

function factsOf({ operation, kind, subResource, namespace, name, userInfo, dryRun }: AdmissionRequest) {
  return {
    operation,
    kind: { group: cut(kind.group, maxName), version: cut(kind.version, maxName), kind: cut(kind.kind, maxName) },
    subResource: cutIf(subResource, maxName),
    namespace: cutIf(namespace, maxName),
    name: cutIf(name, maxName),
    user: cut(userInfo.username, maxUser),
    dryRun: dryRun ? (true as const) : undefined,
  }
}

function usesOf({ verdicts, pins }: Decision, hashOf: (judgement: Judgement) => string): readonly RecordedUse[] {
  const pinned = pins.length === 0 ? undefined : new Map(pins.map(({ pointer, to }) => [pointer, to]))
  return verdicts.map(({ use, unchanged, outcome, code, detail, policy, judgement }) => ({
    pointer: use.pointer,
    name: cut(use.name, maxName),
    image: cut(use.image, maxImage),
    unchanged: unchanged ? true : undefined,
    outcome,
    code,
    detail: cutIf(detail, maxDetail),
    policy,
    judgement: judgement && hashOf(judgement),
    pinned: pinned?.get(use.pointer),
  }))
}

/** A judgement holds each signature that was found; with more text than this only what it came to is kept. */
const maxJudgement = 1024 * 1024

/** The text that a judgement is kept as. Until when it might have been reused is no part of what was judged. */
export function judgementText(judgement: Judgement): string {
  const text = recordText({ ...judgement, validUntil: undefined })
  if (text.length <= maxJudgement) return text
  const byPolicy = judgement.byPolicy.map((each) => ({ ...each, finding: undefined, platforms: undefined }))
  return recordText({ ...judgement, validUntil: undefined, byPolicy })
}

/** JSON that the strict reader accepts: half a surrogate pair, which somebody's error message may hold, is replaced. */
export function recordText(value: object): string {
  const text = JSON.stringify(value)
  return text.includes('\\ud')
    ? text.replace(/(?<!\\)((?:\\\\)*)\\ud[89a-f][0-9a-f]{2}/g, (_, before) => `${before}\ufffd`)
    : text
}

/** The decision as it was made, of its record and the judgements that the record names. */
export function decisionOf(
  id: string,
  at: number,
  record: DecisionRecord,
  judgements: ReadonlyMap<string, Judgement>,
): Decision {
  const { path, namespace, answer, policies = [], uses = [] } = record
  return {
    id,
    at,
    purpose: path,
    ...(namespace === undefined ? {} : { namespace }),
    allowed: answer !== 'denied',
    leftAlone: false,
    verdicts: uses.map((use) => verdictOf(use, judgements)),
    pins: uses.flatMap(({ pointer, image, pinned }) =>
      pinned === undefined ? [] : [{ pointer, from: image, to: pinned }],
    ),
    policies,
  }
}

function verdictOf(recorded: RecordedUse, judgements: ReadonlyMap<string, Judgement>): UseVerdict {
  const { outcome, code, detail, policy, unchanged = false } = recorded
  const judgement = recorded.judgement === undefined ? undefined : judgements.get(recorded.judgement)
  return {
    use: useOf(recorded),
    unchanged,
    outcome,
    ...(code === undefined ? {} : { code }),
    ...(detail === undefined ? {} : { detail }),
    ...(policy === undefined ? {} : { policy }),
    ...(judgement === undefined ? {} : { judgement }),
  }
}

const lists: ReadonlySet<string> = new Set<ImageUse['list']>([
  'containers',
  'initContainers',
  'ephemeralContainers',
  'volumes',
])

/** The pointer says the rest: in a pod spec, no name on the way to an image is a number, and none is escaped. */
function useOf({ pointer, name, image }: RecordedUse): ImageUse {
  const names = pointer.split('/').slice(1)
  const list =
    names.find((each): each is ImageUse['list'] => lists.has(each)) ?? (names.length === 1 ? 'argument' : 'field')
  const field = names.map((each) => (/^\d+$/.test(each) ? `[${each}]` : `.${each}`)).join('')
  return { pointer, field: field.slice(1), list, name, image }
}

function cutIf(text: string | undefined, max: number): string | undefined {
  return text === undefined ? undefined : cut(text, max)
}

function cut(text: string, max: number): string {
  return text.length <= max ? text : `${text.slice(0, max - 1).toWellFormed()}…`
}
