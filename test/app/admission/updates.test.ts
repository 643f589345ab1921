// UPDATEs that try to look as if nothing had changed, and webhooks that come after ours.

import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { AdmissionRequest } from '#core/admission/review.ts'
import { admission, bad, type Container, good, type PodSpec, patched, pod } from '../../support/admission.ts'

const update = (now: PodSpec, before: PodSpec, more: Partial<AdmissionRequest> = {}) => {
  return pod(now, { operation: 'UPDATE', oldObject: pod(before).object, ...more })
}
const containers = (...list: readonly (readonly [string, string])[]): PodSpec => ({
  containers: list.map(([name, image]) => ({ name, image })),
})

describe('AD-05: an UPDATE that brings an unsigned image in beside what was there', () => {
  const before = containers(['a', bad], ['b', good])

  test.each([
    ['swaps the images of two containers', containers(['a', good], ['b', bad])],
    ['renames the container', containers(['c', bad], ['b', good])],
    ['adds one more of the same', containers(['a', bad], ['a', bad], ['b', good])],
    ['takes the name away', { containers: [{ image: bad }, { name: 'b', image: good }] }],
    ['moves it to another list', { ...containers(['b', good]), initContainers: [{ name: 'a', image: bad }] }],
    ['writes the same image otherwise', containers(['a', `${bad}@sha256:${'0'.repeat(64)}`], ['b', good])],
  ])('%s: denied', async (_, now) => {
    expect(await admission().mutated(update(now, before))).toMatch(/^denied /)
    expect(await admission().validated(update(now, before))).toMatch(/^denied /)
  })

  test('without a name, which nothing holds to what was there: denied', async () => {
    const nameless = { containers: [{ image: bad }] }
    expect(await admission().mutated(update(nameless, nameless))).toMatch(/^denied /)
  })

  const name = fc.constantFrom('a', 'b', 'c')
  const container = fc.record({ name, image: fc.constantFrom(good, bad) })
  const spec = fc.record({
    containers: fc.array(container, { minLength: 1, maxLength: 4 }),
    initContainers: fc.array(container, { maxLength: 3 }),
  })
  const identity = (list: string) => (each: Container) => `${list} ${each.name} ${each.image}`
  const namesOf = (one: { containers: readonly Container[]; initContainers: readonly Container[] }) => [
    ...one.containers.map(identity('containers')),
    ...one.initContainers.map(identity('initContainers')),
  ]

  test('whatever is swapped, renamed, added or reordered: denied exactly if an unsigned pair of name and image is new', async () => {
    const { mutated } = admission()
    await fc.assert(
      fc.asyncProperty(spec, spec, async (now, old) => {
        const left = namesOf(old)
        const isNewUnsigned = namesOf(now).some((each) => {
          const index = left.indexOf(each)
          if (index >= 0) left.splice(index, 1)
          return index < 0 && each.endsWith(bad)
        })
        expect((await mutated(update(now, old))).startsWith('denied')).toBe(isNewUnsigned)
      }),
      { numRuns: 300 },
    )
  })

  test('neighbour: reordered, or with a signed one added, it is let pass', async () => {
    const { mutated } = admission()
    expect(await mutated(update(containers(['b', good], ['a', bad]), before))).toBe('allowed')
    expect(await mutated(update(containers(['a', bad], ['b', good], ['c', good]), before))).toBe('patched')
  })
})

describe('AD-06: an object that looks as if it were being deleted', () => {
  const dying = { deletionTimestamp: '2026-11-25T00:00:00Z', deletionGracePeriodSeconds: 0, finalizers: ['x'] }

  test('a new one is judged', async () => {
    expect(await admission().mutated(pod(containers(['a', bad]), {}, dying))).toMatch(/^denied signature-missing/)
  })

  test('one that is changed meanwhile is judged, whether the old one was dying or not', async () => {
    for (const metadata of [{}, dying]) {
      const old = pod(containers(['a', good]), {}, metadata).object
      const request = pod(containers(['a', bad]), { operation: 'UPDATE', oldObject: old }, dying)
      expect(await admission().mutated(request)).toMatch(/^denied signature-missing/)
    }
  })

  test('neighbour: a dying one loses its finalizers, though its image is not signed', async () => {
    const old = pod(containers(['a', bad]), {}, dying).object
    const request = pod(containers(['a', bad]), { operation: 'UPDATE', oldObject: old }, { ...dying, finalizers: [] })
    expect(await admission().mutated(request)).toBe('allowed')
    expect(await admission().validated(request)).toBe('allowed')
  })
})

describe('AD-13: a webhook that comes after ours changes the object', () => {
  const mutators: readonly (readonly [string, (spec: { containers: Container[] }) => void])[] = [
    ['injects an unsigned sidecar', (spec) => spec.containers.push({ name: 'sidecar', image: bad })],
    ['injects a sidecar that nobody pinned', (spec) => spec.containers.push({ name: 'sidecar', image: good })],
    ['rewrites the image', (spec) => spec.containers.splice(0, 1, { name: 'main', image: bad })],
    ['takes the digest off', (spec) => spec.containers.splice(0, 1, { name: 'main', image: good })],
    [
      'puts another digest behind the tag',
      (spec) => spec.containers.splice(0, 1, { name: 'main', image: `${good}@sha256:${'1'.repeat(64)}` }),
    ],
    ['moves to another registry', (spec) => spec.containers.splice(0, 1, { name: 'main', image: `evil.test/${good}` })],
  ]

  /** The request after our patch. */
  async function afterUs(world: ReturnType<typeof admission>) {
    const request = pod(containers(['main', good]))
    const next = patched(request, await world.mutate(request))
    const object = structuredClone(next.object) as { spec: { containers: Container[] } }
    return { next, object }
  }

  test.each(mutators)('%s: validation denies', async (_, change) => {
    const world = admission()
    const { next, object } = await afterUs(world)
    change(object.spec)
    expect(await world.validated({ ...next, object })).toMatch(/^denied /)
  })

  test('neighbour: one that changes no image is let pass', async () => {
    const world = admission()
    const { next, object } = await afterUs(world)
    object.spec.containers.splice(0, 1, { ...object.spec.containers[0], env: [{ name: 'A', value: 'b' }] })
    expect(await world.validated({ ...next, object })).toBe('allowed')
  })

  test('neighbour: a signed sidecar that was injected is pinned when we are asked again, and passes', async () => {
    const world = admission()
    const { next, object } = await afterUs(world)
    object.spec.containers.push({ name: 'sidecar', image: good })
    const again = { ...next, object }
    const answer = await world.mutate(again)
    expect(answer).toMatchObject({ patch: [{ path: '/spec/containers/1/image' }] })
    expect(await world.validated(patched(again, answer))).toBe('allowed')
  })

  test('asked up to five times for any object, mutation patches once and changes nothing then', async () => {
    const image = fc.constantFrom(good, bad)
    const list = fc.array(fc.record({ name: fc.constantFrom('a', 'b'), image }), { minLength: 1, maxLength: 4 })
    const world = admission()
    await fc.assert(
      fc.asyncProperty(list, list, async (main, init) => {
        let request = pod({ containers: main, initContainers: init })
        const outcomes: string[] = []
        for (let call = 0; call < 5; call++) {
          const answer = await world.mutate(request)
          outcomes.push(answer.outcome)
          request = patched(request, answer)
        }
        const isSigned = [...main, ...init].every((each) => each.image === good)
        const [first, ...later] = outcomes
        expect(first).toBe(isSigned ? 'patched' : 'denied')
        expect(new Set(later)).toEqual(new Set([isSigned ? 'allowed' : 'denied']))
        expect(await world.validated(request)).toMatch(isSigned ? /^allowed/ : /^denied/)
      }),
      { numRuns: 100 },
    )
  })
})
