// Sigstore bundles as referrers: what is read and asked, and what is believed (threats CS-02, CS-03, CS-08, CS-13; design
// 9 (3)–(6)).

import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { bundle } from '#signature/formats/bundle.ts'
import { cosignReferrer } from '#signature/formats/cosign-referrer.ts'
import { verifyMaterial } from '#signature/verify.ts'
import { attestorOf, WrittenFacts } from '../../support/evidence.ts'
import {
  at,
  attestor,
  bundleOf,
  digestOf,
  image,
  type Json,
  type Layer,
  layer,
  manifestOf,
  manifestType,
  otherImage,
  outcomes,
  pair,
  pemOf,
  referred,
  referring,
  statementOf,
  stranger,
  subject,
} from '../../support/signed-evidence.ts'

const verified = async (...bundles: Json[]) =>
  (await outcomes(bundle, referred(bundles.map((each) => referring(each))))).verified
const changed = <T>(value: T, change: (value: Json) => void): T => {
  change(value)
  return value
}

describe('asking', () => {
  test('begins with the list, goes on with manifests and bundles, then has nothing left to ask', () => {
    const list = { kind: 'referrers', at, digest: image } as const
    expect(bundle.ask(subject, new WrittenFacts()).questions).toEqual([list])
    const one = referring(bundleOf())
    const digest = digestOf(one.manifest)
    const entry = {
      digest,
      mediaType: manifestType,
      size: 1,
      artifactType: 'application/vnd.dev.sigstore.bundle.v0.3+json',
    }
    const facts = new WrittenFacts().set(list, { known: true, value: [entry] })
    expect(bundle.ask(subject, facts).questions).toEqual([{ kind: 'manifest', at, digest }])
    facts.set(
      { kind: 'manifest', at, digest },
      { known: true, value: { digest, mediaType: manifestType, bytes: one.manifest } },
    )
    expect(bundle.ask(subject, facts).questions).toMatchObject([{ kind: 'blob', maxBytes: 256 * 1024 }])
    expect(bundle.ask(subject, referred([one])).questions).toEqual([])
  })

  test.each([
    ['absent', undefined, 'accepted'],
    [
      'that of the empty config, as older writers of fallback indexes put it',
      'application/vnd.oci.empty.v1+json',
      'accepted',
    ],
    ['that of an SBOM', 'application/spdx+json', undefined],
  ])('an artifact type in the list that is %s', async (_what, artifactType, wanted) => {
    const one = { ...referring(bundleOf()), artifactType: artifactType as string }
    const found = await outcomes(bundle, referred([one]))
    expect(found).toMatchObject({ verified: wanted === undefined ? [] : [wanted], oddities: [], gaps: [] })
  })

  test('a referrer without a type that turns out to be something else is passed over', async () => {
    const sbom = manifestOf([{ ...layer(), mediaType: 'application/spdx+json' }], {
      artifactType: 'application/spdx+json',
    })
    const facts = referred([{ manifest: sbom, layers: [] }, referring(bundleOf())])
    expect(await outcomes(bundle, facts)).toMatchObject({ verified: ['accepted'], oddities: [], gaps: [] })
  })

  test('an attestation is told by its annotation in the list, without fetching it', () => {
    const attestation = {
      ...referring(bundleOf()),
      annotations: { 'dev.sigstore.bundle.predicateType': 'https://slsa.dev/provenance/v1' },
    }
    const signature = {
      ...referring(bundleOf()),
      annotations: { 'dev.sigstore.bundle.predicateType': 'https://sigstore.dev/cosign/sign/v1' },
    }
    const found = bundle.ask(subject, referred([attestation, signature]))
    expect(found.materials).toHaveLength(1)
    expect(found.oddities).toMatchObject([{ code: 'predicate-type-wrong' }])
  })

  test('what a list inherits is no annotation of it', () => {
    const inherited = Object.create({ 'dev.sigstore.bundle.predicateType': 'https://slsa.dev/provenance/v1' })
    const found = bundle.ask(subject, referred([{ ...referring(bundleOf()), annotations: inherited }]))
    expect([found.materials.length, found.oddities]).toEqual([1, []])
  })

  test.each([
    ['another image', { subject: { mediaType: manifestType, digest: otherImage, size: 1 } }],
    ['no image', { subject: undefined }],
  ])('a referrer whose own subject is %s does not count, and spoils nothing', async (_what, more) => {
    const facts = referred([referring(bundleOf(), more), referring(bundleOf())])
    expect(await outcomes(bundle, facts)).toMatchObject({
      verified: ['accepted'],
      oddities: ['referrer-other-subject'],
    })
  })

  test.each([
    [
      'two layers',
      manifestOf([layer(), layer()], {
        artifactType: 'application/vnd.dev.sigstore.bundle.v0.3+json',
        subject: { mediaType: manifestType, digest: image, size: 1 },
      }),
    ],
    [
      'a layer of another type',
      manifestOf([layer()], {
        artifactType: 'application/vnd.dev.sigstore.bundle.v0.3+json',
        subject: { mediaType: manifestType, digest: image, size: 1 },
      }),
    ],
    ['no JSON', new TextEncoder().encode('x')],
  ])('a manifest with %s is named, and spoils nothing', async (_what, manifest) => {
    const bad = { manifest, layers: [], artifactType: 'application/vnd.dev.sigstore.bundle.v0.3+json' }
    const found = await outcomes(bundle, referred([bad, referring(bundleOf())]))
    expect(found).toMatchObject({ verified: ['accepted'], oddities: ['layer-malformed'], gaps: [] })
  })

  test.each([
    ['a second layer that is a bundle as well', (one: Layer) => [one, one]],
    ['a second layer of another type', (one: Layer) => [one, layer()]],
    ['a layer of another type alone', (one: Layer) => [{ ...one, mediaType: 'application/spdx+json' }]],
  ])('a manifest with %s gives no signature, good though the bundle in it is', async (_what, changedLayers) => {
    const one = referring(bundleOf())
    const [held] = one.layers
    if (held === undefined) throw new Error('no layer')
    const about = { artifactType: one.artifactType, subject: { mediaType: manifestType, digest: image, size: 1 } }
    const alone = { ...one, manifest: manifestOf([held], about) }
    expect(await outcomes(bundle, referred([alone]))).toMatchObject({ verified: ['accepted'], oddities: [] })
    const layers = changedLayers(held)
    const changed = { ...one, manifest: manifestOf(layers, about), layers }
    expect(await outcomes(bundle, referred([changed]))).toEqual({
      verified: [],
      oddities: ['layer-malformed'],
      gaps: [],
      questions: [],
    })
  })

  test('what could not be read is a gap: the list, a manifest, a bundle', async () => {
    const failed = { known: false, code: 'registry-failing', detail: '500' } as const
    const list = new WrittenFacts().set({ kind: 'referrers', at, digest: image }, failed)
    expect((await outcomes(bundle, list)).gaps).toEqual(['registry-failing'])
    const one = referring(bundleOf())
    const manifest = referred([one]).set({ kind: 'manifest', at, digest: digestOf(one.manifest) }, failed)
    expect((await outcomes(bundle, manifest)).gaps).toEqual(['registry-failing'])
    const digest = digestOf(one.layers[0]?.bytes ?? '')
    const blob = referred([one]).set({ kind: 'blob', at, digest, maxBytes: 256 * 1024 }, failed)
    expect((await outcomes(bundle, blob)).gaps).toEqual(['registry-failing'])
  })

  test('of more than 100 referrers the first 100 are read, those first that say what they are', async () => {
    const junk = (count: number) =>
      Array.from({ length: count }, (_, index) => ({
        manifest: manifestOf([], { annotations: { index: `${index}` } }),
        layers: [],
      }))
    const within = await outcomes(bundle, referred([...junk(99), referring(bundleOf())]))
    expect(within).toMatchObject({ verified: ['accepted'], gaps: [] })
    const beyond = await outcomes(bundle, referred([...junk(150), referring(bundleOf())]))
    expect(beyond).toMatchObject({ verified: ['accepted'], gaps: ['too-many-signatures'] })
  })

  test('a bundle over the cap is not fetched', async () => {
    const one = referring(bundleOf())
    const [held] = one.layers
    if (held === undefined) throw new Error('no layer')
    const about = { artifactType: one.artifactType, subject: { mediaType: manifestType, digest: image, size: 1 } }
    const big = { ...one, manifest: manifestOf([{ ...held, size: 256 * 1024 + 1 }], about) }
    expect(await outcomes(bundle, referred([big]))).toMatchObject({ verified: [], gaps: ['content-too-large'] })
  })
})

describe('verifying', () => {
  test('proves signer, digest, name and the annotations of that subject', async () => {
    const named = changed(statementOf(), (statement) => {
      statement.subject[0].name = 'registry.example/team/app'
      statement.subject.unshift({
        name: 'other',
        digest: { sha256: otherImage.slice(7) },
        annotations: { team: 'other' },
      })
    })
    const [material] = bundle.ask(subject, referred([referring(bundleOf({ statement: named }))])).materials
    if (material === undefined) throw new Error('nothing found')
    const [key] = attestor.keys
    expect(await verifyMaterial({ format: 'bundle', material, attestor, subject })).toEqual({
      accepted: true,
      checks: ['encoding', 'statement', 'digest', 'signature'].map((name) => ({ name, passed: true })),
      claims: {
        signer: { attestor: 'release', key: 'key 1', fingerprint: key?.fingerprint },
        digest: image,
        reference: 'registry.example/team/app',
        annotations: { team: 'payments' },
        provenTimes: [],
      },
    })
  })

  test('proves no name where that of the subject is empty, as where it has none', async () => {
    const claimsOf = async (name: string | undefined) => {
      const statement = changed(statementOf(), (value) => {
        value.subject[0].name = name
      })
      const [material] = bundle.ask(subject, referred([referring(bundleOf({ statement }))])).materials
      if (material === undefined) throw new Error('nothing found')
      const verification = await verifyMaterial({ format: 'bundle', material, attestor, subject })
      return verification.accepted ? verification.claims : undefined
    }
    expect(await claimsOf('registry.example/team/app')).toMatchObject({ reference: 'registry.example/team/app' })
    for (const name of ['', undefined]) {
      const claims = await claimsOf(name)
      expect(claims).toMatchObject({ digest: image })
      expect(claims).not.toHaveProperty('reference')
    }
  })

  test('refuses strangers, and calls a genuine signature for another image so', async () => {
    const statement = statementOf(otherImage)
    expect(await verified(bundleOf({ key: stranger.privateKey }))).toEqual(['signature-wrong-key'])
    expect(await verified(bundleOf({ statement }))).toEqual(['payload-other-image'])
    expect(await verified(bundleOf({ statement, key: stranger.privateKey }))).toEqual(['signature-wrong-key'])
  })

  test('a hint decides nothing: right, wrong, another key’s or none', async () => {
    const hintOf = (key: typeof pair) =>
      createHash('sha256')
        .update(key.publicKey.export({ format: 'der', type: 'spki' }))
        .digest('base64')
    for (const hint of [hintOf(pair), hintOf(stranger), 'key-7', '', undefined]) {
      const hinted = changed(bundleOf(), (value) => {
        value.verificationMaterial.publicKey = { hint }
      })
      expect(await verified(hinted)).toEqual(['accepted'])
      const lied = changed(bundleOf({ key: stranger.privateKey }), (value) => {
        value.verificationMaterial.publicKey = { hint: hintOf(pair) }
      })
      expect(await verified(lied)).toEqual(['signature-wrong-key'])
    }
    const both = attestorOf(pemOf(stranger.publicKey), pemOf(pair.publicKey))
    const hinted = changed(bundleOf(), (value) => {
      value.verificationMaterial.publicKey = { hint: hintOf(pair) }
    })
    expect((await outcomes(bundle, referred([referring(hinted)]), both)).verified).toEqual(['accepted'])
  })

  const statements: readonly (readonly [string, (statement: Json) => void, string])[] = [
    [
      'another predicate type',
      (value) => {
        value.predicateType = 'https://slsa.dev/provenance/v1'
      },
      'predicate-type-wrong',
    ],
    [
      'the predicate type in other case',
      (value) => {
        value.predicateType = 'https://sigstore.dev/cosign/Sign/v1'
      },
      'predicate-type-wrong',
    ],
    [
      'no predicate type',
      (value) => {
        delete value.predicateType
      },
      'payload-malformed',
    ],
    [
      'statement v0.1',
      (value) => {
        value._type = 'https://in-toto.io/Statement/v0.1'
      },
      'payload-type-wrong',
    ],
    [
      'no subject',
      (value) => {
        delete value.subject
      },
      'payload-malformed',
    ],
    [
      'an empty list of subjects',
      (value) => {
        value.subject = []
      },
      'payload-other-image',
    ],
    [
      'the digest under another algorithm',
      (value) => {
        value.subject[0].digest = { sha512: image.slice(7) }
      },
      'payload-other-image',
    ],
    [
      'the digest in upper case',
      (value) => {
        value.subject[0].digest.sha256 = image.slice(7).toUpperCase()
      },
      'payload-other-image',
    ],
    [
      'the digest with its prefix',
      (value) => {
        value.subject[0].digest.sha256 = image
      },
      'payload-other-image',
    ],
    [
      'an unknown member',
      (value) => {
        value.extra = 1
      },
      'payload-malformed',
    ],
    [
      'subject in other case',
      (value) => {
        value.Subject = value.subject
      },
      'payload-malformed',
    ],
    [
      'an unknown member of a subject',
      (value) => {
        value.subject[0].Digest = {}
      },
      'payload-malformed',
    ],
    [
      'too many subjects',
      (value) => {
        value.subject = Array.from({ length: 1001 }, () => value.subject[0])
      },
      'payload-malformed',
    ],
  ]
  test.each(statements)('refuses a statement with %s, well signed though it is', async (_what, change, code) => {
    expect(await verified(bundleOf({ statement: changed(statementOf(), change) }))).toEqual([code])
  })

  test('refuses duplicate members of a statement', async () => {
    const twice = JSON.stringify(statementOf()).replace('{"_type"', '{"subject":[],"_type"')
    expect(await verified(bundleOf({ statement: twice }))).toEqual(['payload-malformed'])
  })

  test('refuses another payload type, signed or changed afterwards, with and without ASCII', async () => {
    expect(await verified(bundleOf({ payloadType: 'application/json' }))).toEqual(['payload-type-wrong'])
    const later = changed(bundleOf({ payloadType: 'application/json' }), (value) => {
      value.dsseEnvelope.payloadType = 'application/vnd.in-toto+json'
    })
    expect(await verified(later)).toEqual(['signature-wrong-key'])
    const accented = changed(bundleOf(), (value) => {
      value.dsseEnvelope.payloadType = 'application/vnd.in-tóto+json'
    })
    expect(await verified(accented)).toEqual(['payload-type-wrong'])
  })

  const entry = (more: Json = {}): Json => ({
    logIndex: '1',
    logId: { keyId: 'AAAA' },
    kindVersion: { kind: 'dsse', version: '0.0.1' },
    integratedTime: '1700000000',
    inclusionPromise: { signedEntryTimestamp: 'AAAA' },
    inclusionProof: { logIndex: '1', rootHash: 'AAAA', treeSize: '2', hashes: [], checkpoint: { envelope: 'x' } },
    canonicalizedBody: 'AAAA',
    ...more,
  })
  const version = (number: string) => `application/vnd.dev.sigstore.bundle+json;version=${number}`
  const bundles: readonly (readonly [string, (value: Json) => void, string])[] = [
    [
      'version 0.1 without log entries',
      (value) => {
        value.mediaType = version('0.1')
      },
      'accepted',
    ],
    [
      'version 0.1 with a promise',
      (value) => {
        value.mediaType = version('0.1')
        value.verificationMaterial.tlogEntries = [entry({ inclusionProof: undefined })]
      },
      'accepted',
    ],
    [
      'version 0.1 without promise',
      (value) => {
        value.mediaType = version('0.1')
        value.verificationMaterial.tlogEntries = [entry({ inclusionPromise: undefined })]
      },
      'bundle-version',
    ],
    [
      'version 0.2 with a proof',
      (value) => {
        value.mediaType = version('0.2')
        value.verificationMaterial.tlogEntries = [entry({ inclusionPromise: undefined })]
      },
      'accepted',
    ],
    [
      'version 0.2 without proof',
      (value) => {
        value.mediaType = version('0.2')
        value.verificationMaterial.tlogEntries = [entry({ inclusionProof: undefined })]
      },
      'bundle-version',
    ],
    [
      'version 0.3 in the old spelling',
      (value) => {
        value.mediaType = version('0.3')
      },
      'accepted',
    ],
    [
      'version 0.3 with one entry with and one without proof',
      (value) => {
        value.verificationMaterial.tlogEntries = [entry(), entry({ inclusionProof: null })]
      },
      'bundle-version',
    ],
    [
      'a proof without checkpoint',
      (value) => {
        value.verificationMaterial.tlogEntries = [entry({ inclusionProof: { rootHash: 'AAAA' } })]
      },
      'bundle-version',
    ],
    [
      'version 0.4',
      (value) => {
        value.mediaType = 'application/vnd.dev.sigstore.bundle.v0.4+json'
      },
      'bundle-version',
    ],
    [
      'a negative log index',
      (value) => {
        value.verificationMaterial.tlogEntries = [entry({ logIndex: '-1' })]
      },
      'bundle-malformed',
    ],
    [
      '33 log entries',
      (value) => {
        value.verificationMaterial.tlogEntries = Array.from({ length: 33 }, () => entry())
      },
      'bundle-malformed',
    ],
    [
      'no media type',
      (value) => {
        delete value.mediaType
      },
      'bundle-malformed',
    ],
    [
      'an unknown member',
      (value) => {
        value.extra = 1
      },
      'bundle-malformed',
    ],
    [
      'no material',
      (value) => {
        delete value.verificationMaterial
      },
      'bundle-malformed',
    ],
    [
      'empty material',
      (value) => {
        value.verificationMaterial = {}
      },
      'bundle-malformed',
    ],
    [
      'a certificate',
      (value) => {
        value.verificationMaterial = { certificate: { rawBytes: 'AAAA' } }
      },
      'signature-wrong-key',
    ],
    [
      'a key and a certificate',
      (value) => {
        value.verificationMaterial.certificate = { rawBytes: 'AAAA' }
      },
      'bundle-malformed',
    ],
    [
      'a certificate chain, which 0.3 forbids',
      (value) => {
        value.verificationMaterial = { x509CertificateChain: { certificates: [] } }
      },
      'bundle-version',
    ],
    [
      'a message signature instead',
      (value) => {
        delete value.dsseEnvelope
        value.messageSignature = { messageDigest: {}, signature: 'AAAA' }
      },
      'bundle-content',
    ],
    [
      'a message signature besides',
      (value) => {
        value.messageSignature = { messageDigest: {}, signature: 'AAAA' }
      },
      'bundle-malformed',
    ],
    [
      'no content',
      (value) => {
        delete value.dsseEnvelope
      },
      'bundle-malformed',
    ],
    [
      'no signature',
      (value) => {
        value.dsseEnvelope.signatures = []
      },
      'dsse-signature-count',
    ],
    [
      'two signatures',
      (value) => {
        value.dsseEnvelope.signatures.push(value.dsseEnvelope.signatures[0])
      },
      'dsse-signature-count',
    ],
    [
      'a payload in lenient base64',
      (value) => {
        value.dsseEnvelope.payload = value.dsseEnvelope.payload.replaceAll('=', '').concat('\n')
      },
      'bundle-malformed',
    ],
    [
      'a signature that is no text',
      (value) => {
        value.dsseEnvelope.signatures[0].sig = 1
      },
      'bundle-malformed',
    ],
    [
      'names in snake case',
      (value) => {
        value.dsse_envelope = value.dsseEnvelope
        delete value.dsseEnvelope
      },
      'bundle-malformed',
    ],
  ]
  test.each(bundles)('with %s', async (_what, change, wanted) => {
    expect(await verified(changed(bundleOf(), change))).toEqual([wanted])
  })

  test('a bundle that is no JSON, or names a member twice, is malformed', async () => {
    const twice = JSON.stringify(bundleOf()).replace('{"mediaType"', '{"dsseEnvelope":{},"mediaType"')
    expect(await verified('x')).toEqual(['bundle-malformed'])
    expect(await verified(twice)).toEqual(['bundle-malformed'])
  })

  test('bad bundles never spoil the good one beside them', async () => {
    const attestation = bundleOf({
      statement: changed(statementOf(), (value) => {
        value.predicateType = 'x'
      }),
    })
    expect((await verified('x', attestation, bundleOf(), bundleOf({ key: stranger.privateKey }))).sort()).toEqual([
      'accepted',
      'bundle-malformed',
      'predicate-type-wrong',
      'signature-wrong-key',
    ])
  })

  test('one changed byte of the signed parts is never accepted', async () => {
    const good = bundleOf()
    const payload = Buffer.from(good.dsseEnvelope.payload, 'base64')
    await fc.assert(
      fc.asyncProperty(fc.nat(payload.length - 1), fc.integer({ min: 1, max: 255 }), async (place, difference) => {
        const bytes = payload.map((byte, index) => (index === place ? byte ^ difference : byte))
        const bad = structuredClone(good)
        bad.dsseEnvelope.payload = Buffer.from(bytes).toString('base64')
        expect(await verified(bad)).not.toContain('accepted')
      }),
      { numRuns: 60 },
    )
  })
})

describe('classic layers in a referrer', () => {
  const artifactType = 'application/vnd.dev.cosign.artifact.sig.v1+json'
  const about = { subject: { mediaType: manifestType, digest: image, size: 1 } }
  const classic = (more: Json) => {
    const layers = [layer()]
    return { manifest: manifestOf(layers, { ...about, ...more }), layers, artifactType }
  }

  test.each([
    ['the artifact type', { artifactType }],
    ['the type of the config', { config: { mediaType: artifactType, digest: digestOf('{}'), size: 2 } }],
  ])('are read where %s says so', async (_what, more) => {
    const facts = referred([classic(more)], 64 * 1024)
    expect(await outcomes(cosignReferrer, facts)).toMatchObject({ verified: ['accepted'], oddities: [], gaps: [] })
    expect(await outcomes(bundle, facts)).toMatchObject({ verified: [], oddities: [], gaps: [] })
  })

  test('are told apart from what else lies in the manifest, which is named', async () => {
    const layers = [{ ...layer(), mediaType: 'application/spdx+json' }, layer()]
    const mixed = { manifest: manifestOf(layers, { ...about, artifactType }), layers, artifactType }
    const found = await outcomes(cosignReferrer, referred([mixed], 64 * 1024))
    expect(found).toMatchObject({ verified: ['accepted'], oddities: ['layer-malformed'], gaps: [] })
  })

  test('do not count for another image', async () => {
    const other = { artifactType, subject: { mediaType: manifestType, digest: otherImage, size: 1 } }
    const found = await outcomes(cosignReferrer, referred([classic(other)], 64 * 1024))
    expect(found).toMatchObject({ verified: [], oddities: ['referrer-other-subject'] })
  })

  test('lie where bundles do, so that an attestor asks for both by one layout', () => {
    expect([bundle.layout, cosignReferrer.layout]).toEqual(['Bundle', 'Bundle'])
  })

  test('ask the same list as bundles do, so that it is fetched once', () => {
    const nothing = new WrittenFacts()
    expect(cosignReferrer.ask(subject, nothing).questions).toEqual(bundle.ask(subject, nothing).questions)
  })
})
