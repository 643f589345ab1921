// Kinds that Kubernetes does not have: how they are named, and what of them is judged.

import { describe, expect, test } from 'vitest'
import { usesOfRequest } from '#core/admission/changed.ts'
import { furtherKinds, parseFurtherPlace } from '#core/admission/further-kinds.ts'
import { pullSecretNames } from '#core/admission/pull-secrets.ts'
import type { AdmissionRequest } from '#core/admission/review.ts'
import { imageUses, maxUses, mostImages } from '#core/admission/workload.ts'
import { CodedError } from '#core/errors.ts'

const widget = { group: 'example.com', version: 'v1', resource: 'widgets' }
const kind = { group: 'example.com', kind: 'Widget' }
const pathOf = (path: string) => parseFurtherPlace(`example.com/v1/widgets=${path}`).path
const images = (object: unknown, ...paths: readonly string[]) =>
  imageUses(object, kind, paths.map(pathOf))?.map(({ pointer, field, image }) => ({ pointer, field, image }))
const refusal = (run: () => unknown) => {
  try {
    run()
  } catch (error) {
    if (error instanceof CodedError) return `${error.code}: ${error.message}`
    throw error
  }
  return 'nothing thrown'
}

describe('a further place', () => {
  test('is named by group, version and resource, and a path', () => {
    expect(parseFurtherPlace('argoproj.io/v1alpha1/rollouts=spec.template.spec')).toEqual({
      resource: { group: 'argoproj.io', version: 'v1alpha1', resource: 'rollouts' },
      path: ['spec', 'template', 'spec'].map((name) => ({ kind: 'member', name })),
    })
    expect(pathOf('spec.images[*]').at(-1)).toEqual({ kind: 'each' })
    expect(pathOf('a[*][*].b_C-d').length).toBe(4)
  })

  test.each([
    '',
    'example.com/v1/widgets',
    'example.com/v1/widgets=',
    'example.com/v1/widgets=.spec',
    'example.com/v1/widgets=spec.',
    'example.com/v1/widgets=spec..image',
    'example.com/v1/widgets=spec image',
    'example.com/v1/widgets=[*]',
    'example.com/v1/widgets=spec.images[0]',
    'example.com/v1/widgets=spec.images[*]image',
    'example.com/v1/widgets=spec/image',
    'example.com/v1/widgets=$.spec',
    'example.com/v1/widgets/status=spec',
    'example.com/v1/Widgets=spec',
    'example.com/*/widgets=spec',
    '*/v1/widgets=spec',
    'v1/configmaps=data',
    '/v1/configmaps=data',
    `example.com/v1/widgets=${'a.'.repeat(40)}a`,
    `example.com/v1/widgets=${'a'.repeat(200)}`,
  ])('is not %j', (text) => {
    expect(refusal(() => parseFurtherPlace(text))).toMatch(/^usage: --also-judge /)
  })

  test.each(['apps/v1/deployments', 'batch/v1/cronjobs', 'extensions/v1beta1/daemonsets'])(
    'is not one of %s, which is judged by itself',
    (text) => {
      expect(refusal(() => parseFurtherPlace(`${text}=spec`))).toContain('judged by itself')
      expect(parseFurtherPlace(`x${text}=spec`).path).toHaveLength(1)
    },
  )

  test('is one of sixty-four at most', () => {
    const places = Array.from({ length: 64 }, (_, at) => parseFurtherPlace(`example.com/v1/w${at}=spec`))
    expect(furtherKinds(places).resources).toHaveLength(64)
    expect(refusal(() => furtherKinds([...places, ...places.slice(0, 1)]))).toContain('no more than 64')
  })

  test('is of its version alone', () => {
    const kinds = furtherKinds(
      [pathOf('spec.image'), pathOf('spec.images[*]')].map((path) => ({ resource: widget, path })),
    )
    expect(kinds.resources).toEqual([widget])
    expect(kinds.of(widget)).toHaveLength(2)
    for (const other of [{ version: 'v2' }, { group: 'example.org' }, { resource: 'gadgets' }])
      expect(kinds.of({ ...widget, ...other })).toEqual([])
  })
})

describe('what stands at a further place', () => {
  test('is an image where it is a text', () => {
    expect(images({ spec: { image: 'a:1' } }, 'spec.image')).toEqual([
      { pointer: '/spec/image', field: 'spec.image', image: 'a:1' },
    ])
    expect(images({ spec: { images: ['a:1', 'b:2'] } }, 'spec.images[*]')?.at(1)).toEqual({
      pointer: '/spec/images/1',
      field: 'spec.images[1]',
      image: 'b:2',
    })
  })

  test('is every member of an object, with its name escaped', () => {
    expect(images({ spec: { roles: { 'a/b~c': { image: 'a:1' } } } }, 'spec.roles[*].image')).toEqual([
      { pointer: '/spec/roles/a~1b~0c/image', field: 'spec.roles["a/b~c"].image', image: 'a:1' },
    ])
  })

  test('is a pod spec where it is an object', () => {
    const spec = { containers: [{ name: 'c', image: 'a:1' }], volumes: [{ name: 'v', image: { reference: 'b:2' } }] }
    const object = { spec: { jobs: [{ template: spec }, { template: { initContainers: spec.containers } }] } }
    expect(images(object, 'spec.jobs[*].template')?.map(({ pointer }) => pointer)).toEqual([
      '/spec/jobs/0/template/containers/0/image',
      '/spec/jobs/0/template/volumes/0/image/reference',
      '/spec/jobs/1/template/initContainers/0/image',
    ])
  })

  test('is judged once, though it is a usual place too', () => {
    const object = { spec: { template: { spec: { containers: [{ name: 'c', image: 'a:1' }] } } } }
    expect(images(object, 'spec.template.spec', 'spec.template.spec.containers[*].image')).toHaveLength(1)
    expect(images(object)).toHaveLength(1)
  })

  test('only adds to what is judged anyway', () => {
    const object = { spec: { image: 'a:1', containers: [{ name: 'c', image: 'b:2' }] } }
    expect(images(object, 'spec.image')?.map(({ image }) => image)).toEqual(['b:2', 'a:1'])
  })

  test('may be absent', () => {
    for (const object of [{}, { spec: null }, { spec: {} }, { spec: { image: null } }, { spec: { image: '' } }])
      expect(images(object, 'spec.image')).toEqual([])
    expect(images({ spec: {} })).toBeUndefined()
  })

  test.each<[unknown, string, string]>([
    [{ spec: 'x' }, 'spec.image', 'spec is not an object'],
    [{ spec: [] }, 'spec.image', 'spec is not an object'],
    [{ spec: { images: 'x' } }, 'spec.images[*]', 'spec.images is neither a list nor an object'],
    [{ spec: { image: 1 } }, 'spec.image', 'spec.image is neither an image nor a pod spec'],
    [{ spec: { image: ['a'] } }, 'spec.image', 'spec.image is neither an image nor a pod spec'],
    [{ spec: { image: { repository: 'a', tag: '1' } } }, 'spec.image', 'spec.image is neither an image nor a pod spec'],
    [{ spec: { images: [1] } }, 'spec.images[*]', 'spec.images[0] is neither an image nor a pod spec'],
    [{ spec: { pod: { containers: 'x' } } }, 'spec.pod', 'spec.pod.containers is not a list'],
    ['x', 'spec', 'the object is not an object'],
  ])('is refused where it is something else: %j', (object, path, message) => {
    expect(refusal(() => images(object, path))).toBe(`workload-malformed: ${message}`)
  })

  test('is no more than one object may have', () => {
    const some = (count: number) => ({ spec: { images: Array.from({ length: count }, () => 'a') } })
    expect(images(some(maxUses), 'spec.images[*]')).toHaveLength(maxUses)
    expect(refusal(() => images(some(maxUses + 1), 'spec.images[*]'))).toContain('workload-malformed')
  })

  test('has its weight', () => {
    const object = { spec: { images: ['a', 'b'], pods: [{ containers: [{}, {}, {}] }] } }
    expect(mostImages(object, kind)).toBe(0)
    expect(mostImages(object, kind, [pathOf('spec.images[*]')])).toBe(2)
    expect(mostImages(object, kind, [pathOf('spec.pods[*]')])).toBeGreaterThanOrEqual(3)
    expect(mostImages('x', kind, [pathOf('spec')])).toBe(0)
  })

  test('names its pull secrets, if it is a pod spec', () => {
    const pod = { imagePullSecrets: [{ name: 'mine' }], containers: [] }
    expect(
      pullSecretNames({ spec: { pod, image: 'a' } }, kind, ['spec.pod', 'spec.image'].map(pathOf)).secrets,
    ).toEqual(['mine'])
    expect(pullSecretNames({ spec: { pod } }, kind).secrets).toEqual([])
  })
})

describe('an update of a further kind', () => {
  const kinds = furtherKinds(
    ['spec.image', 'spec.images[*]', 'spec.jobs[*].template'].map((path) => ({ resource: widget, path: pathOf(path) })),
  )
  const request = (object: unknown, oldObject: unknown): AdmissionRequest => ({
    apiVersion: 'admission.k8s.io/v1',
    uid: 'u',
    kind: { ...kind, version: 'v1' },
    resource: widget,
    operation: 'UPDATE',
    userInfo: { username: '', groups: [] },
    dryRun: false,
    object,
    oldObject,
  })
  const changed = (object: unknown, oldObject: unknown) => {
    const uses = usesOfRequest(request(object, oldObject), kinds)
    return uses.kind === 'uses' ? uses.changed.map(({ field }) => field) : uses.because
  }

  test('judges what is new at its place', () => {
    const old = { spec: { image: 'a', images: ['a', 'b'] } }
    expect(changed({ ...old, metadata: {} }, old)).toEqual([])
    expect(changed({ spec: { image: 'b', images: ['a', 'b'] } }, old)).toEqual(['spec.image'])
    expect(changed({ spec: { image: 'a', images: ['b', 'a'] } }, old)).toEqual(['spec.images[0]', 'spec.images[1]'])
    expect(changed({ spec: { images: ['a', 'b', 'a'] } }, old)).toEqual(['spec.images[2]'])
  })

  test('tells two pod specs of one object apart', () => {
    const job = (image: string) => ({ template: { containers: [{ name: 'main', image }] } })
    const old = { spec: { jobs: [job('a'), job('b')] } }
    expect(changed({ spec: { jobs: [job('a'), job('b')] } }, old)).toEqual([])
    expect(changed({ spec: { jobs: [job('b'), job('a')] } }, old)).toHaveLength(2)
  })

  test('lets one that was malformed before lose its finalizers, and nothing else', () => {
    const old = { metadata: { finalizers: ['x'] }, spec: { image: 1 } }
    expect(changed({ metadata: {}, spec: { image: 1 } }, old)).toEqual([])
    expect(refusal(() => changed({ metadata: {}, spec: { image: 1, other: 1 } }, old))).toContain('workload-malformed')
  })

  test('is not looked at without the configuration', () => {
    expect(usesOfRequest(request({ spec: { image: 'a' } }, {}))).toEqual({ kind: 'none', because: 'unknown-kind' })
  })
})
