// One call to a registry on somebody's behalf: credentials are tried in turn, authorization is answered, redirects of
// reads are followed. It knows no manifests; `pull.ts`, `referrers.ts` and `push.ts` do.

import { printable } from '#core/encoding/printable.ts'
import { createCache } from '#io/cache.ts'
import type { HttpRequest, Standing, Transport } from '#io/http/message.ts'
import {
  type Actions,
  type Asking,
  type Authorization,
  type Authorizer,
  accessDenied,
  describeCredential,
} from './authorization.ts'
import { anonymous, type Credential, type CredentialLookup, credentialId } from './credentials.ts'
import type { Endpoint } from './endpoint.ts'
import { type Followed, type RedirectRules, sendFollowing } from './redirect.ts'
import type { PatientSend } from './retry.ts'
import { errorCodeOf, isSuccess } from './status.ts'

/** On whose behalf, and how long. */
export interface CallContext {
  readonly signal: AbortSignal
  /** Names the set of credentials. */
  readonly scope: string
  /** When `signal` will fire, in milliseconds since the epoch, if the caller knows. */
  readonly deadline?: number
  /** Told where the call stands. */
  readonly standing?: Standing
}

export interface Call {
  readonly method: HttpRequest['method']
  /** At the endpoint, or a guarded place that the endpoint named. */
  readonly url: URL
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: Uint8Array
  readonly maxBytes: number
  readonly actions: Actions
}

export interface Session {
  /**
   * The answer with the first credential that is let in. Its status is 2xx, or one that has nothing to do with rights:
   * 404 only where a credential that may read there was told so, or nobody was told anything else.
   *
   * @throws CodedError `access-denied`, `realm-refused`, `token-service-failing`, `credential-helper-failed`,
   *   `redirect-refused`, and what sending throws
   */
  call(endpoint: Endpoint, call: Call, context: CallContext): Promise<Followed>
}

export interface SessionParts {
  readonly transport: Transport
  readonly send: PatientSend
  readonly authorizer: Authorizer
  readonly credentials: CredentialLookup
  readonly rules: RedirectRules
}

/** How long "this credential read something in this repository" lets its 404 stand for the truth. */
const proofTtl = 60_000

export function createSession(parts: SessionParts): Session {
  const proofs = createCache<{ readonly id: string }>({ max: 10_000, ttl: proofTtl })

  return {
    async call(endpoint, call, context) {
      const found = await parts.credentials(endpoint.at, context.scope, context.signal)
      const proofKey = `${context.scope} ${endpoint.base.host}/${endpoint.at.repository} ${call.actions}`
      const proven = proofs.get(proofKey)?.id
      const denials: string[] = []
      let missing: { readonly answer: Followed; readonly by: Credential } | undefined

      for (const credential of inOrder(found.credentials, proven, call.actions)) {
        // Whoever is known by name sees at least what everybody sees.
        if (credential.kind === 'anonymous' && missing !== undefined) break
        const outcome = await callWith(
          parts,
          { endpoint, credential, actions: call.actions, ...context },
          call,
          context,
        )
        if (outcome.kind === 'denied') {
          denials.push(outcome.reason)
        } else if (outcome.answer.response.status === 404 && credentialId(credential) !== proven) {
          missing ??= { answer: outcome.answer, by: credential }
        } else {
          if (isSuccess(outcome.answer.response)) proofs.set(proofKey, { id: credentialId(credential) })
          return outcome.answer
        }
      }
      // To strangers many registries say 404 where they mean 403.
      const strangersWord = missing?.by.kind === 'anonymous' && denials.length + found.problems.length > 0
      if (missing !== undefined && !strangersWord) {
        return { ...missing.answer, ...(found.remarks && { remarks: found.remarks }) }
      }
      throw found.problems[0] ?? accessDenied(endpoint, denials, found.remarks)
    },
  }
}

/** Who has read here before goes first; nobody in particular goes last, and pushes nothing where a name is at hand. */
function inOrder(given: readonly Credential[], proven: string | undefined, actions: Actions): readonly Credential[] {
  const all = actions === 'pull' || given.length === 0 ? [...given, anonymous] : given
  if (all.length === 1) return all
  return [
    ...all.filter((each) => credentialId(each) === proven),
    ...all.filter((each) => credentialId(each) !== proven),
  ]
}

type Outcome =
  | { readonly kind: 'answered'; readonly answer: Followed }
  | { readonly kind: 'denied'; readonly reason: string }

async function callWith(parts: SessionParts, asking: Asking, call: Call, context: CallContext): Promise<Outcome> {
  const how = describeCredential(asking.credential)
  const first = await parts.authorizer.prepare(asking)
  if (first.kind === 'refused') return { kind: 'denied', reason: `${how}: refused by the token service` }
  const answer = await dispatch(parts, call, first, context)
  if (answer.response.status !== 401 || answer.elsewhere) return judged(answer, how)
  const second = await parts.authorizer.answer(answer.response, asking, first)
  if (second.kind === 'refused') return { kind: 'denied', reason: `${how}: 401` }
  return judged(await dispatch(parts, call, second, context), how)
}

function judged(answer: Followed, how: string): Outcome {
  const { status } = answer.response
  if (status !== 401 && status !== 403) return { kind: 'answered', answer }
  const code = errorCodeOf(answer.response)
  const place = answer.elsewhere ? ` at ${printable(answer.url.host, 100)}` : ''
  return { kind: 'denied', reason: `${how}: ${status}${code === undefined ? '' : ` ${code}`}${place}` }
}

async function dispatch(parts: SessionParts, call: Call, by: Authorization, context: CallContext): Promise<Followed> {
  const request: HttpRequest = {
    method: call.method,
    url: call.url,
    headers: { ...call.headers, ...(by.kind === 'header' && { authorization: by.value }) },
    maxBytes: call.maxBytes,
    signal: context.signal,
    ...(call.body !== undefined && { body: call.body }),
    ...(context.standing !== undefined && { standing: context.standing }),
  }
  if (call.method === 'GET' || call.method === 'HEAD') return sendFollowing(request, context, parts)
  return { response: await parts.send(request, context), url: call.url, elsewhere: false }
}
