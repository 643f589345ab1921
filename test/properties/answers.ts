// Answers of registries as plain values, for readers that are given a whole answer.

import type { HttpResponse } from '#io/http/message.ts'
import type { Endpoint } from '#io/registry/endpoint.ts'
import type { Reading } from '#io/registry/pull.ts'
import type { Followed } from '#io/registry/redirect.ts'

export const registry = new URL('https://registry.example/v2/team/app/tags/list')
export const at = { registry: 'registry.example', repository: 'team/app' }
export const endpoint: Endpoint = { at, base: new URL('https://registry.example/') }

export function answerWith(
  headers: HttpResponse['headers'],
  body: Uint8Array = new Uint8Array(),
  status = 200,
): Followed {
  return { response: { status, headers, body }, url: registry, elsewhere: false }
}

/** What a registry says to one question, whatever it is asked. */
export function readingOf(answer: Followed): Reading {
  return {
    session: { call: async () => answer },
    endpoint,
    context: { signal: new AbortController().signal, scope: 'properties' },
  }
}
