// A registry that holds the truth about its images, and a switch for what it says instead. It hands out tokens that live
// for a second, so that its token service is asked all the time.

import type { Handler, Recorded, Reply, StubRegistry } from '../support/stub-registry.ts'
import { startStubRegistry } from '../support/stub-registry.ts'
import type { TestImage } from './images.ts'

/** A reply with headers of one value each. */
export interface Truth extends Reply {
  readonly headers: Readonly<Record<string, string>>
}

/** Says something else than the truth, or the truth. */
export type Lie = (truth: Truth, ...asked: Parameters<Handler>) => ReturnType<Handler>

export interface FaultyRegistry extends Pick<StubRegistry, 'host' | 'close'> {
  put(image: TestImage): void
  /** From now on; `undefined`: the truth again. */
  answer(lie: Lie | undefined): void
  /** Of the token service. */
  answerTokens(lie: Lie | undefined): void
}

const notFound: Truth = { status: 404, headers: { 'content-type': 'application/json' }, body: '{"errors":[]}' }
const token: Truth = {
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify({ token: 'a-token', expires_in: 1 }),
}

export async function startFaultyRegistry(): Promise<FaultyRegistry> {
  const stub = await startStubRegistry()
  const truth = new Map<string, Truth>()
  const lies: { registry: Lie | undefined; tokens: Lie | undefined } = { registry: undefined, tokens: undefined }
  const challenge = { 'www-authenticate': `Bearer realm="${stub.url}/token",service="registry"` }
  const truthOf = ({ path, headers }: Recorded): Truth =>
    headers['authorization'] === 'Bearer a-token' ? (truth.get(path) ?? notFound) : { status: 401, headers: challenge }

  for (const method of ['GET', 'HEAD']) {
    stub.on(method, '*', (...asked) => lies.registry?.(truthOf(asked[0]), ...asked) ?? truthOf(asked[0]))
  }
  stub.on('GET', '/token', (...asked) => lies.tokens?.(token, ...asked) ?? token)
  return {
    host: stub.host,
    close: stub.close,
    put({ stored }) {
      for (const { path, mediaType, bytes, digest = '' } of stored) {
        truth.set(path, { headers: { 'content-type': mediaType, 'docker-content-digest': digest }, body: bytes })
      }
    },
    answer(lie) {
      lies.registry = lie
    },
    answerTokens(lie) {
      lies.tokens = lie
    },
  }
}
