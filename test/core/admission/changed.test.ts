import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { changedUses, usesOfRequest } from '#core/admission/changed.ts'
import type { AdmissionRequest } from '#core/admission/review.ts'
import type { ImageUse } from '#core/admission/use.ts'
import { imageUses } from '#core/admission/workload.ts'
import { codeOf } from '#core/errors.ts'

interface Container {
  readonly name: string
  readonly image: string
}

const pod = { group: '', version: 'v1', kind: 'Pod' }

function podOf(containers: readonly Container[], initContainers: readonly Container[] = []) {
  return { spec: { containers, initContainers } }
}

function usesOf(containers: readonly Container[], initContainers: readonly Container[] = []): readonly ImageUse[] {
  return imageUses(podOf(containers, initContainers), pod) ?? []
}

function request(members: Partial<AdmissionRequest>): AdmissionRequest {
  return {
    apiVersion: 'admission.k8s.io/v1',
    uid: 'u',
    kind: pod,
    resource: { group: '', version: 'v1', resource: 'pods' },
    operation: 'CREATE',
    userInfo: { username: 'a', groups: [] },
    dryRun: false,
    ...members,
  }
}

const a1 = { name: 'a', image: 'x:1' }
const b2 = { name: 'b', image: 'x:2' }

describe('changedUses', () => {
  const fields = (uses: readonly ImageUse[]) => uses.map((use) => use.field)

  test('sees nothing in a reordering', () => {
    expect(changedUses(usesOf([b2, a1]), usesOf([a1, b2]))).toEqual([])
  })

  test('sees a swap of images between containers as two changes', () => {
    const swapped = [
      { name: 'a', image: 'x:2' },
      { name: 'b', image: 'x:1' },
    ]
    expect(fields(changedUses(usesOf(swapped), usesOf([a1, b2])))).toEqual([
      'spec.containers[0].image',
      'spec.containers[1].image',
    ])
  })

  test.each([
    ['a new name', [{ name: 'c', image: 'x:1' }, b2]],
    ['a new image', [{ name: 'a', image: 'x:3' }, b2]],
    ['the same image written otherwise', [{ name: 'a', image: 'docker.io/library/x:1' }, b2]],
  ])('sees %s', (_, containers) => {
    expect(fields(changedUses(usesOf(containers), usesOf([a1, b2])))).toEqual(['spec.containers[0].image'])
  })

  test('sees a move to another list', () => {
    expect(fields(changedUses(usesOf([b2], [a1]), usesOf([a1, b2])))).toEqual(['spec.initContainers[0].image'])
  })

  test('sees a second one of the same name and image', () => {
    expect(fields(changedUses(usesOf([a1, a1]), usesOf([a1])))).toEqual(['spec.containers[1].image'])
  })

  test('takes a container without a name for a new one', () => {
    const nameless = { name: '', image: 'x:1' }
    expect(changedUses(usesOf([nameless]), usesOf([nameless]))).toHaveLength(1)
  })

  test('keeps the pod specs of one object apart', () => {
    const kind = { group: 'example.com', kind: 'Thing' }
    const before = { spec: { containers: [a1], template: { spec: { containers: [b2] } } } }
    const after = { spec: { containers: [b2], template: { spec: { containers: [a1] } } } }
    expect(changedUses(imageUses(after, kind) ?? [], imageUses(before, kind) ?? [])).toHaveLength(2)
  })

  test('calls a use unchanged only if list, name and image stood in the old object', () => {
    const container = fc.record({ name: fc.constantFrom('a', 'b', 'c'), image: fc.constantFrom('x:1', 'x:2', 'y:1') })
    const lists = fc.tuple(fc.array(container, { maxLength: 4 }), fc.array(container, { maxLength: 4 }))
    fc.assert(
      fc.property(lists, lists, (now, before) => {
        const uses = usesOf(...now)
        const old = usesOf(...before)
        const changed = changedUses(uses, old)
        for (const use of uses) {
          const known = old.some((o) => o.list === use.list && o.name === use.name && o.image === use.image)
          if (!known) expect(changed).toContain(use)
        }
        expect(uses.filter((use) => !changed.includes(use)).length).toBeLessThanOrEqual(old.length)
      }),
    )
  })
})

describe('usesOfRequest', () => {
  test('judges everything in a new object', () => {
    expect(usesOfRequest(request({ object: podOf([a1, b2]) }))).toMatchObject({
      kind: 'uses',
      changed: [{ name: 'a' }, { name: 'b' }],
    })
  })

  test('does not believe an old object in a CREATE', () => {
    const object = podOf([a1])
    expect(usesOfRequest(request({ object, oldObject: object }))).toMatchObject({ changed: [{ name: 'a' }] })
  })

  test('judges what changed in an updated one, and still knows the rest', () => {
    const members = { operation: 'UPDATE', object: podOf([a1, b2]), oldObject: podOf([a1]) } as const
    expect(usesOfRequest(request(members))).toMatchObject({
      all: [{ name: 'a' }, { name: 'b' }],
      changed: [{ name: 'b' }],
    })
  })

  test('judges everything in an update without or with an unreadable old object', () => {
    const object = podOf([a1])
    for (const oldObject of [undefined, {}, { spec: { containers: 1 } }]) {
      expect(usesOfRequest(request({ operation: 'UPDATE', object, oldObject }))).toMatchObject({
        changed: [{ name: 'a' }],
      })
    }
  })

  test('a deletion under way changes nothing about what is judged', () => {
    const object = { metadata: { deletionTimestamp: '2026-01-01T00:00:00Z' }, ...podOf([b2]) }
    const oldObject = { metadata: { deletionTimestamp: '2026-01-01T00:00:00Z' }, ...podOf([a1]) }
    expect(usesOfRequest(request({ operation: 'UPDATE', object, oldObject }))).toMatchObject({
      changed: [{ name: 'b' }],
    })
  })

  test('judges ephemeral containers, which arrive as a subresource', () => {
    const before = podOf([a1])
    const object = { spec: { ...before.spec, ephemeralContainers: [{ name: 'debug', image: 'd:1' }] } }
    const members = { operation: 'UPDATE', subResource: 'ephemeralcontainers', object, oldObject: before } as const
    expect(usesOfRequest(request(members))).toMatchObject({ changed: [{ name: 'debug' }] })
  })

  test.each([
    [{ operation: 'DELETE', oldObject: podOf([a1]) }, 'operation'],
    [{ operation: 'CONNECT', subResource: 'exec', object: { kind: 'PodExecOptions' } }, 'operation'],
    [{ operation: 'UPDATE', subResource: 'status', object: podOf([a1]) }, 'subresource'],
    [{ subResource: 'binding', object: {} }, 'subresource'],
    [{ kind: { group: '', version: 'v1', kind: 'ConfigMap' }, object: { data: {} } }, 'unknown-kind'],
  ] as const)('lets %j pass, with the reason', (members, because) => {
    expect(usesOfRequest(request(members))).toEqual({ kind: 'none', because })
  })

  test('refuses an object that cannot be read', () => {
    const object = { spec: { containers: {} } }
    expect(() => usesOfRequest(request({ object }))).toThrow(/spec\.containers is not a list/)
  })

  test('lets an object that was unreadable before lose its finalizers, but not change', () => {
    const spec = { containers: [{ name: 'a', image: 7 }] }
    const oldObject = { metadata: { finalizers: ['x'] }, spec }
    expect(usesOfRequest(request({ operation: 'UPDATE', object: { spec }, oldObject }))).toEqual({
      kind: 'uses',
      all: [],
      changed: [],
    })
    const changed = { spec: { containers: [{ name: 'a', image: 8 }] } }
    try {
      usesOfRequest(request({ operation: 'UPDATE', object: changed, oldObject }))
      expect.unreachable()
    } catch (error) {
      expect(codeOf(error)).toBe('workload-malformed')
    }
  })

  test('does not take what was no pod spec before for one', () => {
    const update = (spec: unknown) => request({ operation: 'UPDATE', object: { spec }, oldObject: { spec } })
    expect(() => usesOfRequest(update(7))).toThrow(expect.objectContaining({ code: 'workload-malformed' }))
    expect(usesOfRequest(update({ containers: 7 }))).toMatchObject({ all: [], changed: [] })
  })

  test('does not take the same unreadable pod spec at another place for the one of before', () => {
    const spec = { containers: [{ name: 'a', image: 7 }] }
    const kind = { group: 'example.com', version: 'v1', kind: 'Anything' }
    const moved = request({ operation: 'UPDATE', kind, object: { spec: { template: { spec } } }, oldObject: { spec } })
    expect(() => usesOfRequest(moved)).toThrow(/image/)
  })
})
