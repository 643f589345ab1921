// Evidence to begin with: what the composers of the product and of cosign write, as templates, and the usual ways of
// having something that is not quite it.

import { type Parts, partsOf } from './case.ts'

const manifestType = 'application/vnd.oci.image.manifest.v1+json'
const simpleSigning = 'application/vnd.dev.cosign.simplesigning.v1+json'
const bundleType = 'application/vnd.dev.sigstore.bundle.v0.3+json'
const classicType = 'application/vnd.dev.cosign.artifact.sig.v1+json'
const signature = 'dev.cosignproject.cosign/signature'

const write = (value: unknown) => JSON.stringify(value)

const image = write({
  schemaVersion: 2,
  mediaType: manifestType,
  config: { mediaType: 'application/vnd.oci.image.config.v1+json', digest: `sha256:${'a'.repeat(64)}`, size: 2 },
  layers: [],
})

const child = image.replaceAll('aaaa', 'bbbb')

const platform = (architecture: string, os = 'linux') => ({ platform: { os, architecture } })
const index = write({
  schemaVersion: 2,
  mediaType: 'application/vnd.oci.image.index.v1+json',
  manifests: [
    { mediaType: manifestType, digest: '{{digest:child}}', size: 400, ...platform('amd64') },
    { mediaType: manifestType, digest: `sha256:${'c'.repeat(64)}`, size: 400, ...platform('unknown', 'unknown') },
  ],
})

const payload = (digest: string, reference = 'registry.example.com/team/app') =>
  write({
    critical: {
      identity: { 'docker-reference': reference },
      image: { 'docker-manifest-digest': digest },
      type: 'cosign container image signature',
    },
    optional: { team: 'payments', built: 7 },
  })

const layer = (of: string, signed: string) => ({
  mediaType: simpleSigning,
  digest: `{{digest:${of}}}`,
  size: 250,
  annotations: { [signature]: signed },
})

const signatures = (...layers: readonly object[]) =>
  write({
    schemaVersion: 2,
    mediaType: manifestType,
    config: { mediaType: 'application/vnd.oci.image.config.v1+json', digest: `sha256:${'d'.repeat(64)}`, size: 2 },
    layers,
  })

const statement = (hex: string) =>
  write({
    _type: 'https://in-toto.io/Statement/v1',
    subject: [{ name: 'registry.example.com/team/app', digest: { sha256: hex }, annotations: { team: 'payments' } }],
    predicateType: 'https://sigstore.dev/cosign/sign/v1',
    predicate: {},
  })

const bundle = (key: string) =>
  write({
    mediaType: bundleType,
    verificationMaterial: { publicKey: { hint: '' } },
    dsseEnvelope: {
      payload: '{{base64:statement}}',
      payloadType: 'application/vnd.in-toto+json',
      signatures: [{ sig: `{{dsse:${key}:statement}}` }],
    },
  })

const referrer = (artifactType: string, subject: string, ...layers: readonly object[]) =>
  write({
    schemaVersion: 2,
    mediaType: manifestType,
    artifactType,
    config: { mediaType: 'application/vnd.oci.empty.v1+json', digest: `sha256:${'e'.repeat(64)}`, size: 2 },
    layers,
    subject: { mediaType: manifestType, digest: subject, size: 300 },
    annotations: { 'dev.sigstore.bundle.content': 'dsse-envelope' },
  })

const listed = (...entries: readonly object[]) =>
  write({ schemaVersion: 2, mediaType: 'application/vnd.oci.image.index.v1+json', manifests: entries })

const entry = (part: string, artifactType: string) => ({
  mediaType: manifestType,
  digest: `{{digest:${part}}}`,
  size: 600,
  artifactType,
})

const bundleLayer = { mediaType: bundleType, digest: '{{digest:bundle}}', size: 900 }

const ofImage = {
  image,
  child,
  payload: payload('{{digest:image}}'),
  other: payload('{{digest:child}}'),
  tagged: '',
  childtagged: '',
  statement: statement('{{hex:image}}'),
  bundle: bundle('trusted'),
  bundled: referrer(bundleType, '{{digest:image}}', bundleLayer),
  classic: referrer(classicType, '{{digest:image}}', layer('payload', '{{sign:trusted:payload}}')),
  list: listed(),
}

const byTrusted = layer('payload', '{{sign:trusted:payload}}')
const byStranger = layer('payload', '{{sign:stranger:payload}}')

/** By what they are; `trusted` in front: under the plain demand they are. */
export const evidenceSeeds: Readonly<Record<string, Parts>> = Object.fromEntries(
  Object.entries({
    'trusted by a signature under the tag': { tagged: signatures(byTrusted) },
    'trusted beside a stranger': { tagged: signatures(byStranger, byTrusted) },
    'trusted twice': { tagged: signatures(byTrusted, layer('payload', '{{sign:second:payload}}')) },
    'trusted by a bundle': { list: listed(entry('bundled', bundleType)) },
    'trusted by a classic referrer': { list: listed(entry('classic', classicType)) },
    'trusted index with a signed child': {
      image: index,
      tagged: signatures(byTrusted),
      childtagged: signatures(layer('other', '{{sign:trusted:other}}')),
    },
    'trusted index with an unsigned child': { image: index, tagged: signatures(byTrusted) },
    unsigned: {},
    'signed by a stranger': { tagged: signatures(byStranger) },
    'signature of another image': { tagged: signatures(layer('other', '{{sign:trusted:other}}')) },
    'signature over another payload': { tagged: signatures(layer('payload', '{{sign:trusted:other}}')) },
    'signed under another name': {
      payload: payload('{{digest:image}}', 'evil.example/x'),
      tagged: signatures(byTrusted),
    },
    'signed without annotations': {
      payload: payload('{{digest:image}}').replace('"team":"payments",', ''),
      tagged: signatures(byTrusted),
    },
    'two digests in one payload': {
      payload: payload('{{digest:image}}').replace(
        '"docker-manifest-digest"',
        `"docker-manifest-digest":"sha256:${'f'.repeat(64)}","docker-manifest-digest"`,
      ),
      tagged: signatures(byTrusted),
    },
    'bundle by a stranger': { bundle: bundle('stranger'), list: listed(entry('bundled', bundleType)) },
    'bundle of another image': {
      statement: statement('{{hex:child}}'),
      list: listed(entry('bundled', bundleType)),
    },
    'referrer of another image': {
      bundled: referrer(bundleType, '{{digest:child}}', bundleLayer),
      list: listed(entry('bundled', bundleType)),
    },
    'an attestation': {
      statement: statement('{{hex:image}}').replace('sigstore.dev/cosign/sign', 'slsa.dev/provenance'),
      list: listed(entry('bundled', bundleType)),
    },
  }).map(([name, parts]) => [name, partsOf({ ...ofImage, ...parts })]),
)

/** Parts that are JSON. */
export const evidenceSyntax = Object.fromEntries(Object.keys(ofImage).map((name) => [name, 'json'] as const))

export const evidenceWords: readonly string[] = [
  manifestType,
  simpleSigning,
  bundleType,
  classicType,
  signature,
  'application/vnd.dev.sigstore.bundle+json;version=0.1',
  'application/vnd.oci.image.index.v1+json',
  'application/vnd.docker.distribution.manifest.list.v2+json',
  'application/vnd.docker.distribution.manifest.v1+prettyjws',
  'application/vnd.oci.empty.v1+json',
  'dev.sigstore.bundle.predicateType',
  'https://slsa.dev/provenance/v1',
  ...['image', 'child', 'payload', 'other', 'bundle', 'bundled', 'classic', 'tagged'].map(
    (part) => `{{digest:${part}}}`,
  ),
  ...['trusted', 'second', 'stranger'].flatMap((key) => [`{{sign:${key}:payload}}`, `{{dsse:${key}:statement}}`]),
  '{{base64:payload}}',
  '{{sign:trusted:other}}',
  `sha256:${'0'.repeat(64)}`,
  `sha512:${'0'.repeat(128)}`,
  'payments',
  'team',
  'registry.example.com/team/app:v1',
  'critical',
  'optional',
  'docker-manifest-digest',
  'docker-reference',
  'subject',
  'layers',
  'manifests',
  'annotations',
  'tlogEntries',
  'certificate',
  'x509CertificateChain',
  'messageSignature',
]
