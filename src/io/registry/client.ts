// The registry client: joins connections, credentials, mirrors and the methods of the distribution API. It satisfies the
// engine's `Sources` by shape, and pushes for signing. It judges nothing that it reads.

import type { Fetched, MalformedEntry, Referrer, Repository, Resolved } from '#core/decision/question.ts'
import type { Digest } from '#core/image/digest.ts'
import { splitPort } from '#core/image/registry-host.ts'
import { createCache } from '#io/cache.ts'
import type { Resolve } from '#io/http/guard.ts'
import type { NetworkSettings } from '#io/http/network.ts'
import { createTransport, type TlsSettings } from '#io/http/transport.ts'
import { createAuthorizer } from './authorization.ts'
import { type CredentialLookup, noCredentials } from './credentials.ts'
import { type Endpoint, type EndpointRules, mirrorEndpoints, originEndpoint } from './endpoint.ts'
import { checkAccess, fetchBlob, fetchByDigest, fetchTagged, type Reading, resolveTag } from './pull.ts'
import { hasBlob, type PushedBlob, type PushedManifest, putBlob, putManifest } from './push.ts'
import { putReferrer, type ReferrerManifest, type TagLocks } from './put-referrer.ts'
import { fetchReferrers } from './referrers.ts'
import { createPatientSend } from './retry.ts'
import { type CallContext, createSession } from './session.ts'
import { fetchTags } from './tags.ts'
import { createTokenStore } from './token.ts'

export interface RegistryClientOptions {
  /** Of Sealward: `User-Agent: sealward/<version>`. */
  readonly version: string
  readonly credentials?: CredentialLookup
  /** Hosts (`localhost:5000`) that are spoken to in plain HTTP, and only so. Default: none. */
  readonly insecure?: (host: string) => boolean
  /** Token services on foreign domains that may see credentials (`auth.example.com`). */
  readonly allowedRealms?: readonly string[]
  /** By registry: mirrors to read from first, `host` or `host/path`. */
  readonly mirrors?: ReadonlyMap<string, readonly string[]>
  /** PEM by `host:port` or `host`: the only authorities trusted for that host. */
  readonly registryCa?: ReadonlyMap<string, string>
  /** PEM by `host:port` or `host`. */
  readonly clientCertificates?: ReadonlyMap<string, { readonly cert: string; readonly key: string }>
  readonly network?: NetworkSettings
  readonly connectionsPerHost?: number
  /** Default: the system's. */
  readonly resolve?: Resolve
  /** For back-off; between 0 and 1. */
  readonly random?: () => number
  /** Milliseconds since the epoch. */
  readonly now?: () => number
}

export interface RegistryClient {
  resolve(at: Repository, tag: string, context: CallContext): Promise<Resolved>
  access(at: Repository, digest: Digest, context: CallContext): Promise<void>
  manifest(at: Repository, digest: Digest, context: CallContext): Promise<Fetched>
  tagged(at: Repository, tag: string, context: CallContext): Promise<Fetched | null>
  referrers(at: Repository, digest: Digest, context: CallContext): Promise<readonly (Referrer | MalformedEntry)[]>
  blob(at: Repository, digest: Digest, maxBytes: number, context: CallContext): Promise<Uint8Array>
  listTags(at: Repository, context: CallContext): Promise<readonly string[]>

  hasBlob(at: Repository, digest: Digest, context: CallContext): Promise<boolean>
  putBlob(at: Repository, bytes: Uint8Array, mediaType: string, context: CallContext): Promise<PushedBlob>
  /** `reference`: a tag, or the digest of the bytes. */
  putManifest(
    at: Repository,
    reference: string,
    manifest: ReferrerManifest,
    context: CallContext,
  ): Promise<PushedManifest>
  /** Pushes a manifest that has a `subject`, and makes it findable where the registry does not. */
  putReferrer(
    at: Repository,
    subject: Digest,
    manifest: ReferrerManifest,
    context: CallContext,
  ): Promise<PushedManifest>

  close(): Promise<void>
}

/** A mirror is there to be fast; one that is not must leave the origin its share of an admission's 10 s. */
const mirrorTimeout = 3_000

/** Repositories that are asked within minutes. Parsing the URL of one anew costs a tenth of a HEAD. */
const keptEndpoints = 1_000

export function createRegistryClient(options: RegistryClientOptions): RegistryClient {
  const rules: EndpointRules = { insecure: options.insecure ?? (() => false), mirrors: options.mirrors ?? new Map() }
  const random = options.random ?? Math.random
  const { transport, session } = connect(options, rules, random)
  const locks: TagLocks = new Map()

  const endpoints = createCache<Endpoint>({ max: keptEndpoints, ttl: 0 })
  const endpointOf = (at: Repository): Endpoint => {
    const key = `${at.registry}/${at.repository}`
    const known = endpoints.get(key)
    if (known !== undefined) return known
    const made = originEndpoint(at, rules)
    endpoints.set(key, made)
    return made
  }
  const atOrigin = (at: Repository, context: CallContext): Reading => ({ session, endpoint: endpointOf(at), context })
  const read = <T>(
    at: Repository,
    context: CallContext,
    ask: (reading: Reading) => Promise<T>,
    found?: (answer: T) => boolean,
  ) => mirrorsFirst(mirrorEndpoints(at, rules), atOrigin(at, context), ask, found ?? (() => true))

  return {
    resolve: (at, tag, context) => read(at, context, (from) => resolveTag(from, tag)),
    access: (at, digest, context) => read(at, context, (from) => checkAccess(from, digest)),
    manifest: (at, digest, context) => read(at, context, (from) => fetchByDigest(from, digest)),
    blob: (at, digest, maxBytes, context) => read(at, context, (from) => fetchBlob(from, digest, maxBytes)),
    // "There is none" may only be said by the registry itself: mirrors lag, and many have no referrers.
    tagged: (at, tag, context) =>
      read(
        at,
        context,
        (from) => fetchTagged(from, tag),
        (answer) => answer !== null,
      ),
    referrers: (at, digest, context) =>
      read(
        at,
        context,
        (from) => fetchReferrers(from, digest),
        // Nor may a list that is not whole be the last word.
        (answer) => answer.length > 0 && !answer.some((each) => 'malformed' in each),
      ),
    listTags: (at, context) => fetchTags(atOrigin(at, context)),

    hasBlob: (at, digest, context) => hasBlob(atOrigin(at, context), digest),
    putBlob: (at, bytes, mediaType, context) => putBlob(atOrigin(at, context), bytes, mediaType),
    putManifest: (at, reference, { bytes, mediaType }, context) =>
      putManifest(atOrigin(at, context), reference, bytes, mediaType),
    putReferrer: (at, subject, manifest, context) =>
      putReferrer(atOrigin(at, context), subject, manifest, { locks, random }),

    close: () => transport.close(),
  }
}

function connect(options: RegistryClientOptions, rules: EndpointRules, random: () => number) {
  const { network, connectionsPerHost, resolve } = options
  const transport = createTransport({
    userAgent: `sealward/${options.version}`,
    tlsFor: (host) => tlsFor(host, options),
    ...(network !== undefined && { network }),
    ...(connectionsPerHost !== undefined && { connectionsPerHost }),
    ...(resolve !== undefined && { resolve }),
  })
  const send = createPatientSend(transport, { random, now: options.now ?? Date.now })
  const authorizer = createAuthorizer(createTokenStore(send), { allowedRealms: options.allowedRealms ?? [] })
  const credentials = options.credentials ?? noCredentials
  return { transport, session: createSession({ transport, send, authorizer, credentials, rules }) }
}

/** What is said about a port counts before what is said about all of them. URLs leave out 443. */
function tlsFor(host: string, options: RegistryClientOptions): TlsSettings | undefined {
  const { name, port } = splitPort(host)
  const keys = port === '' ? [`${host}:443`, host] : [host, name]
  const find = <T>(map: ReadonlyMap<string, T> | undefined) =>
    keys.map((key) => map?.get(key)).find((each) => each !== undefined)
  const ca = find(options.registryCa)
  const client = find(options.clientCertificates)
  return ca === undefined && client === undefined ? undefined : { ...client, ...(ca !== undefined && { ca }) }
}

/** Whatever a mirror fails at, the registry itself is asked; its word is the last one. */
async function mirrorsFirst<T>(
  mirrors: readonly Endpoint[],
  origin: Reading,
  ask: (reading: Reading) => Promise<T>,
  found: (answer: T) => boolean,
): Promise<T> {
  const { session, context } = origin
  for (const endpoint of mirrors) {
    const signal = AbortSignal.any([context.signal, AbortSignal.timeout(mirrorTimeout)])
    try {
      const answer = await ask({ session, endpoint, context: { ...context, signal } })
      if (found(answer)) return answer
    } catch (error) {
      if (context.signal.aborted) throw error
    }
  }
  return ask(origin)
}
