// Access tokens from a registry's token service: fetching (distribution's token and OAuth2 flows), sharing while in
// flight, keeping until shortly before they expire. Which service may be asked is decided in `realm.ts`.

import { printable } from '#core/encoding/printable.ts'
import { parseStrictJsonBytes } from '#core/encoding/strict-json.ts'
import { CodedError, type ErrorCode, messageOf } from '#core/errors.ts'
import { createCache, createSingleFlight } from '#io/cache.ts'
import { untilAborted } from '#io/http/deadline.ts'
import { showUrl } from '#io/http/failure.ts'
import type { HttpResponse, Standing } from '#io/http/message.ts'
import { basicAuthorization, type Credential, credentialId } from './credentials.ts'
import type { PatientSend } from './retry.ts'

export interface TokenRequest {
  /** Already guarded. */
  readonly realm: URL
  readonly service: string | undefined
  /** `repository:team/app:pull` */
  readonly access: string
  readonly credential: Exclude<Credential, { kind: 'registry-token' }>
}

export interface TokenStore {
  /**
   * `undefined` where the service refuses this credential.
   *
   * @throws CodedError `token-service-failing`, `registry-throttled`, `address-refused`, `overloaded`
   */
  token(
    request: TokenRequest,
    context: { readonly signal: AbortSignal; readonly scope: string; readonly standing?: Standing },
  ): Promise<string | undefined>
  /** The registry did not accept it. */
  forget(request: TokenRequest): void
}

/** For whom a token is fetched first; others may join. */
interface Asking {
  readonly scope: string
  readonly standing: Standing
}

interface Issued {
  readonly token: string
  /** In milliseconds. */
  readonly lifetime: number
}

/** The cap of containers/image; a token is a few KiB. */
const maxAnswerBytes = 1024 * 1024
/** More than Node and most registries accept in a request's head. */
const maxTokenLength = 12 * 1024
/** "If omitted, this defaults to 60 seconds" (distribution, token specification). */
const defaultLifetime = 60_000
/** A token is not used for longer than this without asking again whether its owner still may. */
const longestLifetime = 15 * 60_000
/** Clocks and the way to the registry; of short lives a tenth. */
const margin = 10_000
/** The fetch is shared, so no caller's deadline bounds it. */
const fetchDeadline = 10_000
/** Who asks later than this asks anew: the fetch may hang on a dead connection, and token services answer within a second. */
const joinableMs = 3_000

export function createTokenStore(send: PatientSend): TokenStore {
  const tokens = createCache<Issued>({ max: 2_000, ttl: longestLifetime })
  const once = createSingleFlight<Issued | undefined>(joinableMs)

  /** Where each fetch stands, for everybody who waits for it. */
  const standings = new WeakMap<Promise<Issued | undefined>, Standing>()

  const fetchAndKeep = async (key: string, request: TokenRequest, asking: Asking) => {
    const issued = await fetchToken(send, request, asking)
    if (issued !== undefined) tokens.set(key, issued, issued.lifetime - Math.min(margin, issued.lifetime / 10))
    return issued
  }
  return {
    async token(request, context) {
      const key = keyOf(request)
      const known = tokens.get(key)
      if (known !== undefined) return known.token
      const own: Standing = { inLine: false }
      const fetched = once(key, () => fetchAndKeep(key, request, { scope: context.scope, standing: own }))
      const standing = standings.get(fetched) ?? own
      standings.set(fetched, standing)
      if (context.standing !== undefined) context.standing.behind = standing
      return (await untilAborted(fetched, context.signal, () => failing(request.realm, 'did not answer in time')))
        ?.token
    },
    forget: (request) => tokens.delete(keyOf(request)),
  }
}

function keyOf({ realm, service, access, credential }: TokenRequest): string {
  return JSON.stringify([credentialId(credential), realm.href, service ?? null, access])
}

async function fetchToken(send: PatientSend, request: TokenRequest, asking: Asking): Promise<Issued | undefined> {
  const post = request.credential.kind === 'identity-token'
  const response = await ask(send, request, post, asking)
  // Services without the OAuth2 route take the identity token as a password (docker and containerd do the same).
  const again = post && [400, 404, 405, 501].includes(response.status)
  return readAnswer(again ? await ask(send, request, false, asking) : response, request.realm)
}

async function ask(
  send: PatientSend,
  request: TokenRequest,
  post: boolean,
  { scope, standing }: Asking,
): Promise<HttpResponse> {
  const { realm, service, access, credential } = request
  const parameters = { ...(service !== undefined && { service }), scope: access }
  const signal = AbortSignal.timeout(fetchDeadline)
  const common = { maxBytes: maxAnswerBytes, signal, standing }
  try {
    if (post && credential.kind === 'identity-token') {
      const form = {
        grant_type: 'refresh_token',
        client_id: 'sealward',
        ...parameters,
        refresh_token: credential.token,
      }
      const headers = { accept: 'application/json', 'content-type': 'application/x-www-form-urlencoded' }
      return await send(
        { method: 'POST', url: realm, headers, body: new URLSearchParams(form).toString(), ...common },
        { scope },
      )
    }
    const url = new URL(realm)
    for (const [name, value] of Object.entries(parameters)) url.searchParams.set(name, value)
    const authorization = authorizationOf(credential)
    const headers = { accept: 'application/json', ...(authorization !== undefined && { authorization }) }
    return await send({ method: 'GET', url, headers, ...common }, { scope })
  } catch (error) {
    throw serviceFailure(error, realm)
  }
}

function authorizationOf(credential: TokenRequest['credential']): string | undefined {
  switch (credential.kind) {
    case 'anonymous':
      return undefined
    case 'basic':
      return basicAuthorization(credential.username, credential.password)
    case 'identity-token':
      return basicAuthorization(credential.username ?? '<token>', credential.token)
  }
}

function readAnswer(response: HttpResponse, realm: URL): Issued | undefined {
  const { status, body } = response
  if (status === 401 || status === 403) return undefined
  if (status !== 200) throw failing(realm, `answered with status ${status}`)
  const answer = parseAnswer(body, realm)
  const text = [answer['token'], answer['access_token']].find((value) => typeof value === 'string' && value !== '')
  if (typeof text !== 'string') throw failing(realm, 'answered without a token')
  // It goes into a header.
  if (text.length > maxTokenLength || !/^[\x21-\x7e]+$/.test(text))
    throw failing(realm, 'answered with an unusable token')
  const seconds = answer['expires_in']
  const lifetime = typeof seconds === 'number' && seconds > 0 ? seconds * 1000 : defaultLifetime
  return { token: text, lifetime: Math.min(lifetime, longestLifetime) }
}

function parseAnswer(body: Uint8Array, realm: URL): Readonly<Record<string, unknown>> {
  let answer: unknown
  try {
    answer = parseStrictJsonBytes(body)
  } catch {
    // Nothing of the text is shown: it may hold a token.
    throw failing(realm, 'answered something that is not JSON')
  }
  if (typeof answer !== 'object' || answer === null || Array.isArray(answer))
    throw failing(realm, 'did not answer with an object')
  return answer as Readonly<Record<string, unknown>>
}

const ours: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'address-refused',
  'overloaded',
  'plain-http-refused',
  'registry-throttled',
])

/** Every failure of the service is one of the service, not of the registry; what we refuse ourselves keeps its code. */
function serviceFailure(error: unknown, realm: URL): unknown {
  if (!(error instanceof CodedError)) return error
  if (ours.has(error.code)) return error
  return failing(realm, `failed: ${messageOf(error)}`, error)
}

function failing(realm: URL, what: string, cause?: unknown): CodedError {
  return new CodedError('token-service-failing', `the token service ${printable(realm.host, 100)} ${what}`, {
    where: showUrl(realm),
    cause,
  })
}
