// What the API server answers: an object, or why not. Most refusals are a Status; a path that it does not serve and what is
// too much for it are told in plain text, and what stands before it may answer anything.

import { printable } from '#core/encoding/printable.ts'
import { parseStrictJsonBytes } from '#core/encoding/strict-json.ts'
import { CodedError, type ErrorCode } from '#core/errors.ts'

export type KubeAnswer = Readonly<Record<string, unknown>>

/** Kubernetes objects stay below 25; of a definition, schemas lie inside each other. */
export const maxDepth = 256
/** More than that of a refusal nobody reads. */
export const maxRefusalBytes = 64 * 1024
const maxShown = 500

/** @param asked as messages name the request @throws CodedError `kube-failing` */
export function parseAnswer(bytes: Uint8Array, asked: string): KubeAnswer {
  try {
    const value = parseStrictJsonBytes(bytes, { maxDepth })
    if (isRecord(value)) return value
  } catch (error) {
    throw new CodedError('kube-failing', `${asked} was answered with something else than JSON`, { cause: error })
  }
  throw new CodedError('kube-failing', `${asked} was answered with something else than an object`)
}

const codes: Readonly<Record<number, ErrorCode>> = {
  401: 'kube-unauthenticated',
  403: 'kube-forbidden',
  404: 'kube-not-found',
  409: 'kube-conflict',
  410: 'kube-expired',
}

/** In the API server's own words, which name the verb and the resource, or the member. */
export function readRefusal(status: number, bytes: Uint8Array, asked: string): CodedError {
  const code = codes[status] ?? (status >= 400 && status < 500 && status !== 429 ? 'kube-rejected' : 'kube-failing')
  return new CodedError(code, `${asked}: ${status} ${printable(saidIn(bytes), maxShown)}`.trim())
}

function saidIn(bytes: Uint8Array): string {
  try {
    const value = parseStrictJsonBytes(bytes, { maxDepth })
    return isRecord(value) && typeof value['message'] === 'string' ? value['message'] : ''
  } catch {
    // A page of HTML says nothing in its first words.
    const text = new TextDecoder().decode(bytes.subarray(0, maxShown)).trim()
    return text.startsWith('<') ? '' : text
  }
}

export function isRecord(value: unknown): value is KubeAnswer {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
