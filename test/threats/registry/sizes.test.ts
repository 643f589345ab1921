// Answers that do not end, end where they should not, or inflate.

import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type Attack, demanding, layerFor, putClassic, startAttack } from '../../support/attack.ts'
import {
  announcing,
  challenging,
  encoded,
  encodings,
  flood,
  headOnly,
  stall,
  trickle,
  truncated,
} from '../../support/hostile-answers.ts'
import {
  asServed,
  descriptorOf,
  digestOf,
  imageManifest,
  indexOf,
  json,
  types,
} from '../../support/hostile-registry.ts'
import { type Layer, manifestOf } from '../../support/signed-evidence.ts'
import type { Handler } from '../../support/stub-registry.ts'

const mib = 1024 * 1024

let attack: Attack
let signature: Layer
beforeEach(async () => {
  attack = await startAttack({ policies: [demanding(['Tag'])] })
  signature = layerFor(attack.digest)
  putClassic(attack.registry, attack.digest, [signature])
  // So that the tag has to be read whole.
  attack.registry.on('HEAD', '/v2/team/app/manifests/v1', { status: 405 })
})
afterEach(() => attack.close())

/** The answers on the way to an admission, each of which the registry may spoil. */
const answers = ['the tag', 'the signature manifest', 'the payload'] as const
type Spoiled = (typeof answers)[number]

function truth(which: Spoiled) {
  const manifest = { 'content-type': types.manifest }
  const tag = `${attack.digest.replace(':', '-')}.sig`
  switch (which) {
    case 'the tag':
      return { path: '/v2/team/app/manifests/v1', body: attack.bytes, headers: manifest, cap: 4 * mib }
    case 'the signature manifest':
      return { path: `/v2/team/app/manifests/${tag}`, body: manifestOf([signature]), headers: manifest, cap: 4 * mib }
    case 'the payload':
      return {
        path: `/v2/team/app/blobs/${digestOf(signature.bytes)}`,
        body: signature.bytes,
        headers: {},
        cap: 64 * 1024,
      }
  }
}

const spoil = (which: Spoiled, handler: Handler) => attack.registry.on('GET', truth(which).path, handler)
/** Far less than anybody would need for the whole, so that it ends in the same way on every machine. */
const soon = () => ({ signal: AbortSignal.timeout(400) })

describe.each(answers)('RG-05: an answer of a size or pace that nobody can wait for, as %s', (which) => {
  test('neighbour: whole, at its length, it is admitted', async () => {
    const { body, headers } = truth(which)
    spoil(which, announcing(body, body.length, { ...headers, connection: 'close' }))
    expect(await attack.admit(attack.tagged)).toMatchObject({ outcome: 'patched' })
  })

  test('is denied when it breaks off', async () => {
    const { body, headers } = truth(which)
    spoil(which, truncated(body, body.length - 1, headers))
    expect(await attack.admit(attack.tagged)).toMatchObject({ outcome: 'denied', code: 'content-truncated' })
  })

  test('is denied when it is shorter than announced', async () => {
    const { body, headers } = truth(which)
    spoil(which, announcing(body, body.length + 1, headers))
    expect(await attack.admit(attack.tagged)).toMatchObject({ outcome: 'denied', code: 'content-truncated' })
  })

  test('is denied when it is longer than announced', async () => {
    const { body, headers } = truth(which)
    spoil(which, announcing(body, body.length - 1, headers))
    expect(await attack.admit(attack.tagged)).toMatchObject({ outcome: 'denied' })
  })

  test.each([
    ['never begins', () => stall],
    ['stops after its head', () => headOnly(truth(which).headers)],
    ['comes a byte a second', () => trickle(truth(which).body, 1000, truth(which).headers)],
  ])('is denied at the deadline when it %s', async (_how, handler) => {
    spoil(which, handler())
    expect(await attack.admit(attack.tagged, soon())).toMatchObject({ outcome: 'denied', code: 'registry-timeout' })
  })

  test('neighbour: another image is admitted while this one is waited for', async () => {
    const other = imageManifest('a quick image')
    const digest = attack.registry.putManifest(other, { tag: 'quick' })
    putClassic(attack.registry, digest, [layerFor(digest)])
    spoil(which, stall)
    const controller = new AbortController()
    const waiting = attack.admit(attack.tagged, { signal: controller.signal })
    expect(await attack.admit(`${attack.registry.host}/team/app:quick`)).toMatchObject({ outcome: 'patched' })
    controller.abort()
    expect(await waiting).toMatchObject({ outcome: 'denied', code: 'registry-timeout' })
  })

  test('is denied by its announced length alone', async () => {
    const { headers, cap } = truth(which)
    spoil(which, headOnly({ ...headers, 'content-length': String(cap + 1) }))
    expect(await attack.admit(attack.tagged)).toMatchObject({ outcome: 'denied', code: 'content-too-large' })
  })

  test('is denied at the cap when it is endless, and nothing more is let come', async () => {
    const endless = flood(truth(which).headers)
    spoil(which, endless.handler)
    expect(await attack.admit(attack.tagged)).toMatchObject({ outcome: 'denied', code: 'content-too-large' })
    // What the buffers of both sides hold comes on top of the cap.
    expect(endless.sent()).toBeLessThan(truth(which).cap + 16 * mib)
  })

  test('is denied when it is an endless error', async () => {
    const endless = flood()
    spoil(which, (request, count, response) => {
      response.statusCode = 400
      const { writeHead } = response
      response.writeHead = (() => writeHead.call(response, 400)) as typeof writeHead
      return endless.handler(request, count, response)
    })
    expect(await attack.admit(attack.tagged)).toMatchObject({ outcome: 'denied', code: 'registry-protocol' })
    expect(endless.sent()).toBeLessThan(16 * mib)
  })

  test('is denied when its headers are endless', async () => {
    spoil(which, (_request, _count, response) => {
      response.socket?.write(`HTTP/1.1 200 OK\r\n${'x-more: and more\r\n'.repeat(20_000)}`)
      return 'handled'
    })
    expect(await attack.admit(attack.tagged)).toMatchObject({ outcome: 'denied', code: 'registry-protocol' })
  })
})

describe('RG-05: an index of too many children', () => {
  const each = { policies: [demanding(['Tag'], { platforms: 'Each' })] }
  const child = (at: number) =>
    descriptorOf(imageManifest(`child ${at}`), { platform: { os: 'linux', architecture: `a${at}` } })

  async function admitIndex(...children: readonly unknown[]) {
    const digest = attack.registry.putManifest(indexOf(...children), { mediaType: types.index })
    putClassic(attack.registry, digest, [layerFor(digest)])
    attack.registry.forget()
    const answer = await attack.admit(`${attack.registry.host}/team/app@${digest}`, each)
    return { ...answer, requests: attack.registry.requests.length }
  }

  test.each([
    [65, 'too-many-platforms'],
    [10_000, 'too-many-platforms'],
    [10_001, 'content-too-large'],
  ])('is denied at %i, and none of them is asked for', async (count, code) => {
    const answer = await admitIndex(...Array.from({ length: count }, (_, at) => child(at)))
    expect(answer).toMatchObject({ outcome: 'denied', code })
    // The signature of the index, its payload, the index.
    expect(answer.requests).toBe(3)
  })

  test('neighbour: with as many as are read it is admitted when each is signed', async () => {
    const children = Array.from({ length: 64 }, (_, at) => child(at))
    for (const { digest } of children) putClassic(attack.registry, digest, [layerFor(digest)])
    expect(await admitIndex(...children)).toMatchObject({ outcome: 'allowed' })
  })

  test('or one that names an index again, as one that holds itself must, is denied without a second look', async () => {
    const answer = await admitIndex({ ...child(1), mediaType: types.index })
    expect(answer).toMatchObject({ outcome: 'denied', code: 'manifest-unsupported', requests: 3 })
  })
})

describe('RG-07: a payload of a gigabyte', () => {
  const gib = 1024 * mib

  test('neighbour: beside it a signature of the usual size is admitted', async () => {
    const huge = { ...layerFor(attack.digest), bytes: Buffer.from('huge'), size: gib }
    putClassic(attack.registry, attack.digest, [huge, signature])
    expect(await attack.admit()).toMatchObject({ outcome: 'allowed' })
  })

  test('is denied by the size that its layer announces, and not asked for', async () => {
    putClassic(attack.registry, attack.digest, [{ ...signature, size: gib }])
    expect(await attack.admit()).toMatchObject({ outcome: 'denied', code: 'content-too-large' })
    expect(attack.registry.seen().filter((line) => line.includes('/blobs/'))).toEqual([])
  })

  test('is denied at the cap when its layer announces a small one', async () => {
    const endless = flood({}, signature.bytes)
    spoil('the payload', endless.handler)
    expect(await attack.admit()).toMatchObject({ outcome: 'denied', code: 'content-too-large' })
    expect(endless.sent()).toBeLessThan(16 * mib)
  })
})

describe('RG-08: an answer that inflates', () => {
  /** Behind a true beginning, zeros without end. */
  const bomb = (body: Uint8Array) => Buffer.concat([body, Buffer.alloc(16 * mib)])

  describe.each(answers)('as %s', (which) => {
    test.each(encodings)('by %s is denied, and nothing is inflated', async (encoding) => {
      const { body, headers } = truth(which)
      spoil(which, () => encoded(encoding, bomb(body), headers))
      expect(await attack.admit(attack.tagged)).toMatchObject({ outcome: 'denied', code: 'registry-protocol' })
    })

    test('is denied even when what it inflates to is the truth', async () => {
      const { body, headers } = truth(which)
      spoil(which, () => encoded('gzip', body, headers))
      expect(await attack.admit(attack.tagged)).toMatchObject({ outcome: 'denied', code: 'registry-protocol' })
    })

    test('neighbour: the same answer as it is, is admitted', async () => {
      const { body, headers } = truth(which)
      spoil(which, () => ({ body, headers: { ...headers, 'content-encoding': 'identity' } }))
      expect(await attack.admit(attack.tagged)).toMatchObject({ outcome: 'patched' })
      const asked = attack.registry.requests.filter(
        ({ method, path }) => method === 'GET' && path === truth(which).path,
      )
      expect(asked.map(({ headers: sent }) => sent['accept-encoding'])).toEqual(['identity'])
    })
  })

  test('as a token is denied', async () => {
    const challenge = `Bearer realm="${attack.registry.url}/token",service="x"`
    spoil('the tag', challenging(challenge, asServed(attack.bytes, types.manifest)))
    attack.registry.on('GET', '/token', () => encoded('gzip', bomb(json({ token: 'abc' }))))
    expect(await attack.admit(attack.tagged)).toMatchObject({ outcome: 'denied', code: 'token-service-failing' })
    attack.registry.on('GET', '/token', { body: json({ token: 'abc' }) })
    expect(await attack.admit(attack.tagged)).toMatchObject({ outcome: 'patched' })
  })
})
