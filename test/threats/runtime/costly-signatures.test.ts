// Signatures that take milliseconds of the main thread to explain, by the hundred: what else is asked meanwhile, and when
// it is answered. Counted in turns of the event loop and by who comes first, not timed.

import { generateKeyPairSync, randomBytes, sign } from 'node:crypto'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { createWebhook } from '#app/webhook.ts'
import type { Digest } from '#core/image/digest.ts'
import { compilePolicySet } from '#core/policy/set.ts'
import { signatureTag } from '#signature/formats/cosign.ts'
import { formats } from '#signature/formats.ts'
import { prehashedRefusal } from '#signature/keys/ed25519ph.ts'
import { ask, exchange, reviewOf, start, type TestServer } from '../../app/server/harness.ts'
import { attestorOf } from '../../support/evidence.ts'
import { at, judging } from '../../support/judging.ts'
import { MemoryRegistry, manifestType } from '../../support/memory-registry.ts'
import { policy, rule, signed } from '../../support/policies.ts'
import { type Json, layer, manifestOf, payloadOf } from '../../support/signed-evidence.ts'

const { publicKey, privateKey } = generateKeyPairSync('ed25519')
const pem = publicKey.export({ format: 'pem', type: 'spki' }).toString()
const annotation = 'dev.cosignproject.cosign/signature'

const trueLayer = (digest: Digest) => {
  const { bytes, ...rest } = layer(payloadOf(digest))
  return { ...rest, bytes, annotations: { [annotation]: sign(null, bytes, privateKey).toString('base64') } }
}
/** As long as a signature must be to be tried in the pre-hashed form. */
const costlyLayers = (digest: Digest) =>
  Array.from({ length: 4 }, (_, built) => {
    const payload: Json = { ...payloadOf(digest), optional: { built } }
    return { ...layer(payload), annotations: { [annotation]: randomBytes(64).toString('base64') } }
  })

/** A server that demands this key; images with signatures of this kind. */
async function world() {
  const registry = new MemoryRegistry()
  const put = (name: string, layersOf: (digest: Digest) => ReturnType<typeof costlyLayers>) => {
    const digest = registry.putImage(at, name)
    const layers = layersOf(digest)
    for (const { bytes } of layers) registry.putBlob(at, bytes)
    registry.put(at, { bytes: manifestOf(layers), mediaType: manifestType }, signatureTag(digest))
    return `${at.registry}/${at.repository}@${digest}`
  }
  const policies = [policy('production', [rule(signed({ ...attestorOf(pem), storage: { layouts: ['Tag'] } }))])]
  const set = compilePolicySet({ policies, attestors: [], namespaces: [], revision: 'r' })
  const { engine, verified } = judging(registry, formats)
  const webhook = createWebhook({ engine, policies: () => set })
  const server = await start({ mutate: (request, { signal }) => webhook.mutate(request, signal) })
  const admit = (...images: readonly string[]) => {
    const containers = images.map((image, index) => ({ name: `c${index}`, image }))
    return ask(server, reviewOf('u', { object: { spec: { containers } } }))
  }
  return { registry, server, verified, put, admit }
}

describe('JS-04: hundreds of costly signatures at once', () => {
  let server: TestServer | undefined
  beforeEach(() => {
    server = undefined
  })
  afterEach(() => server?.close())

  test('are each looked at in a turn of the event loop of its own', async () => {
    let turns = 0
    let isDone = false
    const turn = () => {
      turns += 1
      if (!isDone) setImmediate(turn)
    }
    setImmediate(turn)
    const bytes = Buffer.from('x')
    await Promise.all(Array.from({ length: 64 }, () => prehashedRefusal({ pem }, bytes, randomBytes(64))))
    isDone = true
    expect(turns).toBeGreaterThanOrEqual(64)
  })

  test('are denied; health, what is remembered and what is new are answered before', async () => {
    const { registry, put, admit, verified, ...rest } = await world()
    server = rest.server
    const [warm, fresh] = [put('warm', (digest) => [trueLayer(digest)]), put('fresh', (digest) => [trueLayer(digest)])]
    expect(await admit(warm)).toMatchObject({ allowed: true })
    const before = verified.length
    let pending = 0
    const floods = Array.from({ length: 4 }, async (_, flood) => {
      pending += 1
      const images = Array.from({ length: 50 }, (__, index) => put(`costly ${flood} ${index}`, costlyLayers))
      const answer = await admit(...images)
      pending -= 1
      return answer
    })
    await expect.poll(() => verified.length, { interval: 1, timeout: 20_000 }).toBeGreaterThan(before)
    expect(await exchange(server, { method: 'GET', path: '/healthz' })).toMatchObject({ status: 200 })
    registry.asked.length = 0
    expect(await admit(warm)).toMatchObject({ allowed: true })
    expect(registry.asked.filter(({ question }) => question.includes(warm.slice(-64)))).toEqual([])
    expect(await admit(fresh)).toMatchObject({ allowed: true })
    expect(pending).toBeGreaterThan(0)
    for (const answer of await Promise.all(floods)) expect(answer).toMatchObject({ allowed: false })
  }, 60_000)

  test('neighbour: a true signature behind them counts', async () => {
    const { put, admit, ...rest } = await world()
    server = rest.server
    const image = put('mixed', (digest) => [...costlyLayers(digest), trueLayer(digest)])
    expect(await admit(image)).toMatchObject({ allowed: true })
  })
})
