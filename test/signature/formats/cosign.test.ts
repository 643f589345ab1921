// Classic cosign signatures: what is read and asked, and what is believed (threats CS-03, CS-12, CS-13; design 9 (3), (6), (8)).

import { generateKeyPairSync, sign } from 'node:crypto'
import { ed25519ph } from '@noble/curves/ed25519.js'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { cosign } from '#signature/formats/cosign.ts'
import { verifyMaterial } from '#signature/verify.ts'
import { attestorOf, subjectAt, WrittenFacts } from '../../support/evidence.ts'
import {
  at,
  attestor,
  digestOf,
  image,
  type Json,
  type Layer,
  layer,
  manifestOf,
  otherImage,
  outcomes,
  pair,
  payloadOf,
  pemOf,
  signatureAnnotation,
  signatureTag,
  signBase64,
  stranger,
  subject,
  tagged,
} from '../../support/signed-evidence.ts'

const verified = async (...layers: Layer[]) => (await outcomes(cosign, tagged(layers))).verified
const changed = (change: (payload: Json) => void): Json => {
  const payload = payloadOf()
  change(payload)
  return payload
}

describe('asking', () => {
  const tagQuestion = { kind: 'tagged', at, tag: signatureTag } as const

  test('begins with the tag, goes on with the payloads, then has nothing left to ask', () => {
    const one = layer()
    expect(cosign.ask(subject, new WrittenFacts()).questions).toEqual([tagQuestion])
    const manifest = { digest: digestOf('m'), mediaType: '', bytes: manifestOf([one]) }
    const half = new WrittenFacts().set(tagQuestion, { known: true, value: manifest })
    expect(cosign.ask(subject, half).questions).toEqual([
      { kind: 'blob', at, digest: digestOf(one.bytes), maxBytes: 64 * 1024 },
    ])
    expect(cosign.ask(subject, tagged([one])).questions).toEqual([])
  })

  test('asks in the repository that holds the signatures', () => {
    const signatures = { registry: 'signatures.example', repository: 'all' }
    expect(cosign.ask({ ...subject, signatures }, new WrittenFacts()).questions).toMatchObject([{ at: signatures }])
  })

  test('finds nothing where there is no tag, and says so where the tag could not be read', async () => {
    const none = new WrittenFacts().set(tagQuestion, { known: true, value: null })
    expect(await outcomes(cosign, none)).toEqual({ verified: [], oddities: [], gaps: [], questions: [] })
    const failed = { known: false, code: 'registry-timeout', detail: 'late' } as const
    expect((await outcomes(cosign, new WrittenFacts().set(tagQuestion, failed))).gaps).toEqual(['registry-timeout'])
  })

  test('asks for no tag that cannot exist', () => {
    const long = subjectAt('registry.example', 'team/app', `sha512:${'a'.repeat(128)}`)
    expect(cosign.ask(long, new WrittenFacts()).questions).toEqual([])
    const short = subjectAt('registry.example', 'team/app', `sha384:${'a'.repeat(96)}`)
    expect(cosign.ask(short, new WrittenFacts()).questions).toHaveLength(1)
  })

  test('a payload that could not be read is a gap beside the one that was', async () => {
    const [good, lost] = [
      layer(),
      layer(
        changed((payload) => {
          payload.optional = null
        }),
      ),
    ]
    const facts = tagged([good, lost])
    const question = { kind: 'blob', at, digest: digestOf(lost.bytes), maxBytes: 64 * 1024 } as const
    facts.set(question, { known: false, code: 'content-missing', detail: '404' })
    expect(await outcomes(cosign, facts)).toMatchObject({ verified: ['accepted'], gaps: ['content-missing'] })
  })

  test('a payload over the cap is not fetched, and is a gap', async () => {
    const big = { ...layer(), size: 64 * 1024 + 1 }
    expect(await outcomes(cosign, tagged([big]))).toMatchObject({ verified: [], gaps: ['content-too-large'] })
    const atCap = { ...layer(), size: 64 * 1024 }
    expect(await outcomes(cosign, tagged([atCap]))).toMatchObject({ verified: ['accepted'], gaps: [] })
  })

  test('of more than 100 signatures the first 100 are read, and the rest is a gap', async () => {
    const [good] = [layer()]
    const other = { ...layer(), annotations: { [signatureAnnotation]: 'AAAA' } }
    const fill = (count: number) => Array.from({ length: count }, () => other)
    expect(await outcomes(cosign, tagged([...fill(99), good]))).toMatchObject({ gaps: [] })
    const over = await outcomes(cosign, tagged([...fill(100), good]))
    expect(over.gaps).toEqual(['too-many-signatures'])
    expect(over.verified).not.toContain('accepted')
    expect((await outcomes(cosign, tagged([good, ...fill(100)]))).verified).toContain('accepted')
  })

  test('one signature twice is one material', async () => {
    expect(await verified(layer(), layer())).toHaveLength(2) // ECDSA never signs twice the same
    const one = layer()
    expect(await verified(one, one)).toEqual(['accepted'])
  })

  test.each([
    ['no JSON', new TextEncoder().encode('x')],
    ['an index', new TextEncoder().encode('{"schemaVersion":2,"manifests":[]}')],
    ['ambiguous', manifestOf([layer()], { manifests: [] })],
  ])('a manifest that is %s holds no signature, and is named', async (_what, bytes) => {
    const facts = new WrittenFacts().set(tagQuestion, {
      known: true,
      value: { digest: digestOf(bytes), mediaType: '', bytes },
    })
    expect(await outcomes(cosign, facts)).toEqual({
      verified: [],
      oddities: ['layer-malformed'],
      gaps: [],
      questions: [],
    })
  })

  test('a foreign layer never spoils the good one beside it', async () => {
    const foreign = { ...layer(), mediaType: 'application/vnd.dsse.envelope.v1+json' }
    const found = await outcomes(cosign, tagged([foreign, layer(), foreign]))
    expect(found).toMatchObject({ verified: ['accepted'], oddities: ['layer-malformed', 'layer-malformed'], gaps: [] })
  })
})

describe('verifying', () => {
  test('proves signer, digest, name and the annotations that are text', async () => {
    const [material] = cosign.ask(subject, tagged([layer()])).materials
    if (material === undefined) throw new Error('nothing found')
    const [key] = attestor.keys
    expect(await verifyMaterial({ format: 'cosign', material, attestor, subject })).toEqual({
      accepted: true,
      checks: ['encoding', 'payload', 'digest', 'signature'].map((name) => ({ name, passed: true })),
      claims: {
        signer: { attestor: 'release', key: 'key 1', fingerprint: key?.fingerprint },
        digest: image,
        reference: 'registry.example/team/app',
        annotations: { team: 'payments' },
        provenTimes: [],
      },
    })
  })

  test('tries all the keys of the attestor, and names the one that signed', async () => {
    const both = attestorOf(pemOf(stranger.publicKey), pemOf(pair.publicKey))
    const [material] = cosign.ask(subject, tagged([layer()])).materials
    if (material === undefined) throw new Error('nothing found')
    const verification = await verifyMaterial({ format: 'cosign', material, attestor: both, subject })
    expect(verification).toMatchObject({ accepted: true, claims: { signer: { key: 'key 2' } } })
  })

  test('refuses a stranger', async () => {
    expect(await verified(layer(payloadOf(), stranger.privateKey))).toEqual(['signature-wrong-key'])
  })

  test('calls a genuine signature for another image so, and a stranger’s a stranger’s', async () => {
    expect(await verified(layer(payloadOf(otherImage)))).toEqual(['payload-other-image'])
    expect(await verified(layer(payloadOf(otherImage), stranger.privateKey))).toEqual(['signature-wrong-key'])
  })

  const malformed: readonly (readonly [string, Json])[] = [
    ['no JSON', 'x'],
    ['a list', []],
    [
      'without critical',
      changed((payload) => {
        delete payload.critical
      }),
    ],
    [
      'with critical in other case',
      changed((payload) => {
        payload.Critical = payload.critical
      }),
    ],
    [
      'with an unknown member',
      changed((payload) => {
        payload.extra = 1
      }),
    ],
    [
      'with an unknown critical member',
      changed((payload) => {
        payload.critical.extra = 1
      }),
    ],
    [
      'with the digest in other case',
      changed((payload) => {
        payload.critical.image['Docker-manifest-digest'] = image
      }),
    ],
    [
      'with a digest that is no text',
      changed((payload) => {
        payload.critical.image['docker-manifest-digest'] = 1
      }),
    ],
    [
      'without identity',
      changed((payload) => {
        delete payload.critical.identity
      }),
    ],
    [
      'with optional as a list',
      changed((payload) => {
        payload.optional = []
      }),
    ],
    [
      'with the digest twice',
      JSON.stringify(payloadOf(otherImage)).replace(
        '{"docker-manifest-digest"',
        `{"docker-manifest-digest":"${image}","docker-manifest-digest"`,
      ),
    ],
    ['with critical twice', JSON.stringify(payloadOf()).replace('{"critical"', '{"critical":{},"critical"')],
    ['with something after it', `${JSON.stringify(payloadOf())}{}`],
  ]
  test.each(malformed)('refuses a payload %s, well signed though it is', async (_what, payload) => {
    expect(await verified(layer(payload))).toEqual(['payload-malformed'])
  })

  test.each([
    [
      'null',
      changed((payload) => {
        payload.optional = null
      }),
    ],
    [
      'absent',
      changed((payload) => {
        delete payload.optional
      }),
    ],
    ['with a prototype', JSON.stringify(payloadOf()).replace('"team"', '"__proto__":"x","team"')],
  ])('takes a payload with optional %s', async (_what, payload) => {
    expect(await verified(layer(payload))).toEqual(['accepted'])
  })

  test.each(['atomic container signature', 'Cosign container image signature', ''])(
    'refuses the type %j',
    async (type) => {
      expect(
        await verified(
          layer(
            changed((payload) => {
              payload.critical.type = type
            }),
          ),
        ),
      ).toEqual(['payload-type-wrong'])
    },
  )

  const encodings: readonly (readonly [string, (signature: string) => Record<string, string>])[] = [
    ['missing', () => ({})],
    ['empty', () => ({ [signatureAnnotation]: '' })],
    [
      'broken over lines',
      (signature) => ({ [signatureAnnotation]: `${signature.slice(0, 40)}\n${signature.slice(40)}` }),
    ],
    ['without padding', (signature) => ({ [signatureAnnotation]: `${signature.replaceAll('=', '')}A`.slice(0, 95) })],
    ['in the URL alphabet', (signature) => ({ [signatureAnnotation]: `-_${signature.slice(2)}` })],
    ['huge', () => ({ [signatureAnnotation]: 'A'.repeat(8196) })],
    ['under another name', (signature) => ({ 'dev.cosignproject.cosign/Signature': signature })],
  ]
  test.each(encodings)('refuses a signature that is %s', async (_what, annotations) => {
    const good = layer()
    const bad = { ...good, annotations: annotations(good.annotations[signatureAnnotation] ?? '') }
    expect(await verified(bad)).toEqual(['signature-encoding'])
  })

  test('names Ed25519ph for the first signatures only, so that strangers cannot make us work', async () => {
    const ed = generateKeyPairSync('ed25519')
    const secret = Buffer.from(ed.privateKey.export({ format: 'jwk' }).d ?? '', 'base64url')
    const layers = Array.from({ length: 6 }, (_, index) => {
      const payload = new TextEncoder().encode(
        JSON.stringify(
          changed((json) => {
            json.optional = { index: `${index}` }
          }),
        ),
      )
      const signature = Buffer.from(ed25519ph.sign(payload, secret)).toString('base64')
      return { ...layer(), bytes: payload, annotations: { [signatureAnnotation]: signature } }
    })
    const told = await outcomes(cosign, tagged(layers), attestorOf(pemOf(ed.publicKey)))
    expect(told.verified).toEqual([
      ...Array.from({ length: 4 }, () => 'ed25519ph-refused'),
      ...Array.from({ length: 2 }, () => 'signature-wrong-key'),
    ])
    const pure = sign(null, layers[5]?.bytes ?? new Uint8Array(), ed.privateKey).toString('base64')
    const last = {
      ...layer(),
      bytes: layers[5]?.bytes ?? new Uint8Array(),
      annotations: { [signatureAnnotation]: pure },
    }
    const mixed = await outcomes(cosign, tagged([...layers, last]), attestorOf(pemOf(ed.publicKey)))
    expect(mixed.verified.at(-1)).toBe('accepted')
  })

  test('one changed byte of the payload is never accepted', async () => {
    const good = layer()
    await fc.assert(
      fc.asyncProperty(fc.nat(good.bytes.length - 1), fc.integer({ min: 1, max: 255 }), async (place, difference) => {
        const bytes = good.bytes.map((byte, index) => (index === place ? byte ^ difference : byte))
        expect(await verified({ ...good, bytes })).not.toContain('accepted')
      }),
      { numRuns: 100 },
    )
  })

  test('any payload at all, signed by the right key, is an answer and never an error', async () => {
    await fc.assert(
      fc.asyncProperty(fc.oneof(fc.json(), fc.string()), async (text) => {
        const bytes = new TextEncoder().encode(text)
        const [code] = await verified({ ...layer(), bytes, annotations: { [signatureAnnotation]: signBase64(bytes) } })
        expect(code).toBe('payload-malformed')
      }),
      { numRuns: 60 },
    )
  })
})
