import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { CodedError, codeOf } from '#core/errors.ts'
import {
  dockerListType,
  dockerManifestType,
  dockerSchema1Types,
  manifestTypes,
  maxDescriptors,
  maxManifestBytes,
  ociIndexType,
  ociManifestType,
  parseManifest,
  parseReferrersIndex,
  parseSignatureManifest,
} from '#core/image/manifest.ts'

const digest = `sha256:${'a'.repeat(64)}`
const other = `sha512:${'b'.repeat(128)}`
const config = { mediaType: 'application/vnd.oci.image.config.v1+json', digest, size: 10 }
const layer = { mediaType: 'application/vnd.oci.image.layer.v1.tar+gzip', digest: other, size: 20 }
const image = { schemaVersion: 2, mediaType: ociManifestType, config, layers: [layer] }
const child = {
  mediaType: ociManifestType,
  digest,
  size: 500,
  platform: { architecture: 'arm64', os: 'linux', variant: 'v8', 'os.version': '1', 'os.features': ['x'] },
}
const index = { schemaVersion: 2, mediaType: ociIndexType, manifests: [child] }

function bytesOf(value: unknown): Uint8Array {
  return new TextEncoder().encode(typeof value === 'string' ? value : JSON.stringify(value))
}

function without(object: object, ...names: readonly string[]): object {
  return Object.fromEntries(Object.entries(object).filter(([name]) => !names.includes(name)))
}

function refusal(value: unknown, declared?: string): CodedError {
  try {
    parseManifest(bytesOf(value), declared)
  } catch (error) {
    if (error instanceof CodedError) return error
    throw error
  }
  throw new Error('accepted')
}

test('what is read is asked for, and nothing else', () => {
  for (const mediaType of [ociManifestType, dockerManifestType]) {
    expect(parseManifest(bytesOf({ ...image, mediaType }), mediaType).kind).toBe('image')
    expect(manifestTypes).toContain(mediaType)
  }
  for (const mediaType of [ociIndexType, dockerListType]) {
    expect(parseManifest(bytesOf({ ...index, mediaType }), mediaType).kind).toBe('index')
    expect(manifestTypes).toContain(mediaType)
  }
  for (const mediaType of dockerSchema1Types) expect(manifestTypes).not.toContain(mediaType)
})

describe('image manifests', () => {
  test('reads an OCI image', () => {
    expect(parseManifest(bytesOf(image), ociManifestType)).toEqual({
      kind: 'image',
      mediaType: ociManifestType,
      config,
      layers: [layer],
      annotations: {},
    })
  })

  test('reads a Docker schema 2 image', () => {
    const docker = { ...image, mediaType: dockerManifestType }
    expect(parseManifest(bytesOf(docker), dockerManifestType)).toMatchObject({
      kind: 'image',
      mediaType: dockerManifestType,
    })
  })

  test('reads artifact type, subject and annotations', () => {
    const subject = { mediaType: ociManifestType, digest: other, size: 5 }
    const layers = [{ ...layer, annotations: { 'dev.cosignproject.cosign/signature': 'x' } }]
    expect(
      parseManifest(bytesOf({ ...image, layers, artifactType: 'a/b', subject, annotations: { k: 'v' } })),
    ).toMatchObject({
      artifactType: 'a/b',
      subject,
      annotations: { k: 'v' },
      layers,
    })
  })

  test('reads an image without layers', () => {
    expect(parseManifest(bytesOf({ ...image, layers: [] }))).toMatchObject({ layers: [] })
  })

  test('ignores unknown members, and null where a member may be absent', () => {
    const more = {
      ...image,
      annotations: null,
      subject: null,
      extra: { layers: [] },
      config: { ...config, urls: ['x'], data: '' },
    }
    expect(parseManifest(bytesOf(more))).toEqual({ ...without(image, 'schemaVersion'), kind: 'image', annotations: {} })
  })

  test('keeps an annotation called __proto__ as one', () => {
    const text = JSON.stringify(image).replace('{', '{"annotations":{"__proto__":"x"},')
    const { annotations } = parseManifest(bytesOf(text))
    expect(Object.keys(annotations)).toEqual(['__proto__'])
    expect(Object.getPrototypeOf(annotations)).toBe(Object.prototype)
  })
})

describe('indexes', () => {
  test('reads an OCI index with platforms', () => {
    expect(parseManifest(bytesOf(index), ociIndexType)).toEqual({
      kind: 'index',
      mediaType: ociIndexType,
      manifests: [{ ...child, platform: { architecture: 'arm64', os: 'linux', variant: 'v8', osVersion: '1' } }],
      annotations: {},
    })
  })

  test('reads a Docker list and an empty index', () => {
    expect(parseManifest(bytesOf({ ...index, mediaType: dockerListType }))).toMatchObject({
      kind: 'index',
      mediaType: dockerListType,
    })
    expect(parseManifest(bytesOf({ ...index, manifests: [] }))).toMatchObject({ manifests: [] })
  })
})

describe('the media type', () => {
  test('may be absent: what was declared decides, else the members do', () => {
    expect(parseManifest(bytesOf(without(image, 'mediaType')), ociManifestType).mediaType).toBe(ociManifestType)
    expect(parseManifest(bytesOf(without(index, 'mediaType')), ociIndexType).kind).toBe('index')
    expect(parseManifest(bytesOf(without(image, 'mediaType')))).toMatchObject({
      kind: 'image',
      mediaType: ociManifestType,
    })
    expect(parseManifest(bytesOf(without(index, 'mediaType')))).toMatchObject({
      kind: 'index',
      mediaType: ociIndexType,
    })
  })

  test('may be declared with parameters and in any case', () => {
    expect(parseManifest(bytesOf(image), ` ${ociManifestType.toUpperCase()} ; charset=utf-8`).kind).toBe('image')
    expect(parseManifest(bytesOf(image), '').kind).toBe('image')
  })

  test.each([
    ['the declared type is another', image, dockerManifestType],
    ['the declared type is another kind', image, ociIndexType],
    ['the declared type is a general one', image, 'application/json'],
    ['an index is sent as an image', without(index, 'mediaType'), ociManifestType],
    ['an image is sent as an index', without(image, 'mediaType'), ociIndexType],
    ['an image calls itself an index', { ...image, mediaType: ociIndexType }, undefined],
    ['an index calls itself an image', { ...index, mediaType: ociManifestType }, undefined],
    ['it has layers and manifests', { ...image, manifests: [child] }, undefined],
    ['it is an index with layers', { ...index, layers: [] }, undefined],
    ['it is an index with config', { ...index, config }, undefined],
    ['it has null manifests beside layers', { ...image, manifests: null }, undefined],
    ['it has fsLayers beside manifests', { ...index, fsLayers: [] }, undefined],
    ['it has Layers', { ...image, Layers: [] }, undefined],
    ['it has LAYERS beside manifests', { ...index, LAYERS: [layer] }, undefined],
    ['it has Manifests in an image', { ...image, Manifests: [child] }, undefined],
    ['it has layer\u017f, which Go folds', { ...index, 'layer\u017f': [layer] }, undefined],
    ['it has MediaType', { ...without(image, 'mediaType'), MediaType: ociIndexType }, undefined],
    ['it has SchemaVersion', { ...image, SchemaVersion: 1 }, undefined],
    ['a descriptor has Digest', { ...image, config: { ...config, Digest: other } }, undefined],
    ['a descriptor has SIZE', { ...image, layers: [{ ...layer, SIZE: 1 }] }, undefined],
    [
      'a platform has OS',
      { ...index, manifests: [{ ...child, platform: { ...child.platform, OS: 'windows' } }] },
      undefined,
    ],
  ])('is ambiguous when %s', (_, value, declared) => {
    expect(refusal(value, declared).code).toBe('manifest-ambiguous')
  })

  test.each([
    ['schemaVersion 1', { schemaVersion: 1, name: 'x', tag: 'y', fsLayers: [], history: [] }, undefined],
    ['schema 1 by its media type', { ...image, mediaType: dockerSchema1Types[1] }, undefined],
    ['schema 1 as it was sent', image, dockerSchema1Types[0]],
    ['an artifact manifest', { mediaType: 'application/vnd.oci.artifact.manifest.v1+json', blobs: [] }, undefined],
    ['an unknown media type', { ...image, mediaType: 'application/vnd.example+json' }, undefined],
    ['an unknown declared media type', without(image, 'mediaType'), 'application/json'],
    ['a media type called like a method', { ...image, mediaType: 'constructor' }, undefined],
  ])('is not supported: %s', (_, value, declared) => {
    expect(refusal(value, declared).code).toBe('manifest-unsupported')
  })
})

describe('malformed manifests', () => {
  test.each([
    ['nothing', ''],
    ['no JSON', '{'],
    ['a list', '[]'],
    ['null', 'null'],
    ['a string', '"x"'],
    ['an empty object', '{}'],
    ['a byte order mark', `\ufeff${JSON.stringify(image)}`],
    ['text behind it', `${JSON.stringify(image)} x`],
    ['a second document', JSON.stringify(image).repeat(2)],
    ['layers twice', JSON.stringify(image).replace('{', '{"layers":[],')],
    ['a digest twice', JSON.stringify(image).replace('"digest"', '"digest":"x","digest"')],
    ['nesting without end', `{"x":${'['.repeat(100)}${']'.repeat(100)}}`],
    ['no schemaVersion', without(image, 'schemaVersion')],
    ['schemaVersion 3', { ...image, schemaVersion: 3 }],
    ['schemaVersion as text', { ...image, schemaVersion: '2' }],
    ['mediaType of another type', { ...image, mediaType: 2 }],
    ['no config', without(image, 'config')],
    ['no layers', without(image, 'layers')],
    ['null layers', { ...image, layers: null }],
    ['layers as an object', { ...image, layers: { 0: layer } }],
    ['null manifests', { ...index, manifests: null }],
    ['a null layer', { ...image, layers: [null] }],
    ['config as text', { ...image, config: 'x' }],
    ['a digest of md5', { ...image, config: { ...config, digest: `md5:${'a'.repeat(32)}` } }],
    ['a digest in upper case', { ...image, config: { ...config, digest: `sha256:${'A'.repeat(64)}` } }],
    ['a digest as a number', { ...image, config: { ...config, digest: 1 } }],
    ['no digest', { ...image, config: without(config, 'digest') }],
    ['no size', { ...image, config: without(config, 'size') }],
    ['a negative size', { ...image, config: { ...config, size: -1 } }],
    ['a broken size', { ...image, config: { ...config, size: 1.5 } }],
    ['a size as text', { ...image, config: { ...config, size: '1' } }],
    ['a size beyond exact numbers', { ...image, config: { ...config, size: 2 ** 53 } }],
    ['an infinite size', JSON.stringify(image).replace('"size":10', '"size":1e999')],
    ['no media type of a layer', { ...image, layers: [without(layer, 'mediaType')] }],
    ['annotations as a list', { ...image, annotations: [] }],
    ['an annotation as a number', { ...image, annotations: { k: 1 } }],
    ['a layer annotation as null', { ...image, layers: [{ ...layer, annotations: { k: null } }] }],
    ['artifactType as a number', { ...image, artifactType: 1 }],
    ['a subject as text', { ...image, subject: digest }],
    ['a subject without digest', { ...image, subject: { mediaType: 'x', size: 1 } }],
    ['a platform without os', { ...index, manifests: [{ ...child, platform: { architecture: 'amd64' } }] }],
  ])('refuses %s', (_, value) => {
    expect(refusal(value).code).toBe('manifest-malformed')
  })

  test('says where', () => {
    expect(refusal({ ...image, layers: [layer, { ...layer, size: '1' }] })).toMatchObject({
      where: 'layers[1].size',
      message: 'manifest: layers[1].size: expected a whole number, found the string "1"',
    })
  })

  test('says where of a manifest of signatures too', () => {
    const broken = { ...image, config: { ...layer, size: '1' } }
    const bytes = new TextEncoder().encode(JSON.stringify(broken))
    expect(() => parseSignatureManifest(bytes)).toThrow('manifest: config.size: expected a whole number')
  })

  test('refuses bytes that are not UTF-8', () => {
    expect(() => parseManifest(new Uint8Array([0x7b, 0xff, 0x7d]))).toThrow(/UTF-8/)
  })

  test('never repeats control characters in a message', () => {
    expect(refusal({ ...image, mediaType: '\u001b[31m\n' }).message).not.toMatch(/\p{Cc}/u)
  })
})

describe('caps', () => {
  test('reads a manifest of 4 MiB and refuses one byte more', () => {
    const text = JSON.stringify({ ...image, pad: '' })
    const padded = (size: number) => bytesOf(text.replace('"pad":""', `"pad":"${'x'.repeat(size - text.length)}"`))
    expect(parseManifest(padded(maxManifestBytes)).kind).toBe('image')
    expect(codeOf(refusalOf(() => parseManifest(padded(maxManifestBytes + 1))))).toBe('content-too-large')
  })

  test('reads as many descriptors as the cap and refuses one more', () => {
    const layers = Array.from({ length: maxDescriptors }, () => layer)
    expect(parseManifest(bytesOf({ ...image, layers }))).toMatchObject({ kind: 'image' })
    expect(refusal({ ...image, layers: [...layers, layer] }).code).toBe('content-too-large')
  })
})

function refusalOf(read: () => unknown): unknown {
  try {
    return read()
  } catch (error) {
    return error
  }
}

describe('lists of referrers', () => {
  test('reads entries, with or without artifact type and annotations', () => {
    const bare = { mediaType: ociManifestType, digest, size: 1 }
    const full = { ...bare, artifactType: 'a/b', annotations: { k: 'v' }, platform: child.platform }
    expect(parseReferrersIndex(bytesOf({ ...index, manifests: [bare, full] }))).toEqual([
      bare,
      without(full, 'platform'),
    ])
  })

  test('reads an empty list, also as null', () => {
    expect(parseReferrersIndex(bytesOf({ ...index, manifests: [] }))).toEqual([])
    expect(parseReferrersIndex(bytesOf({ ...index, manifests: null }))).toEqual([])
  })

  test.each([
    ['no object', null],
    ['a bad digest', { ...child, digest: 'x' }],
    ['annotations of a wrong type', { ...child, annotations: { k: 7 } }],
    ['a member in another case', { ...child, Digest: digest }],
  ])('tells %s apart from what is well-formed', (_, bad) => {
    const [one, other, ...rest] = parseReferrersIndex(bytesOf({ ...index, manifests: [bad, child] }))
    expect(one).toEqual({ malformed: expect.stringContaining('manifests[0]') })
    expect(other).toEqual(without(child, 'platform'))
    expect(rest).toEqual([])
  })

  test.each([
    ['an image', image, 'manifest-unsupported'],
    ['a Docker list', { ...index, mediaType: dockerListType }, 'manifest-unsupported'],
    ['both', { ...image, manifests: [] }, 'manifest-ambiguous'],
    ['no list', without(index, 'manifests'), 'manifest-malformed'],
    ['one that is no object', [], 'manifest-malformed'],
  ])('refuses %s', (_, value, code) => {
    expect(codeOf(refusalOf(() => parseReferrersIndex(bytesOf(value))))).toBe(code)
  })
})

describe('for any bytes', () => {
  const codes = /^(manifest-(malformed|ambiguous|unsupported)|content-too-large)$/
  const value = fc.oneof(
    fc.constantFrom<unknown>(
      null,
      1,
      -1,
      2,
      '',
      digest,
      ociIndexType,
      ociManifestType,
      [],
      {},
      [layer],
      [child],
      config,
    ),
    fc.jsonValue(),
  )
  const object = fc.dictionary(
    fc.constantFrom(
      'schemaVersion',
      'mediaType',
      'config',
      'layers',
      'manifests',
      'subject',
      'annotations',
      'Layers',
      'x',
    ),
    value,
  )

  test('the answer is a manifest or a coded refusal', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          object.map((mixed) => bytesOf({ ...image, ...mixed })),
          object.map(bytesOf),
          fc.uint8Array(),
        ),
        (bytes) => {
          try {
            expect(['image', 'index']).toContain(parseManifest(bytes).kind)
          } catch (error) {
            expect(codeOf(error)).toMatch(codes)
          }
        },
      ),
      { numRuns: 3000 },
    )
  })
})
