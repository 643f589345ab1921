// What the engine needs from the world to answer questions. The registry client fits by shape, recorded facts do too.
// Every method throws a `CodedError` with a code of kind `undetermined`; bytes that it returns are what their digest says.

import type { Fetched, MalformedEntry, Referrer, Repository, Resolved } from '#core/decision/question.ts'
import type { Digest } from '#core/image/digest.ts'

/** On whose behalf, and how long. */
export interface FetchContext {
  readonly signal: AbortSignal
  /** Names the set of credentials; evidence read under one scope is used under another only after an access proof. */
  readonly scope: string
  readonly standing?: Standing
}

/** Written by whoever works for the answer: where that stands. */
export interface Standing {
  /** It waits for room on our side, which others have, and not for a registry. */
  readonly inLine: boolean
  /** What it waits for, if that stands somewhere by itself. */
  behind?: Standing | undefined
}

export interface Sources {
  /** HEAD of a tag. Throws `image-not-found`. */
  resolve(at: Repository, tag: string, context: FetchContext): Promise<Resolved>
  /** HEAD of an image: proves that these credentials may read it. */
  access(at: Repository, digest: Digest, context: FetchContext): Promise<void>
  /** Throws `content-missing` where there is none. */
  manifest(at: Repository, digest: Digest, context: FetchContext): Promise<Fetched>
  /** `null` only where the registry says cleanly that there is no such tag. */
  tagged(at: Repository, tag: string, context: FetchContext): Promise<Fetched | null>
  /** All pages of the referrers API, or the fallback tag's index; empty where neither names any. Entries may be malformed. */
  referrers(at: Repository, digest: Digest, context: FetchContext): Promise<readonly (Referrer | MalformedEntry)[]>
  /** Throws `content-missing`, `content-too-large`, `digest-mismatch`. */
  blob(at: Repository, digest: Digest, maxBytes: number, context: FetchContext): Promise<Uint8Array>
}
