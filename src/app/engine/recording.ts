// Recorded facts: everything that a decision was made of, in one JSON file, so that it can be judged again without
// network. Bytes, times and policies are recorded; what a signature proves never is, replay verifies it again.

import { createHash } from 'node:crypto'
import { z } from 'zod'
import type { Fact, Fetched, FetchQuestion, MalformedEntry, Referrer, Resolved } from '#core/decision/question.ts'
import { questionKey } from '#core/decision/question.ts'
import { decodeBase64, encodeBase64 } from '#core/encoding/base64.ts'
import { parseStrictJson } from '#core/encoding/strict-json.ts'
import type { ErrorCode } from '#core/errors.ts'
import { CodedError, errorTable, isErrorCode, messageOf } from '#core/errors.ts'
import type { Digest } from '#core/image/digest.ts'
import { digestAlgorithm, parseDigest, toDigest } from '#core/image/digest.ts'
import type { Sources } from './sources.ts'

const digest = z.string().refine((text) => toDigest(text) !== undefined, 'is not a digest')
const fetched = z.strictObject({ digest, mediaType: z.string(), bytes: z.base64() })
const referrer = z.strictObject({
  digest,
  mediaType: z.string(),
  size: z.number(),
  artifactType: z.string().optional(),
  annotations: z.record(z.string(), z.string()).optional(),
})

/** What a list may hold: see `MalformedEntry`. */
const listed = z.union([referrer, z.strictObject({ malformed: z.string() })])

const answer = z.union([
  z.strictObject({ resolved: z.strictObject({ digest, mediaType: z.string() }) }),
  z.strictObject({ readable: z.literal(true) }),
  z.strictObject({ fetched }),
  z.strictObject({ absent: z.literal(true) }),
  z.strictObject({ referrers: z.array(listed) }),
  z.strictObject({ blob: z.base64() }),
  z.strictObject({ failed: z.strictObject({ code: z.string(), detail: z.string() }) }),
])

/** Which answers fit a question, by the first word of its key. */
const fitting: Readonly<Record<string, readonly string[]>> = {
  resolve: ['resolved'],
  access: ['readable'],
  manifest: ['fetched'],
  tagged: ['fetched', 'absent'],
  referrers: ['referrers'],
  blob: ['blob'],
}

const recordedFact = z.strictObject({ question: z.string(), answer }).refine(({ question, answer }) => {
  const [kind = ''] = question.split(' ', 1)
  const fits = Object.hasOwn(fitting, kind) ? fitting[kind] : undefined
  return fits !== undefined && Object.keys(answer).every((name) => name === 'failed' || fits.includes(name))
}, 'the answer does not fit the question')

const recordingShape = z.strictObject({
  kind: z.literal('sealward.dev/RecordedFacts'),
  version: z.literal(1),
  /** When the decision was made, in milliseconds since the epoch. */
  at: z.number(),
  images: z.array(z.string()),
  namespace: z.string(),
  /** The policy files as they were. */
  policies: z.array(z.strictObject({ name: z.string(), text: z.string() })),
  /** The key files that the policies name. */
  keyFiles: z.array(z.strictObject({ name: z.string(), text: z.string() })).default([]),
  facts: z.array(recordedFact),
})

export type Recording = z.infer<typeof recordingShape>
type Answer = z.infer<typeof answer>

/** Collects facts while the engine works; `toJSON`-ready. */
export function createRecorder(): {
  observe(question: FetchQuestion, fact: Fact<unknown>): void
  facts(): Recording['facts']
} {
  const facts = new Map<string, Answer>()
  return {
    observe: (question, fact) => facts.set(questionKey(question), toAnswer(question, fact)),
    facts: () => [...facts].map(([question, answer]) => ({ question, answer })),
  }
}

/** @throws CodedError `facts-malformed` */
export function parseRecording(text: string): Recording {
  let value: unknown
  try {
    value = parseStrictJson(text)
  } catch (error) {
    throw new CodedError('facts-malformed', `not a file of recorded facts: ${messageOf(error)}`, { cause: error })
  }
  const parsed = recordingShape.safeParse(value)
  if (parsed.success) return parsed.data
  const [issue] = parsed.error.issues
  const where = issue === undefined || issue.path.length === 0 ? '' : ` at ${issue.path.join('.')}`
  throw new CodedError('facts-malformed', `not a file of recorded facts${where}: ${issue?.message ?? 'unknown shape'}`)
}

/** Sources that answer from a recording; bytes are hashed again, and what is not recorded is `facts-missing`. */
export function recordedSources(recording: Recording): Sources {
  const answers = new Map(recording.facts.map(({ question, answer }) => [question, answer]))
  const answerTo = (question: FetchQuestion): Answer => {
    const key = questionKey(question)
    const answer = answers.get(key)
    if (answer === undefined) throw new CodedError('facts-missing', `nothing is recorded about: ${key}`)
    if ('failed' in answer) throw new CodedError(failureCode(answer.failed.code), answer.failed.detail)
    return answer
  }
  return {
    resolve: async (at, tag) => {
      const { digest, mediaType } = member(answerTo({ kind: 'resolve', at, tag }), 'resolved')
      return { digest: parseDigest(digest), mediaType }
    },
    access: async (at, digest) => void member(answerTo({ kind: 'access', at, digest }), 'readable'),
    manifest: async (at, digest) => toFetched(member(answerTo({ kind: 'manifest', at, digest }), 'fetched'), digest),
    tagged: async (at, tag) => {
      const answer = answerTo({ kind: 'tagged', at, tag })
      return 'absent' in answer ? null : toFetched(member(answer, 'fetched'))
    },
    referrers: async (at, digest) => member(answerTo({ kind: 'referrers', at, digest }), 'referrers').map(toReferrer),
    blob: async (at, digest, maxBytes) =>
      checked(decodeBase64(member(answerTo({ kind: 'blob', at, digest, maxBytes }), 'blob')), digest),
  }
}

/** Whoever edits the file may make it say that something failed, but not what a failure is. */
function failureCode(code: string): ErrorCode {
  const isFailure = isErrorCode(code) && errorTable[code].kind !== 'untrusted' && errorTable[code].kind !== 'accepted'
  return isFailure ? code : 'internal-error'
}

function toAnswer(question: FetchQuestion, fact: Fact<unknown>): Answer {
  if (!fact.known) return { failed: { code: fact.code, detail: fact.detail } }
  const { value } = fact
  switch (question.kind) {
    case 'resolve': {
      const { digest, mediaType } = value as Resolved
      return { resolved: { digest, mediaType } }
    }
    case 'access':
      return { readable: true }
    case 'tagged':
    case 'manifest': {
      if (value === null) return { absent: true }
      const { digest, mediaType, bytes } = value as Fetched
      return { fetched: { digest, mediaType, bytes: encodeBase64(bytes) } }
    }
    case 'referrers':
      return { referrers: (value as readonly (Referrer | MalformedEntry)[]).map((each) => ({ ...each })) }
    case 'blob':
      return { blob: encodeBase64(value as Uint8Array) }
  }
}

/** Every member that an answer can have, with its value. */
type Members = {
  [K in Answer extends infer A ? (A extends Answer ? keyof A : never) : never]: Extract<Answer, Record<K, unknown>>[K]
}

function member<K extends keyof Members>(answer: Answer, name: K): Members[K] {
  if (name in answer) return (answer as unknown as Members)[name]
  throw new CodedError('facts-malformed', `a recorded answer is not of the kind "${name}"`)
}

function toFetched(value: z.infer<typeof fetched>, wanted?: Digest): Fetched {
  const digest = wanted ?? parseDigest(value.digest)
  return { digest, mediaType: value.mediaType, bytes: checked(decodeBase64(value.bytes), digest) }
}

function toReferrer(entry: z.infer<typeof listed>): Referrer | MalformedEntry {
  if ('malformed' in entry) return entry
  const { artifactType, annotations, ...value } = entry
  return {
    ...value,
    digest: parseDigest(value.digest),
    ...(artifactType === undefined ? {} : { artifactType }),
    ...(annotations === undefined ? {} : { annotations }),
  }
}

function checked(bytes: Uint8Array, digest: Digest): Uint8Array {
  const hex = createHash(digestAlgorithm(digest)).update(bytes).digest('hex')
  if (`${digestAlgorithm(digest)}:${hex}` === digest) return bytes
  throw new CodedError('digest-mismatch', `recorded bytes are not what their digest ${digest} says`)
}
