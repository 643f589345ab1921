import fc from 'fast-check'
import { applyPatch } from 'rfc6902'
import { describe, expect, test } from 'vitest'
import { type Pin, pinPatch } from '#core/admission/patch.ts'
import type { ImageUse } from '#core/admission/use.ts'
import { imageUses } from '#core/admission/workload.ts'

const kind = { group: 'example.com', kind: 'Thing' }
const digest = `@sha256:${'a'.repeat(64)}`

function pinOf(use: ImageUse): Pin {
  return { pointer: use.pointer, from: use.image, to: use.image.includes('@') ? use.image : `${use.image}${digest}` }
}

const name = fc.constantFrom('a', 'b', 'c~/d', '')
const container = fc.record({ name, image: fc.constantFrom('x:1', 'x', `x:1${digest}`) })
const volume = fc.record({ name, image: fc.option(fc.record({ reference: fc.constantFrom('m:1', 'm') })) })
const podSpec = fc.record(
  {
    containers: fc.array(container, { minLength: 1, maxLength: 12 }),
    initContainers: fc.array(container, { maxLength: 3 }),
    volumes: fc.array(volume, { maxLength: 3 }),
    hostNetwork: fc.boolean(),
  },
  { requiredKeys: ['containers'] },
)
const object = fc.oneof(
  podSpec.map((spec) => ({ spec })),
  fc.tuple(podSpec, podSpec).map(([outer, spec]) => ({ spec: { ...outer, template: { spec } } })),
)

describe('pinPatch', () => {
  test('replaces what changes, sorted by pointer, whatever order the pins come in', () => {
    const pins = [
      { pointer: '/spec/containers/1/image', from: 'b:1', to: `b:1${digest}` },
      { pointer: '/spec/containers/0/image', from: 'a:1', to: `a:1${digest}` },
      { pointer: '/spec/containers/2/image', from: `c${digest}`, to: `c${digest}` },
    ]
    const expected = [
      { op: 'replace', path: '/spec/containers/0/image', value: `a:1${digest}` },
      { op: 'replace', path: '/spec/containers/1/image', value: `b:1${digest}` },
    ]
    expect(pinPatch(pins)).toEqual(expected)
    expect(pinPatch(pins.toReversed())).toEqual(expected)
  })

  test('takes the same pin twice for one, and refuses two different ones for one place', () => {
    const pin = { pointer: '/a', from: 'x', to: 'y' }
    expect(pinPatch([pin, pin])).toHaveLength(1)
    const another = { ...pin, to: 'z' }
    expect(() => pinPatch([pin, another])).toThrow(expect.objectContaining({ code: 'internal-error', where: '/a' }))
    expect(pinPatch([pin, { ...another, pointer: '/b' }])).toHaveLength(2)
  })

  test('applied by another implementation, leaves nothing to pin and touches nothing else', () => {
    fc.assert(
      fc.property(object, (original) => {
        const target = structuredClone(original)
        const before = imageUses(original, kind) ?? []
        const results = applyPatch(target, [...pinPatch(before.map(pinOf))] as Parameters<typeof applyPatch>[1])
        expect(results.filter((result) => result !== null)).toEqual([])
        const after = imageUses(target, kind) ?? []
        expect(after.map((use) => use.image)).toEqual(before.map((use) => pinOf(use).to))
        expect(pinPatch(after.map(pinOf))).toEqual([])
        for (const use of before) applyPatch(target, [{ op: 'replace', path: use.pointer, value: use.image }])
        expect(target).toEqual(original)
      }),
    )
  })
})
