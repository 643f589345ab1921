// Clients, digests and documents that the registry tests share.

import { createHash } from 'node:crypto'
import type { Repository } from '#core/decision/question.ts'
import { type Digest, parseDigest } from '#core/image/digest.ts'
import { createRegistryClient, type RegistryClient, type RegistryClientOptions } from '#io/registry/client.ts'
import type { Credential, CredentialLookup } from '#io/registry/credentials.ts'
import type { CallContext } from '#io/registry/session.ts'
import type { StubRegistry } from '../../support/stub-registry.ts'

export const indexType = 'application/vnd.oci.image.index.v1+json'
export const manifestType = 'application/vnd.oci.image.manifest.v1+json'
export const repository = 'team/app'

const clients: RegistryClient[] = []

/** A client that speaks plain HTTP to loopback; back-off does not wait. */
export function clientFor(options: Partial<RegistryClientOptions> = {}): RegistryClient {
  const insecure = (host: string) => host.startsWith('127.0.0.1:') || host.startsWith('localhost:')
  const client = createRegistryClient({ version: '0.0.0-test', insecure, random: () => 0, ...options })
  clients.push(client)
  return client
}

export async function closeClients(): Promise<void> {
  await Promise.all(clients.splice(0).map((client) => client.close()))
}

export function at(stub: Pick<StubRegistry, 'host'>, name = repository): Repository {
  return { registry: stub.host, repository: name }
}

export function context(timeout = 10_000): CallContext {
  return { signal: AbortSignal.timeout(timeout), scope: 'test' }
}

export function digestOf(bytes: Uint8Array | string, algorithm = 'sha256'): Digest {
  return parseDigest(`${algorithm}:${createHash(algorithm).update(bytes).digest('hex')}`)
}

export function bytesOf(value: unknown): Buffer {
  return Buffer.from(typeof value === 'string' ? value : JSON.stringify(value))
}

/** Credentials for one host only, as a docker config would give them. */
export function credentialsOf(host: string, ...credentials: readonly Credential[]): CredentialLookup {
  return async (asked) => ({ credentials: asked.registry === host ? credentials : [], problems: [] })
}

export const alice: Credential = { kind: 'basic', username: 'alice', password: 'alice-password-6b1f' }
export const bob: Credential = { kind: 'basic', username: 'bob', password: 'bob-password-91c4' }

export function basic(credential: Credential): string {
  if (credential.kind !== 'basic') throw new Error('not a user name and password')
  return `Basic ${Buffer.from(`${credential.username}:${credential.password}`).toString('base64')}`
}

export const emptyConfig = bytesOf('{}')

/** An image manifest of no layers; `subject` makes it a referrer. */
export function manifest(members: Readonly<Record<string, unknown>> = {}): Buffer {
  const config = { mediaType: 'application/vnd.oci.empty.v1+json', digest: digestOf(emptyConfig), size: 2 }
  return bytesOf({ schemaVersion: 2, mediaType: manifestType, config, layers: [], ...members })
}

export function descriptorOf(bytes: Uint8Array, members: Readonly<Record<string, unknown>> = {}) {
  return { mediaType: manifestType, digest: digestOf(bytes), size: bytes.length, ...members }
}

export function index(...manifests: readonly unknown[]): Buffer {
  return bytesOf({ schemaVersion: 2, mediaType: indexType, manifests })
}
