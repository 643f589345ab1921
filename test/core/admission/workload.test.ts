import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { objectLabels, objectMeta } from '#core/admission/object.ts'
import { imageUses, maxUses } from '#core/admission/workload.ts'
import { isWorkloadKind } from '#core/admission/workload-kinds.ts'
import { CodedError } from '#core/errors.ts'

interface Schema {
  readonly $ref?: string
  readonly type?: string
  readonly items?: Schema
  readonly additionalProperties?: Schema
  readonly properties?: Readonly<Record<string, Schema>>
}

interface Extract {
  readonly kinds: readonly { group: string; version: string; kind: string; podSpec: string }[]
  readonly root: string
  readonly definitions: Readonly<Record<string, Schema>>
}

const extract: Extract = JSON.parse(
  readFileSync(new URL('../../vectors/kubernetes/pod-spec.openapi.json', import.meta.url), 'utf8'),
)

const pod = { group: '', kind: 'Pod' }
const deployment = { group: 'apps', kind: 'Deployment' }
const custom = { group: 'example.com', kind: 'Thing' }

function codeAndPlace(run: () => unknown): string {
  try {
    run()
  } catch (error) {
    if (error instanceof CodedError) return `${error.code} ${error.where}`
    throw error
  }
  return 'nothing thrown'
}

/** Every path in the schema to a string that is called like an image; lists are walked through their one item. */
function imagePaths(name: string, path: readonly string[], seen: readonly string[]): string[] {
  if (seen.includes(name)) return []
  return Object.entries(extract.definitions[name]?.properties ?? {}).flatMap(([property, schema]) => {
    const item = schema.items ?? schema.additionalProperties ?? schema
    const here = [...path, schema.items === undefined ? property : `${property}[]`]
    if (item.$ref !== undefined) return imagePaths(item.$ref, here, [...seen, name])
    return item.type === 'string' && /^(image|reference)$/i.test(property) ? [here.join('.')] : []
  })
}

/** A pod spec that has this string at this path and nothing else. */
function podSpecWith(path: string, image: string): unknown {
  return path
    .split('.')
    .reverse()
    .reduce<unknown>(
      (inner, part) => (part.endsWith('[]') ? { [part.slice(0, -2)]: [inner] } : { [part]: inner }),
      image,
    )
}

function wrap(path: string, value: unknown): unknown {
  return path
    .split('.')
    .reverse()
    .reduce((inner, part) => ({ [part]: inner }), value)
}

describe('the table against the schema of Kubernetes', () => {
  // Names of block devices in a Ceph cluster, not of container images.
  const foreign = ['volumes[].rbd.image']
  const paths = imagePaths(extract.root, [], [])

  test('the extract knows the four places, so that it can show a fifth', () => {
    expect(paths.toSorted()).toEqual([
      'containers[].image',
      'ephemeralContainers[].image',
      'initContainers[].image',
      'volumes[].image.reference',
      'volumes[].rbd.image',
    ])
  })

  test.each(paths.filter((path) => !foreign.includes(path)))('finds the image at %s', (path) => {
    const uses = imageUses({ spec: podSpecWith(path, 'example.com/a:1') }, pod)
    expect(uses?.map((use) => [use.field, use.image])).toEqual([
      [`spec.${path.replaceAll('[]', '[0]')}`, 'example.com/a:1'],
    ])
  })

  test.each(foreign)('takes no image from %s', (path) => {
    expect(imageUses({ spec: podSpecWith(path, 'disk') }, pod)).toEqual([])
  })

  test.each(extract.kinds)('knows $group/$kind with its pod spec at $podSpec', ({ group, kind, podSpec }) => {
    expect(isWorkloadKind({ group, kind })).toBe(true)
    const object = wrap(podSpec, { containers: [{ name: 'a', image: 'example.com/a:1' }] })
    expect(imageUses(object, { group, kind })).toEqual([
      {
        pointer: `/${podSpec.replaceAll('.', '/')}/containers/0/image`,
        field: `${podSpec}.containers[0].image`,
        list: 'containers',
        name: 'a',
        image: 'example.com/a:1',
      },
    ])
  })
})

describe('imageUses', () => {
  test('names list, container and pointer of every image of a Pod', () => {
    const spec = {
      containers: [
        { name: 'web', image: 'web:1' },
        { name: 'proxy', image: 'proxy:1' },
      ],
      initContainers: [{ name: 'setup', image: 'setup:1', restartPolicy: 'Always' }],
      ephemeralContainers: [{ name: 'debug', image: 'debug:1' }],
      volumes: [
        { name: 'tmp', emptyDir: {} },
        { name: 'model', image: { reference: 'model:1', pullPolicy: 'Always' } },
      ],
    }
    expect(imageUses({ spec }, pod)?.map((use) => `${use.list} ${use.name} ${use.pointer} ${use.image}`)).toEqual([
      'initContainers setup /spec/initContainers/0/image setup:1',
      'containers web /spec/containers/0/image web:1',
      'containers proxy /spec/containers/1/image proxy:1',
      'ephemeralContainers debug /spec/ephemeralContainers/0/image debug:1',
      'volumes model /spec/volumes/1/image/reference model:1',
    ])
  })

  test('AD-02: finds the list that the subresource of Pods took before Kubernetes 1.22', () => {
    const object = { metadata: { name: 'web' }, ephemeralContainers: [{ name: 'debug', image: 'debug:1' }] }
    expect(imageUses(object, { group: '', kind: 'EphemeralContainers' })).toEqual([
      {
        pointer: '/ephemeralContainers/0/image',
        field: 'ephemeralContainers[0].image',
        list: 'ephemeralContainers',
        name: 'debug',
        image: 'debug:1',
      },
    ])
    expect(imageUses({ ...object, ephemeralContainers: [] }, { group: '', kind: 'EphemeralContainers' })).toEqual([])
  })

  test('keeps the image as it was written', () => {
    expect(imageUses({ spec: { containers: [{ name: 'a', image: ' ' }] } }, pod)?.[0]?.image).toBe(' ')
  })

  test('reads lists that are absent or null as empty', () => {
    expect(imageUses({ spec: { containers: null, volumes: null } }, pod)).toEqual([])
  })

  test.each([
    [{}, 'spec'],
    [{ spec: null }, 'spec'],
    [{ spec: [] }, 'spec'],
    [{ spec: { containers: {} } }, 'spec.containers'],
    [{ spec: { containers: 'a' } }, 'spec.containers'],
    [{ spec: { containers: [{ name: 'a', image: 'a:1' }, null] } }, 'spec.containers[1]'],
    [{ spec: { containers: ['a:1'] } }, 'spec.containers[0]'],
    [{ spec: { containers: [{ name: 'a', image: 7 }] } }, 'spec.containers[0].image'],
    [{ spec: { containers: [{ name: 'a', image: ['a:1'] }] } }, 'spec.containers[0].image'],
    [{ spec: { containers: [{ name: 'a' }] } }, 'spec.containers[0].image'],
    [{ spec: { containers: [{ name: 'a', image: '' }] } }, 'spec.containers[0].image'],
    [{ spec: { containers: [{ name: 1, image: 'a:1' }] } }, 'spec.containers[0].name'],
    [{ spec: { initContainers: { image: 'a:1' } } }, 'spec.initContainers'],
    [{ spec: { volumes: {} } }, 'spec.volumes'],
    [{ spec: { volumes: [{ name: 'v', image: 'a:1' }] } }, 'spec.volumes[0].image'],
    [{ spec: { volumes: [{ name: 'v', image: { reference: 1 } }] } }, 'spec.volumes[0].image.reference'],
    [{ spec: { volumes: [{ name: 'v', image: {} }] } }, 'spec.volumes[0].image.reference'],
  ])('refuses %j in a Pod and names the field', (object, where) => {
    expect(codeAndPlace(() => imageUses(object, pod))).toBe(`workload-malformed ${where}`)
  })

  test('says whether a pod spec is missing or another thing', () => {
    const message = (object: unknown): string => {
      try {
        imageUses(object, pod)
      } catch (error) {
        return error instanceof CodedError ? error.message : String(error)
      }
      return 'nothing thrown'
    }
    expect(message({})).toMatch(/spec is missing$/)
    expect(message({ spec: [] })).toMatch(/spec is not an object$/)
  })

  test.each([
    ['extensions', 'Deployment'],
    ['extensions', 'ReplicaSet'],
    ['extensions', 'DaemonSet'],
    ['apps', 'Deployment'],
  ])('demands of %s/%s what it demands of a kind that it knows', (group, kind) => {
    const object = { spec: { template: { spec: { containers: [{ name: 'a' }] } } } }
    expect(codeAndPlace(() => imageUses(object, { group, kind }))).toBe(
      'workload-malformed spec.template.spec.containers[0].image',
    )
    expect(codeAndPlace(() => imageUses(object, { group: 'example.com', kind }))).toBe('nothing thrown')
  })

  test('refuses a Deployment whose container has no image, but lets its image volume be open as Kubernetes does', () => {
    const withVolume = (containers: unknown) => ({
      spec: { template: { spec: { containers, volumes: [{ name: 'v', image: {} }] } } },
    })
    expect(imageUses(withVolume([{ name: 'a', image: 'a:1' }]), deployment)).toHaveLength(1)
    expect(codeAndPlace(() => imageUses(withVolume([{ name: 'a' }]), deployment))).toBe(
      'workload-malformed spec.template.spec.containers[0].image',
    )
  })

  test('does not take the members of a prototype for members of the object', () => {
    const object = Object.create({ spec: { containers: [{ name: 'a', image: 'a:1' }] } })
    expect(codeAndPlace(() => imageUses(object, pod))).toBe('workload-malformed spec')
  })

  test('takes as many images as the bound, and refuses one more', () => {
    const many = (count: number) => ({
      spec: { containers: Array.from({ length: count }, (_, index) => ({ name: `c${index}`, image: 'a:1' })) },
    })
    expect(imageUses(many(maxUses), pod)).toHaveLength(maxUses)
    expect(codeAndPlace(() => imageUses(many(maxUses + 1), pod))).toBe(
      `workload-malformed spec.containers[${maxUses}].image`,
    )
  })
})

describe('a kind that is not in the table', () => {
  const containers = [{ name: 'a', image: 'a:1' }]

  test.each(['spec', 'spec.template.spec', 'spec.jobTemplate.spec.template.spec'])(
    'is judged by a pod spec at %s',
    (path) => {
      expect(imageUses(wrap(path, { containers }), custom)?.map((use) => use.field)).toEqual([
        `${path}.containers[0].image`,
      ])
    },
  )

  test('is judged by any of the three lists, and by all places at once', () => {
    const object = { spec: { initContainers: containers, template: { spec: { ephemeralContainers: containers } } } }
    expect(imageUses(object, custom)?.map((use) => use.field)).toEqual([
      'spec.initContainers[0].image',
      'spec.template.spec.ephemeralContainers[0].image',
    ])
  })

  test('of another group than the table says is judged by what it looks like', () => {
    const foreignPod = { group: 'example.com', kind: 'Pod' }
    expect(isWorkloadKind(foreignPod)).toBe(false)
    expect(imageUses({ spec: { template: { spec: { containers } } } }, foreignPod)).toHaveLength(1)
  })

  test.each([
    {},
    { spec: null },
    { spec: 'text' },
    { spec: { replicas: 3 } },
    { spec: { containers: 3 } },
    { spec: { containers: ['web', 'proxy'] } },
    { data: { containers } },
    { template: { spec: { containers } } },
  ])('has no images in %j', (object) => {
    expect(imageUses(object, custom)).toBeUndefined()
  })

  test('may leave an image to its controller', () => {
    const spec = {
      containers: [
        { name: 'prometheus', resources: {} },
        { name: 'thanos', image: 'thanos:1' },
      ],
    }
    expect(imageUses({ spec }, custom)?.map((use) => use.field)).toEqual(['spec.containers[1].image'])
  })

  test('is refused if its images cannot be read', () => {
    const spec = { containers: [{ name: 'a', image: { repository: 'a', tag: '1' } }] }
    expect(codeAndPlace(() => imageUses({ spec }, custom))).toBe('workload-malformed spec.containers[0].image')
  })
})

describe('objectMeta', () => {
  test('reads names and labels', () => {
    const metadata = { generateName: 'web-', namespace: 'prod', labels: { app: 'web' } }
    expect(objectMeta({ metadata })).toEqual({ generateName: 'web-', namespace: 'prod', labels: { app: 'web' } })
  })

  test('reads an object without metadata as one without labels', () => {
    expect([{}, { metadata: null }, null].map(objectMeta)).toEqual([{ labels: {} }, { labels: {} }, { labels: {} }])
    expect(objectLabels({ metadata: { labels: null } })).toEqual({})
  })

  test.each([
    [{ metadata: 'x' }, 'metadata'],
    [{ metadata: { labels: [] } }, 'metadata.labels'],
    [{ metadata: { labels: { a: 1 } } }, 'metadata.labels["a"]'],
    [{ metadata: { name: 1 } }, 'metadata.name'],
  ])('refuses %j', (object, where) => {
    expect(codeAndPlace(() => objectMeta(object))).toBe(`workload-malformed ${where}`)
  })
})
