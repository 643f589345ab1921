// Status codes and error bodies of the distribution specification, as codes of ours.

import { parseStrictJsonBytes } from '#core/encoding/strict-json.ts'
import { CodedError } from '#core/errors.ts'
import { showUrl } from '#io/http/failure.ts'
import type { HttpResponse } from '#io/http/message.ts'
import type { Followed } from './redirect.ts'

export function isSuccess(response: HttpResponse): boolean {
  return response.status >= 200 && response.status < 300
}

/** The registry's own code (`MANIFEST_UNKNOWN`) of an error body; nothing else of such a body is ever shown. */
export function errorCodeOf(response: HttpResponse): string | undefined {
  if (response.body.length === 0) return undefined
  let body: unknown
  try {
    body = parseStrictJsonBytes(response.body)
  } catch {
    return undefined
  }
  const errors = typeof body === 'object' && body !== null && 'errors' in body ? body.errors : undefined
  const first: unknown = Array.isArray(errors) ? errors[0] : undefined
  const code = typeof first === 'object' && first !== null && 'code' in first ? first.code : undefined
  return typeof code === 'string' && /^[A-Z_]{1,40}$/.test(code) ? code : undefined
}

/** For a status that no rule of the specification explains here. */
export function unexpectedStatus(answer: Followed, asked: string): CodedError {
  const { response, url } = answer
  const code = errorCodeOf(response)
  const said = code === undefined ? String(response.status) : `${response.status} ${code}`
  return new CodedError('registry-protocol', `${url.host} answered ${said} to the question for ${asked}`, {
    where: showUrl(url),
  })
}
