// The strict reader of what a store holds: somebody else may have written the file. Text in, checked values out.

import { z } from 'zod'
import type { DamageMark, EntryKind, GapMark, PrunedMark, StartMark } from '#core/decision/chain-entry.ts'
import type { Finding } from '#core/decision/finding.ts'
import type { Judgement } from '#core/decision/judgement.ts'
import type { DecisionRecord, RecordPlace } from '#core/decision/record.ts'
import { printable } from '#core/encoding/printable.ts'
import { parseStrictJson } from '#core/encoding/strict-json.ts'
import type { ErrorCode } from '#core/errors.ts'
import { CodedError, isErrorCode } from '#core/errors.ts'
import type { Digest } from '#core/image/digest.ts'
import { toDigest } from '#core/image/digest.ts'

const code = z.custom<ErrorCode>((value) => typeof value === 'string' && isErrorCode(value), 'is no code')
const digest = z.custom<Digest>((value) => typeof value === 'string' && toDigest(value) !== undefined, 'is no digest')
const sha256 = z.string().regex(/^[0-9a-f]{64}$/)
const count = z.number().int().nonnegative()
const time = z.number().min(-8.64e15).max(8.64e15)
const run = z.string().regex(/^[0-9a-zA-Z]{1,64}$/)
const place = { run, n: count }
const outcome = z.enum(['trusted', 'untrusted', 'undetermined', 'accepted'])
const mode = z.enum(['Enforce', 'Warn', 'Audit'])

const use = z.strictObject({
  pointer: z.string(),
  name: z.string(),
  image: z.string(),
  unchanged: z.literal(true).optional(),
  outcome,
  code: code.optional(),
  detail: z.string().optional(),
  policy: z.string().optional(),
  judgement: sha256.optional(),
  pinned: z.string().optional(),
})

const decision = z.strictObject({
  ...place,
  path: z.enum(['mutate', 'validate']),
  uid: z.string(),
  answer: z.enum(['allowed', 'patched', 'denied']),
  code: code.optional(),
  message: z.string().optional(),
  operation: z.enum(['CREATE', 'UPDATE', 'DELETE', 'CONNECT']).optional(),
  kind: z.strictObject({ group: z.string(), version: z.string(), kind: z.string() }).optional(),
  subResource: z.string().optional(),
  namespace: z.string().optional(),
  name: z.string().optional(),
  user: z.string().optional(),
  dryRun: z.literal(true).optional(),
  policies: z
    .array(z.strictObject({ name: z.string(), mode, revision: z.string(), language: z.enum(['en', 'zh']) }))
    .optional(),
  uses: z.array(use).optional(),
})

const marks = {
  start: z.strictObject({
    run,
    version: z.string(),
    host: z.string(),
    previous: z.enum(['none', 'clean', 'unclean']),
    previousRun: run.optional(),
  }),
  stop: z.strictObject(place),
  gap: z.strictObject({ ...place, count, why: z.enum(['full', 'refused']), from: time, until: time }),
  damaged: z.strictObject({ run, frames: count, transactions: count }),
  pruned: z.strictObject({ run, upTo: count, hash: sha256, count }),
}

const signer = z.strictObject({ attestor: z.string(), key: z.string(), fingerprint: z.string() })
const signers = z.array(signer)
const placed = z.strictObject({ place: z.string(), code, detail: z.string() })
const check = z.strictObject({
  name: z.string(),
  passed: z.boolean(),
  code: code.optional(),
  detail: z.string().optional(),
})
const state = z.enum(['satisfied', 'unsatisfied', 'undetermined', 'open'])
const common = {
  state,
  code: code.optional(),
  detail: z.string().optional(),
  pending: z.boolean(),
  signers,
  validUntil: z.number().optional(),
}

const signatureFinding = z.strictObject({
  ...common,
  kind: z.literal('signature'),
  attestor: z.string(),
  annotations: z.record(z.string(), z.string()),
  identity: z.enum([
    'Any',
    'MatchExact',
    'MatchRepoDigestOrExact',
    'MatchRepository',
    'ExactReference',
    'ExactRepository',
    'RemapIdentity',
  ]),
  acceptableKeys: z.array(z.string()),
  signatures: z.array(
    z.strictObject({
      format: z.string(),
      place: z.string(),
      counts: z.boolean(),
      signer: signer.optional(),
      code: code.optional(),
      detail: z.string().optional(),
      checks: z.array(check),
      signedAs: z.string().optional(),
    }),
  ),
  oddities: z.array(placed),
  gaps: z.array(placed),
})

const finding: z.ZodType<Finding> = z.lazy(() =>
  z.discriminatedUnion('kind', [
    signatureFinding,
    z.strictObject({
      ...common,
      kind: z.enum(['allOf', 'anyOf', 'atLeast']),
      count: z.number().optional(),
      of: z.array(finding),
    }),
    z.strictObject({
      kind: z.enum(['deny', 'insecureAcceptAnything']),
      state,
      code,
      detail: z.string().optional(),
      pending: z.literal(false),
      signers: z.tuple([]),
    }),
  ]),
) as z.ZodType<Finding>

const verdict = z.strictObject({
  outcome,
  code: code.optional(),
  detail: z.string().optional(),
  policy: z.string().optional(),
})

const judgement = z.strictObject({
  reference: z.string(),
  digest: digest.optional(),
  enforced: verdict.optional(),
  warned: verdict.optional(),
  audited: verdict.optional(),
  byPolicy: z.array(
    z.strictObject({
      policy: z.string(),
      mode,
      rule: z.string(),
      outcome,
      code: code.optional(),
      detail: z.string().optional(),
      finding: finding.optional(),
      platforms: z.array(z.strictObject({ digest, name: z.string(), finding })).optional(),
      validUntil: z.number().optional(),
    }),
  ),
  signers,
  pin: z.enum(['TagAndDigest', 'Digest']).optional(),
  staleSince: z.number().optional(),
})

export type StoredEntry =
  | { readonly kind: 'decision'; readonly record: DecisionRecord }
  | { readonly kind: 'start'; readonly mark: StartMark }
  | { readonly kind: 'stop'; readonly mark: RecordPlace }
  | { readonly kind: 'gap'; readonly mark: GapMark }
  | { readonly kind: 'damaged'; readonly mark: DamageMark }
  | { readonly kind: 'pruned'; readonly mark: PrunedMark }

/** Findings nest as deep as requirements do, and each takes two levels. */
const maxDepth = 200

/** @throws CodedError `store-malformed` */
export function readEntry(kind: string, text: string, where: string): StoredEntry {
  if (!isEntryKind(kind)) throw malformed(where, `is of the unknown kind "${printable(kind, 40)}"`)
  if (kind === 'decision') return { kind, record: read(decision, text, where) }
  const schema: z.ZodType = marks[kind]
  return { kind, mark: read(schema, text, where) } as StoredEntry
}

/** @throws CodedError `store-malformed` */
export function readJudgement(text: string, where: string): Judgement {
  return read(judgement, text, where) as Judgement
}

function isEntryKind(kind: string): kind is EntryKind {
  return kind === 'decision' || Object.hasOwn(marks, kind)
}

function read<T>(schema: z.ZodType<T>, text: string, where: string): T {
  let value: unknown
  try {
    value = parseStrictJson(text, { maxDepth })
  } catch (error) {
    throw malformed(where, error instanceof CodedError ? `is not JSON: ${error.message}` : 'is not JSON')
  }
  const result = schema.safeParse(value)
  if (result.success) return result.data
  const [issue] = result.error.issues
  throw malformed(where, printable(`${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'is not right'}`, 300))
}

function malformed(where: string, problem: string): CodedError {
  return new CodedError('store-malformed', `${where}: ${problem}`, { where })
}
