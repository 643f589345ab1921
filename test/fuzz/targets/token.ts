// Answers of token services: a token is what stands there under its name, fits into a header, and is kept until it ends.

import { createTokenStore } from '#io/registry/token.ts'
import { type Parts, partsOf, textOf } from '../case.ts'
import { own } from '../oracle/review-answer.ts'
import { plainJson } from '../oracle/signed-by.ts'
import { must, readingLater, type Target } from '../target.ts'

const seeds: Readonly<Record<string, Parts>> = {
  token: partsOf({ body: '{"token":"abc","expires_in":300,"issued_at":"2026-01-01T00:00:00Z"}', status: '200' }),
  'access token': partsOf({ body: '{"access_token":"abc","scope":"repository:a:pull"}', status: '200' }),
  both: partsOf({ body: '{"token":"","access_token":"abc","expires_in":-1}', status: '200' }),
  refused: partsOf({ body: '{"errors":[{"code":"UNAUTHORIZED"}]}', status: '401' }),
  failing: partsOf({ body: 'oops', status: '500' }),
}

export const token: Target = {
  name: 'token',
  about: 'answers of token services',
  syntax: { body: 'json', status: 'text' },
  dictionary: ['token', 'access_token', 'expires_in', 'issued_at', '200', '204', '401', '403', 'x'.repeat(13_000)],
  open: () => ({ seeds, run: judgeToken }),
}

async function judgeToken(parts: Parts): Promise<string> {
  const { body = new Uint8Array() } = parts
  const status = Number(textOf(parts['status'])) || 200
  let asked = 0
  const store = createTokenStore(async () => {
    asked++
    return { status, headers: {}, body }
  })
  const request = {
    realm: new URL('https://auth.example/token'),
    service: 's',
    access: 'repository:a:pull',
    credential: { kind: 'anonymous' } as const,
  }
  const ask = () => readingLater(() => store.token(request, { signal: new AbortController().signal, scope: 's' }))
  const first = await ask()
  if (first.code !== undefined) return `${first.code}`
  if (first.value === undefined) {
    must(status === 401 || status === 403, 'a token service was taken to have refused, and had not')
    return 'refused'
  }
  const answer = plainJson(body)
  const named = [own(answer ?? {}, 'token'), own(answer ?? {}, 'access_token')]
  must(status === 200 && named.includes(first.value), 'a token was taken that does not stand in the answer')
  must(/^[!-~]{1,12288}$/.test(first.value), 'a token was taken that fits into no header')
  const second = await ask()
  must(second.code === undefined && second.value === first.value, 'the same service gave another token at once')
  return `a token, asked for ${asked}`
}
