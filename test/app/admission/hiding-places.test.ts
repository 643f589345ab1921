// An unsigned image is found wherever an object can hold one.

import { describe, expect, test } from 'vitest'
import { admission, bad, good, type PodSpec, patched, pod, workload, workloads } from '../../support/admission.ts'

const places: readonly (readonly [string, (image: string) => PodSpec, string])[] = [
  ['init container', (image) => ({ initContainers: [{ name: 'i', image }] }), 'spec.initContainers[0].image'],
  [
    'sidecar',
    (image) => ({ initContainers: [{ name: 's', image, restartPolicy: 'Always' }] }),
    'spec.initContainers[0].image',
  ],
  [
    'ephemeral container',
    (image) => ({ ephemeralContainers: [{ name: 'e', image, targetContainerName: 'main' }] }),
    'spec.ephemeralContainers[0].image',
  ],
  [
    'last of many containers',
    (image) => ({
      containers: [...Array.from({ length: 20 }, (_, n) => ({ name: `c${n}`, image: good })), { name: 'z', image }],
    }),
    'spec.containers[20].image',
  ],
]

describe('AD-01: the unsigned image is that of another container than the first', () => {
  test.each(places)('%s: denied, and the field is named', async (_, spec, field) => {
    for (const path of ['mutated', 'validated'] as const) {
      const said = await admission()[path](pod(spec(bad)))
      expect(said).toMatch(/^denied /)
      expect(said).toContain(`(${field}) is refused by policy "production": nobody has signed it`)
    }
  })

  test.each(places)('neighbour: %s with the signed image is pinned', async (_, spec, field) => {
    const { mutate } = admission()
    const answer = await mutate(pod(spec(good)))
    expect(answer.outcome).toBe('patched')
    const path = `/${field.replaceAll(/[.[]/g, '/').replaceAll(']', '')}`
    expect(answer).toMatchObject({ patch: expect.arrayContaining([expect.objectContaining({ path })]) })
  })
})

describe('AD-02: an ephemeral container is added to a running Pod', () => {
  const adding = (image: string) => {
    const before = pod({})
    const after = pod({ ephemeralContainers: [{ name: 'debug', image }] })
    const parts = { operation: 'UPDATE', subResource: 'ephemeralcontainers', object: after.object } as const
    return { ...before, ...parts, oldObject: before.object }
  }

  test('by its subresource with an unsigned image: denied', async () => {
    const said = await admission().mutated(adding(bad))
    expect(said).toMatch(/^denied signature-missing: /)
    expect(said).toContain('spec.ephemeralContainers[0].image')
    expect(await admission().validated(adding(bad))).toMatch(/^denied signature-missing: /)
  })

  test('neighbour: with a signed one it is pinned, and passes validation then', async () => {
    const { mutate, validated } = admission()
    const request = adding(good)
    const answer = await mutate(request)
    expect(answer).toMatchObject({ patch: [{ path: '/spec/ephemeralContainers/0/image' }] })
    expect(await validated(patched(request, answer))).toBe('allowed')
  })
})

describe('AD-03: the unsigned image is mounted as a volume', () => {
  const mounting = (reference: string) => ({
    containers: [{ name: 'main', image: good }],
    volumes: [{ name: 'v', image: { reference, pullPolicy: 'Always' } }],
  })

  test.each(workloads)('in a $kind: denied, and the field is named', async (kind) => {
    const said = await admission().mutated(workload(kind, mounting(bad)))
    expect(said).toMatch(/^denied signature-missing: /)
    expect(said).toContain('volumes[0].image.reference')
  })

  test.each(workloads)('neighbour: in a $kind a signed one is pinned to its digest', async (kind) => {
    const { mutate, validated, pinned } = admission()
    const request = workload(kind, mounting(good))
    const answer = await mutate(request)
    const path = expect.stringMatching(/volumes\/0\/image\/reference$/)
    expect(answer).toMatchObject({ patch: expect.arrayContaining([{ op: 'replace', path, value: pinned }]) })
    expect(await validated(patched(request, answer))).toBe('allowed')
  })
})

describe('AD-04: the images come in another kind of object', () => {
  const spec = (image: string): PodSpec => ({ containers: [{ name: 'main', image }] })
  const operations = ['CREATE', 'UPDATE'] as const
  const versions = ['v1', 'v1beta1', 'v99']
  const matrix = workloads.flatMap((kind) =>
    operations.flatMap((operation) => versions.map((version) => ({ ...kind, operation, version }))),
  )
  const asked = (row: (typeof matrix)[number], image: string) => {
    const { group, kind, version, operation } = row
    const parts = { operation, kind: { group, version, kind } }
    return workload(row, spec(image), parts)
  }

  test.each(matrix)('$operation of $kind $group/$version with an unsigned image: denied', async (row) => {
    expect(await admission().mutated(asked(row, bad))).toMatch(/^denied signature-missing: /)
    expect(await admission().validated(asked(row, bad))).toMatch(/^denied signature-missing: /)
  })

  test.each(matrix)('neighbour: $operation of $kind $group/$version with the signed one: pinned', async (row) => {
    expect(await admission().mutated(asked(row, good))).toBe('patched')
  })

  test('a kind that nobody knows, with a pod specification where Pods have it: denied', async () => {
    const thing = { group: 'x.example', kind: 'Thing', resource: 'things' }
    for (const wrap of workloads.map(({ wrap }) => wrap).filter((wrap) => !('template' in Object(wrap({}))))) {
      expect(await admission().mutated(workload({ ...thing, wrap }, spec(bad)))).toMatch(/^denied signature-missing: /)
    }
  })

  test('a Pod whose specification cannot be found or read: denied', async () => {
    for (const object of [{}, { spec: null }, { spec: [] }, { spec: { containers: [{ name: 'a' }] } }]) {
      expect(await admission().mutated(pod({}, { object }))).toMatch(/^denied workload-malformed: /)
    }
  })

  test('neighbour: what holds no image is let pass, and counted', async () => {
    const { mutated, seen } = admission()
    const map = { group: '', version: 'v1', kind: 'ConfigMap' }
    expect(await mutated(pod({}, { kind: map, object: { data: { image: bad } } }))).toBe('allowed')
    expect(seen).toMatchObject([{ leftAlone: 'unknown-kind' }])
  })
})
