// What can prove to a registry who is asking, and which of several proofs are tried for a repository, in which order.
// Where they come from (`docker-config.ts`, pull secrets) and how they travel (`authorization.ts`) is not known here.

import { createHash } from 'node:crypto'
import type { Repository } from '#core/decision/question.ts'
import type { CodedError } from '#core/errors.ts'

export type Credential =
  | { readonly kind: 'anonymous' }
  | ({ readonly kind: 'basic'; readonly username: string; readonly password: string } & Origin)
  /** Exchanged for access tokens at the registry's token service (docker's `identitytoken`). */
  | ({ readonly kind: 'identity-token'; readonly username?: string; readonly token: string } & Origin)
  /** Sent to the registry as it is (docker's `registrytoken`). */
  | ({ readonly kind: 'registry-token'; readonly token: string } & Origin)

interface Origin {
  /** Where it comes from, for people: `the pull secret team/regcred`. Not part of what it proves. */
  readonly origin?: string
}

export interface CredentialsFound {
  /** The most specific first. */
  readonly credentials: readonly Credential[]
  /** Sources that could not be asked; told only where nothing else gives access. */
  readonly problems: readonly CodedError[]
  /** What gives no credentials, and why, as sentences for people; told where nothing else gives access. */
  readonly remarks?: readonly string[]
}

/** Everything that may be tried for a repository. `scope` is the caller's name for the set of credentials to use. */
export type CredentialLookup = (at: Repository, scope: string, signal: AbortSignal) => Promise<CredentialsFound>

export const anonymous: Credential = { kind: 'anonymous' }

export const noCredentials: CredentialLookup = async () => ({ credentials: [], problems: [] })

/** Credentials of several sources, in their order, each once. */
export function joinCredentials(...lookups: readonly CredentialLookup[]): CredentialLookup {
  return async (at, scope, signal) => {
    const found = await Promise.all(lookups.map((lookup) => lookup(at, scope, signal)))
    const distinct = new Map<string, Credential>()
    for (const each of found.flatMap(({ credentials }) => credentials)) {
      if (!distinct.has(credentialId(each))) distinct.set(credentialId(each), each)
    }
    return {
      credentials: [...distinct.values()],
      problems: found.flatMap((each) => each.problems),
      remarks: found.flatMap((each) => each.remarks ?? []),
    }
  }
}

const ids = new WeakMap<Credential, string>()

/** A name for the credential that gives nothing away: tokens are kept under it, so a changed password never meets an old one's. */
export function credentialId(credential: Credential): string {
  const known = ids.get(credential)
  if (known !== undefined) return known
  const id =
    credential.kind === 'anonymous'
      ? 'anonymous'
      : createHash('sha256')
          .update(JSON.stringify(fields(credential)))
          .digest('hex')
  ids.set(credential, id)
  return id
}

function fields(credential: Exclude<Credential, { kind: 'anonymous' }>): readonly string[] {
  switch (credential.kind) {
    case 'basic':
      return ['basic', credential.username, credential.password]
    case 'identity-token':
      return ['identity-token', credential.username ?? '', credential.token]
    case 'registry-token':
      return ['registry-token', credential.token]
  }
}

/** The value of an `Authorization` header of the Basic scheme (RFC 7617), in UTF-8 as every registry takes it. */
export function basicAuthorization(username: string, password: string): string {
  return `Basic ${Buffer.from(`${username}:${password}`, 'utf8').toString('base64')}`
}
