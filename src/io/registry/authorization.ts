// What goes into the `Authorization` header: by what a registry asked for, with which credential. Remembers per host how
// it asks, so that only the first request pays for being refused.

import { CodedError } from '#core/errors.ts'
import { createCache } from '#io/cache.ts'
import { allHeaders, type HttpResponse, type Standing } from '#io/http/message.ts'
import { type Challenge, parseChallenge } from './challenge.ts'
import { basicAuthorization, type Credential } from './credentials.ts'
import type { Endpoint } from './endpoint.ts'
import { guardRealm, type RealmRules } from './realm.ts'
import type { TokenRequest, TokenStore } from './token.ts'

export type Actions = 'pull' | 'pull,push'

export interface Asking {
  readonly endpoint: Endpoint
  readonly credential: Credential
  readonly actions: Actions
  readonly signal: AbortSignal
  readonly scope: string
  readonly standing?: Standing
}

/** `refused`: this credential gives no authorization here. `none`: send without. */
export type Authorization =
  | { readonly kind: 'header'; readonly value: string; readonly token?: TokenRequest }
  | { readonly kind: 'none' }
  | { readonly kind: 'refused' }

export interface Authorizer {
  /** By what is known about the host so far. */
  prepare(asking: Asking): Promise<Authorization>
  /** After a 401 to what `sent` holds: what else can be tried. */
  answer(response: HttpResponse, asking: Asking, sent: Authorization): Promise<Authorization>
}

const refused: Authorization = { kind: 'refused' }
const none: Authorization = { kind: 'none' }
/** How a host asks changes with its configuration, and a wrong memory costs one request. */
const challengeTtl = 10 * 60_000

export function createAuthorizer(tokens: TokenStore, rules: RealmRules): Authorizer {
  const challenges = createCache<Challenge>({ max: 1_000, ttl: challengeTtl })

  const byChallenge = async (challenge: Challenge, asking: Asking): Promise<Authorization> => {
    const { credential, endpoint, actions } = asking
    if (credential.kind === 'registry-token') return { kind: 'header', value: `Bearer ${credential.token}` }
    if (challenge.scheme === 'basic') {
      if (credential.kind !== 'basic') return credential.kind === 'anonymous' ? none : refused
      return { kind: 'header', value: basicAuthorization(credential.username, credential.password) }
    }
    const realm = guardRealm(challenge.realm, endpoint.base, rules)
    // Our own words, not the challenge's: a registry must not get a token for more than what is asked of it.
    const access = `repository:${endpoint.at.repository}:${actions}`
    const token: TokenRequest = { realm, service: challenge.service, access, credential }
    const value = await tokens.token(token, asking)
    return value === undefined ? refused : { kind: 'header', value: `Bearer ${value}`, token }
  }

  return {
    async prepare(asking) {
      if (asking.credential.kind === 'registry-token')
        return { kind: 'header', value: `Bearer ${asking.credential.token}` }
      const known = challenges.get(asking.endpoint.base.host)
      return known === undefined ? none : byChallenge(known, asking)
    },
    async answer(response, asking, sent) {
      const challenge = parseChallenge(allHeaders(response, 'www-authenticate'))
      if (challenge === undefined) return refused
      challenges.set(asking.endpoint.base.host, challenge)
      if (sent.kind === 'header' && sent.token !== undefined) tokens.forget(sent.token)
      const next = await byChallenge(challenge, asking)
      if (next.kind !== 'header') return refused
      return sent.kind === 'header' && sent.value === next.value ? refused : next
    },
  }
}

/** Who was refused, without naming a secret. */
export function describeCredential(credential: Credential): string {
  if (credential.kind === 'anonymous') return 'anonymously'
  const { kind, origin } = credential
  return `with ${credentialWords[kind]}${origin === undefined ? '' : ` of ${origin}`}`
}

const credentialWords = {
  basic: 'a user name and password',
  'identity-token': 'an identity token',
  'registry-token': 'a registry token',
} as const satisfies Record<Exclude<Credential['kind'], 'anonymous'>, string>

/** A Pod may name dozens of pull secrets; a denial is read by people. */
const toldAtMost = 4

/** @param remarks what gave no credentials, and why */
export function accessDenied(
  endpoint: Endpoint,
  attempts: readonly string[],
  remarks: readonly string[] = [],
): CodedError {
  const { registry, repository } = endpoint.at
  const tried = attempts.length === 0 ? '' : ` (tried ${shortList(attempts)})`
  return new CodedError(
    'access-denied',
    `${registry} does not give access to ${repository}${tried}${remarked(remarks)}`,
    {
      where: `${registry}/${repository}`,
    },
  )
}

/** The end of a sentence about what could not be read. */
export function remarked(remarks: readonly string[] = []): string {
  return remarks.length === 0 ? '' : `; ${shortList(remarks)}`
}

function shortList(texts: readonly string[]): string {
  const more = texts.length - toldAtMost
  return [...texts.slice(0, toldAtMost), ...(more > 0 ? [`and ${more} more`] : [])].join('; ')
}
