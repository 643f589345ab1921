// Recorded facts: everything that a decision was made of, in one JSON file, so that it can be judged again without
// network. Bytes, times and policies are recorded; what a signature proves never is, replay verifies it again.

import { createHash } from 'node:crypto'
import { z } from 'zod'
import type { Fact, Fetched, FetchQuestion, Referrer, Resolved } from '#core/decision/question.ts'
import { questionKey } from '#core/decision/question.ts'
import { decodeBase64, encodeBase64 } from '#core/encoding/base64.ts'
import { parseStrictJson } from '#core/encoding/strict-json.ts'
import { CodedError, isErrorCode, messageOf } from '#core/errors.ts'
import type { Digest } from '#core/image/digest.ts'
import { digestAlgorithm, parseDigest } from '#core/image/digest.ts'
import type { Sources } from './sources.ts'

const fetched = z.object({ digest: z.string(), mediaType: z.string(), bytes: z.string() })
const referrer = z.object({
  digest: z.string(),
  mediaType: z.string(),
  size: z.number(),
  artifactType: z.string().optional(),
  annotations: z.record(z.string(), z.string()).optional(),
})

const recordedFact = z.object({
  question: z.string(),
  answer: z.union([
    z.object({ resolved: z.object({ digest: z.string(), mediaType: z.string() }) }),
    z.object({ readable: z.literal(true) }),
    z.object({ fetched }),
    z.object({ absent: z.literal(true) }),
    z.object({ referrers: z.array(referrer) }),
    z.object({ blob: z.string() }),
    z.object({ failed: z.object({ code: z.string(), detail: z.string() }) }),
  ]),
})

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
type Answer = z.infer<typeof recordedFact>['answer']

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
  const issue = parsed.error.issues[0]
  throw new CodedError(
    'facts-malformed',
    `not a file of recorded facts: ${issue?.path.join('.') ?? ''}: ${issue?.message ?? ''}`,
  )
}

/** Sources that answer from a recording; bytes are hashed again, and what is not recorded is `facts-missing`. */
export function recordedSources(recording: Recording): Sources {
  const answers = new Map(recording.facts.map(({ question, answer }) => [question, answer]))
  const answerTo = (question: FetchQuestion): Answer => {
    const answer = answers.get(questionKey(question))
    if (answer === undefined)
      throw new CodedError('facts-missing', `nothing is recorded about: ${questionKey(question)}`)
    if ('failed' in answer) {
      const { code, detail } = answer.failed
      throw new CodedError(isErrorCode(code) ? code : 'internal-error', detail)
    }
    return answer
  }
  return {
    resolve: async (at, tag) => read(answerTo({ kind: 'resolve', at, tag }), 'resolved', toResolved),
    access: async (at, digest) => read(answerTo({ kind: 'access', at, digest }), 'readable', () => undefined),
    manifest: async (at, digest) =>
      read(answerTo({ kind: 'manifest', at, digest }), 'fetched', (value) => toFetched(value, digest)),
    tagged: async (at, tag) => {
      const answer = answerTo({ kind: 'tagged', at, tag })
      return 'absent' in answer ? null : read(answer, 'fetched', (value) => toFetched(value))
    },
    referrers: async (at, digest) => read(answerTo({ kind: 'referrers', at, digest }), 'referrers', toReferrers),
    blob: async (at, digest, maxBytes) =>
      read(answerTo({ kind: 'blob', at, digest, maxBytes }), 'blob', (value) => checked(decodeBase64(value), digest)),
  }
}

function toAnswer(question: FetchQuestion, fact: Fact<unknown>): Answer {
  if (!fact.known) return { failed: { code: fact.code, detail: fact.detail } }
  const { value } = fact
  switch (question.kind) {
    case 'resolve':
      return { resolved: value as Resolved }
    case 'access':
      return { readable: true }
    case 'tagged':
    case 'manifest': {
      if (value === null) return { absent: true }
      const { digest, mediaType, bytes } = value as Fetched
      return { fetched: { digest, mediaType, bytes: encodeBase64(bytes) } }
    }
    case 'referrers':
      return { referrers: [...(value as readonly Referrer[])] }
    case 'blob':
      return { blob: encodeBase64(value as Uint8Array) }
  }
}

type Members<K extends string> =
  Extract<Answer, Record<K, unknown>> extends infer A ? (A extends Record<K, infer V> ? V : never) : never

function read<K extends string, T>(answer: Answer, member: K, then: (value: Members<K>) => T): T {
  if (member in answer) return then((answer as Record<K, Members<K>>)[member])
  throw new CodedError('facts-malformed', `a recorded answer is not of the kind "${member}"`)
}

function toResolved(value: { digest: string; mediaType: string }): Resolved {
  return { digest: parseDigest(value.digest), mediaType: value.mediaType }
}

function toFetched(value: z.infer<typeof fetched>, wanted?: Digest): Fetched {
  const digest = wanted ?? parseDigest(value.digest)
  return { digest, mediaType: value.mediaType, bytes: checked(decodeBase64(value.bytes), digest) }
}

function toReferrers(values: readonly z.infer<typeof referrer>[]): readonly Referrer[] {
  return values.map(({ artifactType, annotations, ...value }) => ({
    ...value,
    digest: parseDigest(value.digest),
    ...(artifactType === undefined ? {} : { artifactType }),
    ...(annotations === undefined ? {} : { annotations }),
  }))
}

function checked(bytes: Uint8Array, digest: Digest): Uint8Array {
  const hex = createHash(digestAlgorithm(digest)).update(bytes).digest('hex')
  if (`${digestAlgorithm(digest)}:${hex}` === digest) return bytes
  throw new CodedError('digest-mismatch', `recorded bytes are not what their digest ${digest} says`)
}
