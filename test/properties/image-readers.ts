// The readers of `src/core/image`.

import fc from 'fast-check'
import { expect } from 'vitest'
import { CodedError } from '#core/errors.ts'
import { parseDigest, toDigest } from '#core/image/digest.ts'
import type { Glob } from '#core/image/glob.ts'
import { globMatches, parseGlob } from '#core/image/glob.ts'
import {
  dockerManifestType,
  ociIndexType,
  ociManifestType,
  parseManifest,
  parseReferrersIndex,
  parseSignatureManifest,
} from '#core/image/manifest.ts'
import { compareSpecificity, matchesPattern, parseImagePattern } from '#core/image/pattern.ts'
import { formatReference, parseReference } from '#core/image/reference.ts'
import { looksLikeHost, normaliseRegistry } from '#core/image/registry-host.ts'
import { bytes, texts } from './hostile.ts'
import { demanded } from './outcome.ts'
import { propertiesOf, type ReaderProperties } from './reader.ts'
import { component, digest, host, json, tag } from './words.ts'

const repository = fc.array(component, { minLength: 2, maxLength: 4 }).map((components) => components.join('/'))

const reference = fc
  .record({ registry: host, repository, tag, digest }, { requiredKeys: ['registry', 'repository'] })
  .map((parts) => ({ input: formatReference(parts), means: parts }))

const pattern = fc
  .tuple(
    fc.oneof(host, fc.constantFrom('**', '*.example.com', 'registry.example.com:*')),
    fc.array(fc.oneof(component, fc.constantFrom('*', 'app-*', '*x*')), { minLength: 1, maxLength: 3 }),
    fc.constantFrom('', '/**', ':v*', ':latest'),
  )
  .map(([registry, path, end]) => `${registry}/${path.join('/')}${end}`)
  .map((text) => ({ input: text, means: text }))

const descriptor = fc.record(
  {
    mediaType: fc.constantFrom(ociManifestType, 'application/octet-stream'),
    digest,
    size: fc.nat(),
    artifactType: fc.constantFrom('application/x'),
    annotations: fc.dictionary(fc.string(), fc.string(), { maxKeys: 3 }),
  },
  { requiredKeys: ['mediaType', 'digest', 'size'] },
)
const descriptors = fc.array(descriptor, { maxLength: 4 })

const image = fc.record({
  config: descriptor,
  layers: descriptors,
  mediaType: fc.constantFrom(ociManifestType, dockerManifestType),
})
const imageBytes = image.map((parts) => ({
  input: json({ schemaVersion: 2, ...parts }),
  means: { kind: 'image', annotations: {}, ...parts },
}))
const indexBytes = descriptors.map((manifests) => ({
  input: json({ schemaVersion: 2, mediaType: ociIndexType, manifests }),
  means: { kind: 'index', mediaType: ociIndexType, annotations: {}, manifests },
}))
const listBytes = indexBytes.map(({ input, means }) => ({ input, means: means.manifests }))

const manifestCodes = ['manifest-malformed', 'manifest-ambiguous', 'manifest-unsupported', 'content-too-large'] as const
const manifestWords = [
  'schemaVersion',
  'layers',
  'Layers',
  'manifests',
  'fsLayers',
  'config',
  'digest',
  'subject',
  'platform',
  'application/vnd.docker.distribution.manifest.v1+json',
  ociIndexType,
]
const hasDigests = (entries: readonly object[]) => {
  for (const entry of entries) if ('digest' in entry) expect(toDigest(String(entry.digest))).toBe(entry.digest)
}

function globText(glob: Glob): string {
  return glob.kind === 'literal' ? glob.text : [glob.prefix, ...glob.middles, glob.suffix].join('*')
}

/** A path has at most 255 characters; this leaves room for a host. */
const longestName = 255

/** A name in which every wildcard stands for one letter or one segment. */
function sampleOf(pattern: string): string {
  return pattern
    .replace(/^\*\*($|\/)/, 'h.example/x$1')
    .replaceAll('**', 'x')
    .replace(/:\*(?=\/)/, ':1')
    .replaceAll('*', 'x')
}

export const imageReaders: readonly ReaderProperties[] = [
  propertiesOf({
    of: ['src/core/image/digest.ts parseDigest', 'src/core/image/digest.ts toDigest'],
    form: texts('text', ['sha256:', 'sha512:', 'md5:', 'SHA256:']),
    read: parseDigest,
    written: digest.map((text) => ({ input: text, means: text })),
    refuses: ['digest-malformed'],
    promises: (value) => expect(value).toMatch(/^(sha256:[0-9a-f]{64}|sha384:[0-9a-f]{96}|sha512:[0-9a-f]{128})$/),
    rewrite: (value) => value,
    isExact: true,
  }),
  propertiesOf({
    of: ['src/core/image/glob.ts parseGlob'],
    form: texts('text', ['*', '**', 'a*', '*a']),
    read: parseGlob,
    written: fc
      .array(fc.stringMatching(/^[a-z]{1,4}$/), { minLength: 1, maxLength: 4 })
      .map((pieces) => ({ input: pieces.join('*'), means: pieces })),
    meaningOf: (glob) => (glob.kind === 'literal' ? [glob.text] : [glob.prefix, ...glob.middles, glob.suffix]),
    refuses: [],
    promises: (glob, text) =>
      expect([globMatches(glob, text), globMatches(glob, text.replaceAll('*', ''))]).toEqual([true, true]),
    rewrite: globText,
  }),
  propertiesOf({
    of: ['src/core/image/reference.ts parseReference'],
    form: texts('text', [
      '@sha256:',
      ':latest',
      'docker.io/',
      'index.docker.io/',
      '[::1]:5000/',
      '__',
      '//',
      'LOCALHOST/',
    ]),
    read: (input) => {
      const { text, ...parts } = parseReference(input)
      expect(text).toBe(input)
      return parts
    },
    written: reference,
    refuses: ['reference-malformed'],
    rewrite: formatReference,
  }),
  propertiesOf({
    of: ['src/core/image/registry-host.ts normaliseRegistry'],
    form: texts('text', [':443', ':0', ':65536', '[::', ']', '.', '..', '127.1', '0x7f.1']),
    read: (text) => {
      const registry = normaliseRegistry(text)
      if (typeof registry === 'string') return registry
      expect(registry.offset).toBeLessThanOrEqual(text.length)
      throw new CodedError('reference-malformed', registry.problem)
    },
    written: host.map((text) => ({ input: text, means: text })),
    refuses: ['reference-malformed'],
    promises: (registry) => expect(looksLikeHost(registry)).toBe(true),
    rewrite: (registry) => registry,
  }),
  propertiesOf({
    of: ['src/core/image/pattern.ts parseImagePattern'],
    form: texts('text', ['*', '**', '/**', '**/', ':*', ':v*', '*.']),
    read: parseImagePattern,
    written: pattern,
    meaningOf: ({ text }) => text,
    refuses: ['pattern-malformed'],
    promises: (value) => {
      expect(compareSpecificity(value, value)).toBe(0)
      const name = sampleOf(value.text)
      if (name.length <= longestName) expect(matchesPattern(value, parseReference(name))).toBe(true)
    },
    rewrite: ({ text }) => text,
    isExact: true,
  }),
  propertiesOf({
    of: ['src/core/image/manifest.ts parseManifest'],
    form: bytes('json', manifestWords),
    read: (content) => parseManifest(content),
    written: fc.oneof(imageBytes, indexBytes),
    refuses: manifestCodes,
    promises: (manifest) =>
      hasDigests(manifest.kind === 'image' ? [manifest.config, ...manifest.layers] : manifest.manifests),
  }),
  propertiesOf({
    of: ['src/core/image/manifest.ts parseSignatureManifest'],
    form: bytes('json', manifestWords),
    read: (content) => demanded(parseSignatureManifest(content), 'manifest-unsupported'),
    written: imageBytes,
    refuses: manifestCodes,
    promises: (manifest) => hasDigests([manifest.config, ...manifest.layers]),
  }),
  propertiesOf({
    of: ['src/core/image/manifest.ts parseReferrersIndex'],
    form: bytes('json', manifestWords),
    read: parseReferrersIndex,
    written: listBytes,
    refuses: manifestCodes,
    promises: hasDigests,
  }),
]
