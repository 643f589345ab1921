// Tokens that wait for room on our side: that is no failure of the service.

import { describe, expect, test } from 'vitest'
import { CodedError, type ErrorCode } from '#core/errors.ts'
import type { HttpRequest, Standing } from '#io/http/message.ts'
import type { PatientSend } from '#io/registry/retry.ts'
import { createTokenStore } from '#io/registry/token.ts'
import { refusalCode } from '../../support/coded.ts'

const request = {
  realm: new URL('https://auth.example/token'),
  service: undefined,
  access: 'repository:team/app:pull',
  credential: { kind: 'anonymous' },
} as const
const { signal } = new AbortController()

function isBehindALine(standing: Standing): boolean {
  return standing.inLine || (standing.behind !== undefined && isBehindALine(standing.behind))
}

test('everybody who waits for a token sees that its fetch waits in line, and that it does so no longer', () => {
  const sent: HttpRequest[] = []
  const store = createTokenStore((each) => {
    sent.push(each)
    return new Promise(() => {})
  })
  const callers: readonly Standing[] = [{ inLine: false }, { inLine: false }]
  for (const standing of callers) void store.token(request, { signal, scope: 'own', standing })
  expect([sent.length, callers.map(isBehindALine)]).toEqual([1, [false, false]])
  const [fetch] = sent
  if (fetch?.standing === undefined) throw new Error('nobody can say where the fetch stands')
  fetch.standing.behind = { inLine: true }
  expect(callers.map(isBehindALine)).toEqual([true, true])
  fetch.standing.behind = undefined
  expect(callers.map(isBehindALine)).toEqual([false, false])
})

describe('a fetch that fails', () => {
  const failing =
    (code: ErrorCode): PatientSend =>
    async () => {
      throw new CodedError(code, 'no')
    }

  test.each([
    ['because others took the room keeps its code', 'overloaded', 'overloaded'],
    [
      'neighbour: because the service does not answer is one of the service',
      'registry-timeout',
      'token-service-failing',
    ],
  ] as const)('%s', async (_why, code, told) => {
    const store = createTokenStore(failing(code))
    expect(await refusalCode(store.token(request, { signal, scope: 'own' }))).toBe(told)
  })
})
