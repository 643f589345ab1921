// Who may do what in the demo registry: nobody is asked, or Basic credentials, or Bearer tokens from a token service
// at `/token` of the same server, as the distribution project describes them ("Token Authentication").

import { randomUUID, timingSafeEqual } from 'node:crypto'
import { type Answer, type Ask, json, refuse } from './registry-answer.ts'

export type Action = 'pull' | 'push' | 'delete'

export interface Access {
  readonly kind: 'basic' | 'bearer'
  /** Password by user name. */
  readonly users: Readonly<Record<string, string>>
  /** May this user (`undefined`: nobody named) do that? Absent: every user may, nobody else. */
  readonly allow?: (user: string | undefined, repository: string, action: Action) => boolean
  /** Of tokens; 300 unless told. */
  readonly tokenSeconds?: number
  /** A token service elsewhere to point to, for tests of clients that must not follow it. */
  readonly realm?: string
}

export interface Gate {
  /** The refusal, or `undefined` to go on. `repository` is absent for `/v2/` itself. */
  readonly refusal: (ask: Ask, repository: string | undefined) => Answer | undefined
  readonly token: (ask: Ask) => Answer
}

interface Token {
  readonly grants: ReadonlySet<string>
  readonly until: number
}

/** Tokens alive at once; the oldest makes room. */
const maxTokens = 4096

function same(left: string, right: string): boolean {
  const [one, other] = [Buffer.from(left), Buffer.from(right)]
  return one.length === other.length && timingSafeEqual(one, other)
}

type Who = { readonly kind: 'nobody' } | { readonly kind: 'wrong' } | { readonly kind: 'user'; readonly user: string }

function whoAsks(access: Access, authorization: string | undefined): Who {
  const match = /^basic ([a-z0-9+/=]{1,4096})$/i.exec(authorization ?? '')
  if (match === null) return { kind: authorization === undefined ? 'nobody' : 'wrong' }
  const [user = '', ...rest] = Buffer.from(match[1] ?? '', 'base64')
    .toString('utf8')
    .split(':')
  const password = Object.hasOwn(access.users, user) ? access.users[user] : undefined
  return password !== undefined && same(password, rest.join(':')) ? { kind: 'user', user } : { kind: 'wrong' }
}

function actionOf(method: string): Action {
  if (method === 'GET' || method === 'HEAD') return 'pull'
  return method === 'DELETE' ? 'delete' : 'push'
}

function mayDo(access: Access, user: string | undefined, repository: string, action: Action): boolean {
  return access.allow === undefined ? user !== undefined : access.allow(user, repository, action)
}

const unauthorized = (challenge: string) =>
  refuse(401, 'UNAUTHORIZED', 'credentials are needed, or do not reach this far', { 'www-authenticate': challenge })

function basicGate(access: Access): Gate {
  const challenge = 'Basic realm="sealward demo registry"'
  return {
    refusal: (ask, repository) => {
      const who = whoAsks(access, ask.header('authorization'))
      if (who.kind === 'wrong') return unauthorized(challenge)
      const user = who.kind === 'user' ? who.user : undefined
      if (repository === undefined) return user === undefined ? unauthorized(challenge) : undefined
      if (mayDo(access, user, repository, actionOf(ask.method))) return undefined
      return user === undefined ? unauthorized(challenge) : refuse(403, 'DENIED', 'this user may not do that here')
    },
    token: () => refuse(404, 'UNSUPPORTED', 'there are no tokens here'),
  }
}

/** `repository:name:pull,push`; the name may hold a colon only as a port, which repositories here do not have. */
function requestedGrants(scopes: readonly string[]): readonly { repository: string; action: Action }[] {
  return scopes
    .flatMap((scope) => scope.split(' '))
    .flatMap((scope) => {
      const match = /^repository:([^:]{1,255}):([a-z,*]{1,64})$/.exec(scope)
      const actions = (match?.[2] ?? '').split(',')
      return (['pull', 'push', 'delete'] as const)
        .filter((action) => actions.includes(action) || actions.includes('*'))
        .map((action) => ({ repository: match?.[1] ?? '', action }))
    })
}

function bearerGate(access: Access, url: string): Gate {
  const tokens = new Map<string, Token>()
  const seconds = access.tokenSeconds ?? 300
  const service = new URL(url).host
  const realm = access.realm ?? `${url}/token`
  const challenge = (scope: string | undefined, error: string | undefined) =>
    unauthorized(
      `Bearer realm="${realm}",service="${service}"` +
        `${scope === undefined ? '' : `,scope="${scope}"`}${error === undefined ? '' : `,error="${error}"`}`,
    )
  return {
    refusal: (ask, repository) => {
      const action = actionOf(ask.method)
      const wanted = action === 'push' ? 'pull,push' : action
      const scope = repository === undefined ? undefined : `repository:${repository}:${wanted}`
      const presented = /^bearer ([a-z0-9-]{1,256})$/i.exec(ask.header('authorization') ?? '')
      if (presented === null) return challenge(scope, undefined)
      const token = tokens.get(presented[1] ?? '')
      if (token === undefined || token.until <= performance.now()) return challenge(scope, 'invalid_token')
      if (repository === undefined || token.grants.has(`${action} ${repository}`)) return undefined
      return challenge(scope, 'insufficient_scope')
    },
    token: (ask) => {
      if (ask.method !== 'GET') return refuse(405, 'UNSUPPORTED', 'tokens are had by GET here', { allow: 'GET' })
      const who = whoAsks(access, ask.header('authorization'))
      if (who.kind === 'wrong') return unauthorized('Basic realm="sealward demo registry"')
      const user = who.kind === 'user' ? who.user : undefined
      const granted = requestedGrants(ask.query.getAll('scope').slice(0, 64))
        .filter(({ repository, action }) => mayDo(access, user, repository, action))
        .map(({ repository, action }) => `${action} ${repository}`)
      const text = randomUUID()
      for (const oldest of tokens.keys()) if (tokens.size >= maxTokens) tokens.delete(oldest)
      tokens.set(text, { grants: new Set(granted), until: performance.now() + seconds * 1000 })
      return json(200, { token: text, access_token: text, expires_in: seconds, issued_at: new Date().toISOString() })
    },
  }
}

/** `url` is where the registry itself can be reached: the token service lives there. */
export function createGate(access: Access | undefined, url: string): Gate | undefined {
  if (access === undefined) return undefined
  return access.kind === 'basic' ? basicGate(access) : bearerGate(access, url)
}
