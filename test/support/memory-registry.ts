// Sources in memory: what is put there is answered with the bytes' real digests, every question is counted, and any of
// them can be held back or made to fail. It speaks no HTTP; the registry client has its own tests.

import { createHash } from 'node:crypto'
import type { Sources } from '#app/engine/sources.ts'
import type { Fetched, Referrer, Repository } from '#core/decision/question.ts'
import { CodedError } from '#core/errors.ts'
import type { Digest } from '#core/image/digest.ts'
import { parseDigest } from '#core/image/digest.ts'
import { repositoryName } from '#core/image/reference.ts'
import type { ToyClaims } from './toy-format.ts'
import { toySignature, toyTag } from './toy-format.ts'

export function digestOf(bytes: Uint8Array | string): Digest {
  return parseDigest(`sha256:${createHash('sha256').update(bytes).digest('hex')}`)
}

export const manifestType = 'application/vnd.oci.image.manifest.v1+json'
export const indexType = 'application/vnd.oci.image.index.v1+json'

export interface Asked {
  /** `tagged registry/repository:tag`: the kind, the place, what. */
  readonly question: string
  readonly scope: string
  readonly signal: AbortSignal
}

export type Interception = (asked: Asked) => Promise<void> | void

export class MemoryRegistry implements Sources {
  readonly asked: Asked[] = []
  /** Runs before a question is answered: may wait, or throw. */
  before: Interception = () => {}
  /** `repository@digest`, `repository:tag`, `repository blob digest`. */
  readonly #content = new Map<string, Fetched>()
  readonly #referrers = new Map<string, readonly Referrer[]>()

  /** An image whose manifest says its name, so that different ones have different digests. */
  putImage(at: Repository, name: string, tag?: string): Digest {
    const config = { mediaType: 'application/vnd.oci.image.config.v1+json', digest: digestOf(name), size: name.length }
    return this.putManifest(at, { schemaVersion: 2, mediaType: manifestType, config, layers: [] }, tag)
  }

  putManifest(
    at: Repository,
    manifest: { readonly mediaType: string; readonly [member: string]: unknown },
    tag?: string,
  ): Digest {
    const bytes = new TextEncoder().encode(JSON.stringify(manifest))
    return this.put(at, { bytes, mediaType: manifest.mediaType }, tag)
  }

  put(at: Repository, { bytes, mediaType }: Omit<Fetched, 'digest'>, tag?: string): Digest {
    const digest = digestOf(bytes)
    this.#content.set(`${repositoryName(at)}@${digest}`, { digest, mediaType, bytes })
    if (tag !== undefined) this.#content.set(`${repositoryName(at)}:${tag}`, { digest, mediaType, bytes })
    return digest
  }

  putBlob(at: Repository, bytes: Uint8Array): Digest {
    const digest = digestOf(bytes)
    this.#content.set(`${repositoryName(at)} blob ${digest}`, { digest, mediaType: '', bytes })
    return digest
  }

  /** Signs beside the image, or in another repository. */
  sign(at: Repository, name: string, claims: ToyClaims): void {
    this.addLine(at, claims.digest, toySignature(name, claims))
  }

  addLine(at: Repository, digest: string, line: string): void {
    const tag = toyTag(digest)
    const before = this.#content.get(`${repositoryName(at)}:${tag}`)
    const text = `${before === undefined ? '' : new TextDecoder().decode(before.bytes)}${line}\n`
    this.put(at, { bytes: new TextEncoder().encode(text), mediaType: 'text/plain' }, tag)
  }

  unsign(at: Repository, digest: string): void {
    this.#content.delete(`${repositoryName(at)}:${toyTag(digest)}`)
  }

  remove(at: Repository, digest: Digest): void {
    this.#content.delete(`${repositoryName(at)}@${digest}`)
  }

  refer(at: Repository, digest: Digest, referrers: readonly Referrer[]): void {
    this.#referrers.set(`${repositoryName(at)}@${digest}`, referrers)
  }

  /** The kinds of all questions so far, in order; and none are left after looking. */
  kinds(): readonly string[] {
    return this.asked.splice(0).map(({ question }) => question.split(' ')[0] ?? '')
  }

  async resolve(at: Repository, tag: string, context: { scope: string; signal: AbortSignal }) {
    await this.#ask(`resolve ${repositoryName(at)}:${tag}`, context)
    const { digest, mediaType } = this.#find(`${repositoryName(at)}:${tag}`, 'image-not-found')
    return { digest, mediaType }
  }

  async access(at: Repository, digest: Digest, context: { scope: string; signal: AbortSignal }) {
    await this.#ask(`access ${repositoryName(at)}@${digest}`, context)
    this.#find(`${repositoryName(at)}@${digest}`, 'image-not-found')
  }

  async manifest(at: Repository, digest: Digest, context: { scope: string; signal: AbortSignal }) {
    await this.#ask(`manifest ${repositoryName(at)}@${digest}`, context)
    return this.#find(`${repositoryName(at)}@${digest}`, 'content-missing')
  }

  async tagged(at: Repository, tag: string, context: { scope: string; signal: AbortSignal }) {
    await this.#ask(`tagged ${repositoryName(at)}:${tag}`, context)
    return this.#content.get(`${repositoryName(at)}:${tag}`) ?? null
  }

  async referrers(at: Repository, digest: Digest, context: { scope: string; signal: AbortSignal }) {
    await this.#ask(`referrers ${repositoryName(at)}@${digest}`, context)
    return this.#referrers.get(`${repositoryName(at)}@${digest}`) ?? []
  }

  async blob(at: Repository, digest: Digest, _maxBytes: number, context: { scope: string; signal: AbortSignal }) {
    await this.#ask(`blob ${repositoryName(at)}@${digest}`, context)
    return this.#find(`${repositoryName(at)} blob ${digest}`, 'content-missing').bytes
  }

  async #ask(question: string, { scope, signal }: { scope: string; signal: AbortSignal }): Promise<void> {
    const asked = { question, scope, signal }
    this.asked.push(asked)
    await this.before(asked)
  }

  #find(key: string, missing: 'image-not-found' | 'content-missing'): Fetched {
    const found = this.#content.get(key)
    if (found === undefined) throw new CodedError(missing, `there is no ${key}`)
    return found
  }
}
