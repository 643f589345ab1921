// Follows redirects of reads, and judges every place that a registry sends us to. Credentials stay at the origin that
// they were sent to; TLS is never given up; nobody outside sends us into a private network.

import { printable } from '#core/encoding/printable.ts'
import { CodedError } from '#core/errors.ts'
import { showUrl } from '#io/http/failure.ts'
import { type HttpRequest, type HttpResponse, type Reach, singleHeader, type Transport } from '#io/http/message.ts'
import type { Patience, PatientSend } from './retry.ts'

export interface Followed {
  readonly response: HttpResponse
  /** Where the answer came from in the end. */
  readonly url: URL
  /** It came from another origin than the one asked. */
  readonly elsewhere: boolean
  /** Of a 404: what gave no credentials, by which there might be something (`credentials.ts`). */
  readonly remarks?: readonly string[]
}

export interface RedirectRules {
  readonly insecure: (host: string) => boolean
}

/** Registries need one hop to their storage, some a second one; containers/image allows ten. */
const maxHops = 5
const redirects = new Set([301, 302, 303, 307, 308])

/**
 * Sends a GET or HEAD and follows where it leads.
 *
 * @throws CodedError `redirect-refused`, `registry-protocol`, and what sending throws
 */
export async function sendFollowing(
  request: HttpRequest,
  patience: Patience,
  by: { readonly send: PatientSend; readonly transport: Transport; readonly rules: RedirectRules },
): Promise<Followed> {
  const first = request.url
  let current = request
  for (let hop = 0; ; hop++) {
    const response = await sendHop(current, patience, by.send, hop)
    const elsewhere = current.url.origin !== first.origin
    if (!redirects.has(response.status)) return { response, url: current.url, elsewhere }
    if (hop === maxHops) throw refused(current.url, `is the ${maxHops + 1}th redirect in a row`)
    const next = guardRedirect(singleHeader(response, 'location'), current.url, by.rules)
    const sameOrigin = next.origin === first.origin
    const reach: Reach = sameOrigin || by.transport.reached(first) === 'local' ? 'any' : 'public'
    // Back at the first origin, the credentials are still its own; but once left, they stay away.
    const headers = sameOrigin && !elsewhere ? current.headers : withoutCredentials(current.headers)
    current = { ...current, url: next, headers, reach }
  }
}

/** The next URL. @throws CodedError `redirect-refused`, `registry-protocol` */
export function guardRedirect(location: string | undefined, from: URL, rules: RedirectRules): URL {
  if (location === undefined || !URL.canParse(location, from.href)) {
    throw new CodedError('registry-protocol', `${from.host} redirects without saying where`, { where: showUrl(from) })
  }
  const next = new URL(location, from)
  if (next.protocol !== 'https:' && next.protocol !== 'http:')
    throw refused(from, `leads to "${printable(next.protocol, 40)}"`)
  if (next.username !== '' || next.password !== '') throw refused(from, 'leads to a URL with a user name')
  if (next.protocol === 'http:' && (from.protocol === 'https:' || !rules.insecure(next.host))) {
    throw refused(from, `leads to plain HTTP at ${printable(next.host, 100)}`)
  }
  return next
}

async function sendHop(
  request: HttpRequest,
  patience: Patience,
  send: PatientSend,
  hop: number,
): Promise<HttpResponse> {
  try {
    return await send(request, patience)
  } catch (error) {
    if (hop > 0 && error instanceof CodedError && error.code === 'address-refused') {
      throw new CodedError('redirect-refused', `a redirect leads where nobody outside may send us: ${error.message}`, {
        cause: error,
      })
    }
    throw error
  }
}

function withoutCredentials(headers: HttpRequest['headers']): HttpRequest['headers'] {
  // By allow-list, so that a header added later cannot leak.
  return Object.fromEntries(Object.entries(headers).filter(([name]) => name === 'accept'))
}

function refused(from: URL, why: string): CodedError {
  return new CodedError('redirect-refused', `the redirect of ${showUrl(from)} ${why}`, { where: showUrl(from) })
}
