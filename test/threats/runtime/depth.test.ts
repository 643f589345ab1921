// Values nested so deep that whoever walks them by recursion has no stack left: at each way into the product.

import { generateKeyPairSync } from 'node:crypto'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { defaultLimits } from '#app/server/limits.ts'
import { encodePem } from '#core/encoding/pem.ts'
import { defaultMaxDepth } from '#core/encoding/strict-json.ts'
import { codeOf } from '#core/errors.ts'
import { checkSignature } from '#signature/keys/check.ts'
import { readPublicKey } from '#signature/keys/public-key.ts'
import { ask, exchange, reviewOf, start, type TestServer } from '../../app/server/harness.ts'
import { admission, good } from '../../support/admission.ts'
import { type Attack, demanding, layerFor, pair, putClassic, startAttack } from '../../support/attack.ts'
import { clusterPolicy, read } from '../../support/policy-documents.ts'
import { layer, manifestOf, payloadOf } from '../../support/signed-evidence.ts'

/** Far more than a stack holds. */
const abyss = 100_000

const lists = (depth: number) => `${'['.repeat(depth)}${']'.repeat(depth)}`
const objects = (depth: number) => `${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}`
const shapes = [
  ['lists', lists],
  ['objects', objects],
] as const

/** The JSON of a value, with a text put in place of the string `HERE`. */
const filled = (value: unknown, text: string) => JSON.stringify(value).replace('"HERE"', text)

describe('JS-02: an AdmissionReview', () => {
  /** The object is the third level. */
  const deepest = defaultLimits.jsonDepth - 3
  let server: TestServer
  beforeAll(async () => {
    const { mutate } = admission()
    const overflow = (): never => overflow()
    server = await start({
      mutate: async (request) => (request.name === 'overflow' ? overflow() : await mutate(request)),
    })
  })
  afterAll(() => server.close())

  const spec = { containers: [{ name: 'main', image: good }] }
  const review = (members: Record<string, unknown> = {}) =>
    reviewOf('u', { object: { spec, status: 'HERE' }, ...members })
  const served = async () => expect(await ask(server, review())).toMatchObject({ allowed: true })

  test.each(shapes)('of %s without end is refused as a bad request, and the next is served', async (_, nested) => {
    for (const depth of [deepest + 1, abyss]) {
      const { status, text } = await exchange(server, { body: filled(review(), nested(depth)) })
      expect([status, text]).toEqual([400, expect.stringContaining('json-too-deep')])
    }
    await served()
  })

  test.each(shapes)('neighbour: of as many %s as are read is judged', async (_, nested) => {
    const { status, text } = await exchange(server, { body: filled(review(), nested(deepest)) })
    expect([status, JSON.parse(text).response]).toMatchObject([200, { allowed: true, patchType: 'JSONPatch' }])
  })

  test('at which the stack is exhausted is denied, and the next is served', async () => {
    expect(await ask(server, review({ name: 'overflow' }))).toMatchObject({ uid: 'u', allowed: false })
    await served()
  })
})

describe('JS-02: what a registry serves', () => {
  let attack: Attack
  beforeEach(async () => {
    attack = await startAttack({ policies: [demanding(['Tag'])] })
  })
  afterEach(() => attack.close())

  /** What is nested is the third level of what the key that is demanded has signed. */
  const deepest = defaultMaxDepth - 2
  const admitPayload = (text: string) => {
    const payload = filled({ ...payloadOf(attack.digest), optional: { more: 'HERE' } }, text)
    putClassic(attack.registry, attack.digest, [layer(payload, pair.privateKey)])
    return attack.admit()
  }

  test.each(shapes)('a signed payload of %s without end does not count', async (_, nested) => {
    for (const depth of [deepest + 1, 10_000]) {
      expect(await admitPayload(nested(depth))).toMatchObject({ outcome: 'denied', code: 'signature-invalid' })
    }
  })

  test.each(shapes)('neighbour: a signed payload of as many %s as are read counts', async (_, nested) => {
    expect(await admitPayload(nested(deepest))).toMatchObject({ outcome: 'allowed' })
  })

  const admitManifest = (text: string) => {
    const signed = layerFor(attack.digest)
    attack.registry.putBlob(signed.bytes)
    const manifest = filled(JSON.parse(Buffer.from(manifestOf([signed], { more: 'HERE' })).toString()), text)
    attack.registry.putManifest(Buffer.from(manifest), { tag: `${attack.digest.replace(':', '-')}.sig` })
    return attack.admit()
  }

  test.each(shapes)('a signature manifest of %s without end does not count', async (_, nested) => {
    for (const depth of [defaultMaxDepth, abyss]) {
      expect(await admitManifest(nested(depth))).toMatchObject({ outcome: 'denied', code: 'signature-invalid' })
    }
  })

  test.each(shapes)('neighbour: a signature manifest of as many %s as are read counts', async (_, nested) => {
    expect(await admitManifest(nested(defaultMaxDepth - 1))).toMatchObject({ outcome: 'allowed' })
  })
})

describe('JS-02: a policy', () => {
  test.each([
    ['flow lists', lists(abyss)],
    ['flow objects', objects(abyss)],
    ['flow lists that never end', '['.repeat(abyss)],
    ['lists by dashes', `${'- '.repeat(10_000)}1`],
    ['objects by indent', Array.from({ length: 1_000 }, (__, depth) => `${' '.repeat(depth)}a:\n`).join('')],
  ])('of %s without end is refused, and nothing is read of it', (_, text) => {
    const found = read(`${JSON.stringify(clusterPolicy({ otherwise: 'Deny' }))}\n---\n${text}`)
    expect(found.problems.map(({ message }) => message)).toEqual([
      expect.stringMatching(/^nested deeper than 32 levels/),
    ])
  })

  test('neighbour: one that is no deeper than policies are is read', () => {
    const { problems, policies } = read([clusterPolicy({ otherwise: 'Deny' })])
    expect([problems, policies.length]).toEqual([[], 1])
  })
})

describe('JS-02: a key or a signature in DER', () => {
  /** SEQUENCEs inside each other, with and without their lengths. */
  function nestedDer(depth: number, isEndless: boolean): Buffer {
    if (isEndless) return Buffer.concat([Buffer.from('3080'.repeat(depth), 'hex'), Buffer.alloc(2 * depth)])
    let der = Buffer.from('0500', 'hex')
    for (let level = 0; level < depth; level++) {
      const length = Buffer.alloc(2)
      length.writeUInt16BE(der.length)
      der = Buffer.concat([Buffer.from([0x30, 0x82]), length, der])
    }
    return der
  }

  const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const pem = publicKey.export({ format: 'pem', type: 'spki' }).toString()
  const codeOfKey = (der: Buffer) => {
    try {
      return readPublicKey(encodePem('PUBLIC KEY', der)).algorithm
    } catch (error) {
      return codeOf(error)
    }
  }

  test.each([true, false])('of SEQUENCEs without end (of no length: %s) is refused', async (isEndless) => {
    const der = nestedDer(2_500, isEndless)
    expect(codeOfKey(der)).toBe('key-malformed')
    expect(await checkSignature({ pem }, Buffer.from('x'), der)).toMatchObject({ code: 'signature-wrong-key' })
  })

  test('neighbour: a key of the usual form is read', () => {
    expect(codeOfKey(publicKey.export({ format: 'der', type: 'spki' }))).toBe('ECDSA-P256')
  })
})
