// Manifests, indexes and lists of referrers against the same text read by its grammar.

import { parseManifest, parseReferrersIndex } from '#core/image/manifest.ts'
import { bytesOf, type Parts, partsOf, textOf } from '../case.ts'
import { evidenceSeeds, evidenceWords } from '../evidence-seeds.ts'
import { list, plainJson } from '../oracle/signed-by.ts'
import { must, reading, type Target } from '../target.ts'
import { filled } from '../template.ts'

const oci = 'application/vnd.oci.image.manifest.v1+json'

const seeds: Readonly<Record<string, Parts>> = Object.fromEntries(
  Object.entries(evidenceSeeds).flatMap(([name, parts]) =>
    ['image', 'tagged', 'bundled', 'list']
      .filter((part) => (parts[part]?.length ?? 0) > 0)
      .map((part) => [`${name}, ${part}`, { text: filled(parts, part), type: bytesOf(part === 'list' ? '' : oci) }]),
  ),
)

const docker = partsOf({
  text: JSON.stringify({
    schemaVersion: 2,
    mediaType: 'application/vnd.docker.distribution.manifest.v2+json',
    config: {
      mediaType: 'application/vnd.docker.container.image.v1+json',
      digest: `sha256:${'1'.repeat(64)}`,
      size: 7,
    },
    layers: [{ mediaType: 'a', digest: `sha512:${'2'.repeat(128)}`, size: 0, urls: ['x'], annotations: null }],
  }),
  type: 'application/vnd.docker.distribution.manifest.v2+json; charset=utf-8',
})

const schema1 = partsOf({ text: '{"schemaVersion":1,"name":"a","tag":"b","fsLayers":[],"history":[]}', type: '' })

export const manifest: Target = {
  name: 'manifest',
  about: 'manifests, indexes and lists of referrers',
  syntax: { text: 'json' },
  dictionary: [
    ...evidenceWords,
    'config',
    'fsLayers',
    'history',
    'schemaVersion',
    'mediaType',
    'artifactType',
    'platform',
  ],
  open: () => ({
    seeds: { ...seeds, docker, schema1 },
    run: (parts) => {
      const text = parts['text'] ?? new Uint8Array()
      const read = reading(() => parseManifest(text, textOf(parts['type'])))
      if (read.code === undefined)
        checkAgainst(text, read.value.kind === 'image' ? read.value.layers : read.value.manifests)
      const listed = reading(() => parseReferrersIndex(text))
      if (listed.code === undefined) checkAgainst(text, listed.value)
      return `${read.code ?? read.value.kind} ${listed.code ?? 'list'}`
    },
  }),
}

/** What was read is what stands there, and nothing else in the text could be read instead. */
function checkAgainst(text: Uint8Array, descriptors: readonly object[]): void {
  const plain = plainJson(text)
  must(plain !== undefined, 'a manifest was accepted that two readers could read differently')
  const folded = Object.keys(plain).map((name) => name.toUpperCase().toLowerCase())
  const has = (name: string) => folded.includes(name)
  must(!(has('manifests') && (has('layers') || has('config'))), 'a manifest was accepted that is image and index')
  must(new Set(folded).size === folded.length, 'a manifest was accepted with a member in two spellings')
  const written = list(plain['layers'] ?? plain['manifests'])
  must(written.length === descriptors.length, 'a manifest lost or won entries')
  for (const [at, descriptor] of descriptors.entries()) {
    // What stands in a list of referrers and is no descriptor is kept apart, with its reason.
    if (!isDescriptor(descriptor)) continue
    const { digest, size } = descriptor
    const entry = written[at]
    const isSame =
      typeof entry === 'object' &&
      entry !== null &&
      'digest' in entry &&
      entry.digest === digest &&
      'size' in entry &&
      entry.size === size
    must(isSame, 'a descriptor is not what stands in the manifest')
    must(
      /^(sha256:[0-9a-f]{64}|sha384:[0-9a-f]{96}|sha512:[0-9a-f]{128})$/.test(digest),
      'a digest was accepted that is none',
    )
  }
}

function isDescriptor(value: object): value is { readonly digest: string; readonly size: number } {
  return 'digest' in value && typeof value.digest === 'string' && 'size' in value && typeof value.size === 'number'
}
