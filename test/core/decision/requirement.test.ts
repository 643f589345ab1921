// Requirements in three values: exact against a brute-force model, and monotone in what is known.

import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { isProven } from '#core/decision/finding.ts'
import { Inquiry } from '#core/decision/inquiry.ts'
import { isRemembered, judgeRequirement, needsDigest } from '#core/decision/requirement.ts'
import { parseReference } from '#core/image/reference.ts'
import type { Attestor, Requirement } from '#core/policy/words.ts'
import { noon } from '../../support/judging.ts'
import { digestOf } from '../../support/memory-registry.ts'
import { allOf, anyOf, anything, atLeast, attestor, deny, signed } from '../../support/policies.ts'
import { toy } from '../../support/toy-format.ts'
import type { Shelf } from '../../support/toy-knowledge.ts'
import { toyKnowledge } from '../../support/toy-knowledge.ts'

const digest = digestOf('image')
const image = parseReference(`registry.example.com/team/app@${digest}`)
const context = { formats: [toy], bystanders: [], now: noon, images: 1 }

/** Each leaf has its own place for signatures, so that each can be known or unknown by itself. */
function leaf(index: number, keys: readonly string[]): Attestor {
  return attestor(`a${index}`, {
    keys,
    storage: { repository: { registry: 'r.example.com', repository: `leaf${index}` } },
  })
}

function judge(requirement: Requirement, shelves: readonly Shelf[], memory = false) {
  const places = Object.fromEntries(shelves.map((shelf, index) => [`r.example.com/leaf${index}`, shelf]))
  const inquiry = new Inquiry(toyKnowledge(digest, places), context)
  return judgeRequirement(requirement, { image, digest: { known: true, value: digest }, memory }, inquiry)
}

describe('three values', () => {
  const [yes, no, maybe, open] = [{ signed: ['k'] }, {}, { unread: 'registry-failing' }, { open: true }] as const
  const two = (make: (...of: Requirement[]) => Requirement, keys: readonly string[] = ['k', 'l']) =>
    make(signed(leaf(0, keys)), signed(leaf(1, keys)))
  const pair = (...of: Requirement[]) => atLeast(2, ...of)
  const other = { signed: ['l'] } as const
  test.each([
    ['allOf yes no', two(allOf), [yes, no], 'unsatisfied'],
    ['allOf yes maybe', two(allOf), [yes, maybe], 'undetermined'],
    ['allOf maybe no', two(allOf), [maybe, no], 'unsatisfied'],
    ['allOf yes yes', two(allOf), [yes, yes], 'satisfied'],
    ['allOf yes open', two(allOf), [yes, open], 'open'],
    ['allOf no open', two(allOf), [no, open], 'unsatisfied'],
    ['allOf maybe open', two(allOf), [maybe, open], 'open'],
    ['anyOf yes no', two(anyOf), [yes, no], 'satisfied'],
    ['anyOf yes maybe', two(anyOf), [yes, maybe], 'satisfied'],
    ['anyOf maybe no', two(anyOf), [maybe, no], 'undetermined'],
    ['anyOf no no', two(anyOf), [no, no], 'unsatisfied'],
    ['anyOf no open', two(anyOf), [no, open], 'open'],
    ['anyOf yes open', two(anyOf), [yes, open], 'satisfied'],
    ['atLeast 2 by two keys', two(pair), [yes, other], 'satisfied'],
    ['atLeast 2 by one key in two attestors', two(pair), [yes, yes], 'unsatisfied'],
    ['atLeast 2, one read and one not', two(pair), [yes, maybe], 'undetermined'],
    ['atLeast 2, one read, the other not there', two(pair), [yes, no], 'unsatisfied'],
    [
      'atLeast 2, the read one with something unread beside it',
      two(pair),
      [{ ...yes, unread: 'registry-failing' }, no],
      'unsatisfied',
    ],
    [
      'atLeast 2, the same key twice with something unread',
      two(pair),
      [{ ...yes, unread: 'registry-failing' }, yes],
      'undetermined',
    ],
    ['atLeast 2, one open', two(pair), [yes, open], 'open'],
    ['atLeast 2, paired the only way that works', two(pair), [{ signed: ['k', 'l'] }, yes], 'satisfied'],
    ['deny beside a yes', allOf(signed(leaf(0, ['k'])), deny()), [yes], 'unsatisfied'],
    ['deny or a yes', anyOf(deny(), signed(leaf(0, ['k']))), [yes], 'satisfied'],
    [
      'a revoked key is no signer',
      atLeast(
        1,
        signed(attestor('a0', { keys: ['k'], life: { k: { notAfter: noon } }, storage: leaf(0, []).storage })),
      ),
      [yes],
      'unsatisfied',
    ],
  ] as const)('%s', (_, requirement, shelves, state) => {
    expect(judge(requirement, shelves).state).toBe(state)
  })

  test('accepting anything is a yes, but never a proven one', () => {
    expect(isProven(judge(anything, []))).toBe(false)
    expect(judge(anything, []).state).toBe('satisfied')
    expect(isProven(judge(anyOf(anything, signed(leaf(0, ['k']))), [no]))).toBe(false)
    expect(isProven(judge(anyOf(anything, signed(leaf(0, ['k']))), [yes]))).toBe(true)
    expect(judge(anyOf(anything, signed(leaf(0, ['k']))), [open]).state).toBe('open')
    expect(isProven(judge(allOf(anything, signed(leaf(0, ['k']))), [yes]))).toBe(true)
  })

  test('a requirement without signatures needs no digest', () => {
    expect([anything, deny(), anyOf(anything, allOf(deny()))].map(needsDigest)).toEqual([false, false, false])
    expect(needsDigest(anyOf(anything, allOf(deny(), signed('a'))))).toBe(true)
  })

  test('a digest that is not known leaves open only what depends on it', () => {
    const inquiry = new Inquiry(toyKnowledge(digest, {}), context)
    const unknown = { known: false, code: 'registry-timeout', detail: 'slow' } as const
    const state = (requirement: Requirement) =>
      judgeRequirement(requirement, { image, digest: unknown, memory: true }, inquiry)
    expect(state(signed('a'))).toMatchObject({ state: 'undetermined', code: 'registry-timeout' })
    expect(state(allOf(signed('a'), deny()))).toMatchObject({ state: 'unsatisfied', code: 'denied-by-rule' })
    expect(state(anyOf(signed('a'), anything)).state).toBe('satisfied')
    expect(state(atLeast(1, signed('a')))).toMatchObject({ state: 'undetermined', code: 'registry-timeout' })
  })
})

describe('what a group says', () => {
  const [yes, no, stranger, maybe, open] = [
    { signed: ['k'] },
    {},
    { signed: ['x'] },
    { unread: 'registry-failing' },
    { open: true },
  ] as const
  const [first, second] = [signed(leaf(0, ['k'])), signed(leaf(1, ['k', 'l']))]

  test('is the sentence of a rule that denies, or nothing more than that', () => {
    expect(judge(deny('ask the team'), [])).toEqual({
      kind: 'deny',
      state: 'unsatisfied',
      code: 'denied-by-rule',
      detail: 'ask the team',
      pending: false,
      signers: [],
    })
    expect(judge(deny(), [])).not.toHaveProperty('detail')
    expect(judge(anything, [])).toEqual({
      kind: 'insecureAcceptAnything',
      state: 'satisfied',
      code: 'accepted-by-rule',
      pending: false,
      signers: [],
    })
  })

  test.each([
    ['of all, the one that no signature cures', allOf(first, deny('no')), [no], 'denied-by-rule', 'no'],
    ['of all, else the first', allOf(first, second), [stranger, no], 'signature-by-stranger', /^1 signature, none/],
    ['of all, what could not be read', allOf(first, second), [yes, maybe], 'registry-failing', 'gone'],
    ['of any, what could not be read', anyOf(deny(), second), [no, maybe], 'registry-failing', 'gone'],
    ['of any, the nearest', anyOf(first, second), [no, stranger], 'signature-by-stranger', /^1 signature, none/],
    ['of any, not the rule that denies', anyOf(deny('no'), second), [no, stranger], 'signature-by-stranger', /^1 sig/],
    ['of any, the rule that denies before nothing found', anyOf(first, deny('no')), [no], 'denied-by-rule', 'no'],
    ['of any, that nothing was found', anyOf(first, second), [no, no], 'signature-missing', /^no signature/],
    [
      'of a number, how many spoke',
      atLeast(2, first, second),
      [yes, no],
      'threshold-not-met',
      '1 of 2 distinct signers',
    ],
    ['of a number, what could not be read', atLeast(2, first, second), [yes, maybe], 'registry-failing', 'gone'],
  ] as const)('is, %s', (_, requirement, shelves, code, detail) => {
    const finding = judge(requirement, shelves)
    expect(finding).toMatchObject({ code })
    expect(finding.detail).toMatch(detail)
  })

  test('names signers only if it is satisfied, and of any only those who proved it', () => {
    expect(judge(allOf(first, second), [yes, { signed: ['l'] }]).signers.map(({ key }) => key)).toEqual(['k', 'l'])
    expect(judge(allOf(first, second), [yes, no]).signers).toEqual([])
    expect(judge(anyOf(first, second), [no, { signed: ['l'] }]).signers.map(({ key }) => key)).toEqual(['l'])
    expect(judge(atLeast(1, first, second), [yes, no])).toMatchObject({ count: 1, signers: [{ key: 'k' }] })
  })

  test('waits for more while a part of it does, unless it is refused already', () => {
    expect(judge(allOf(first, second), [yes, open])).toMatchObject({ state: 'open', pending: true })
    expect(judge(anyOf(first, second), [yes, open])).toMatchObject({ state: 'satisfied', pending: true })
    expect(judge(anyOf(first, second), [yes, no])).toMatchObject({ state: 'satisfied', pending: false })
    expect(judge(allOf(deny(), second), [no, open])).toMatchObject({ state: 'unsatisfied', pending: false })
  })

  test('holds until the first of the keys ends that it rests on', () => {
    const mortal = (index: number, notAfter: number) =>
      signed(attestor(`a${index}`, { keys: ['k'], life: { k: { notAfter } }, storage: leaf(index, []).storage }))
    const [soon, late] = [mortal(0, noon + 1000), mortal(1, noon + 2000)]
    expect(judge(allOf(soon, late), [yes, yes]).validUntil).toBe(noon + 1000)
    expect(judge(anyOf(soon, late), [no, yes]).validUntil).toBe(noon + 2000)
    expect(judge(anyOf(soon, late), [no, no])).not.toHaveProperty('validUntil')
    expect(judge(allOf(soon, late), [yes, no])).not.toHaveProperty('validUntil')
    expect(judge(allOf(first, first), [yes])).not.toHaveProperty('validUntil')
  })

  test('is remembered if any signature is that it asks for', () => {
    const remembered = (requirement: Requirement) => {
      const knowledge = toyKnowledge(digest, { 'r.example.com/leaf1': { remembered: ['l'] } })
      return isRemembered(requirement, image, digest, new Inquiry(knowledge, context))
    }
    expect([first, second].map(remembered)).toEqual([false, true])
    for (const group of [allOf, anyOf, (...of: Requirement[]) => atLeast(2, ...of)]) {
      expect([group(first, second), group(first, allOf(second)), group(first)].map(remembered)).toEqual([
        true,
        true,
        false,
      ])
    }
    expect([deny(), anything].map(remembered)).toEqual([false, false])
  })
})

interface World {
  readonly requirement: Requirement
  readonly shelves: readonly Shelf[]
}

const pool = ['k', 'l', 'm', 'n']

/** Trees as the policy reader lets them through: groups nested at most three deep, only signatures are counted. */
const worlds: fc.Arbitrary<World> = fc
  .array(
    fc.record({
      keys: fc.subarray(pool, { minLength: 1 }),
      signed: fc.subarray(pool),
      unread: fc.boolean(),
    }),
    { minLength: 1, maxLength: 6 },
  )
  .chain((leaves) => {
    const leafOf = fc.nat({ max: leaves.length - 1 }).map((index) => signed(leaf(index, leaves[index]?.keys ?? [])))
    const counted = (inside: fc.Arbitrary<Requirement>) =>
      fc
        .tuple(fc.array(inside, { minLength: 1, maxLength: 4 }), fc.nat())
        .map(([of, n]) => atLeast(1 + (n % of.length), ...of))
    const group = (inside: fc.Arbitrary<Requirement>) => {
      const of = fc.array(inside, { minLength: 1, maxLength: 4 })
      return fc.oneof(
        of.map((all) => allOf(...all)),
        of.map((any) => anyOf(...any)),
      )
    }
    const pure1 = fc.oneof(leafOf, group(leafOf), counted(leafOf))
    const pure2 = fc.oneof(pure1, group(pure1), counted(pure1))
    const any1 = fc.oneof(
      { weight: 6, arbitrary: leafOf },
      { weight: 1, arbitrary: fc.constant(deny()) },
      { weight: 1, arbitrary: fc.constant(anything) },
    )
    const tree = fc.oneof(pure2, group(fc.oneof(any1, pure2)), counted(pure2), group(fc.oneof(any1, group(any1))))
    const shelves = leaves.map(
      ({ signed, unread }): Shelf => ({ signed, ...(unread ? { unread: 'registry-failing' as const } : {}) }),
    )
    return tree.map((requirement) => ({ requirement, shelves }))
  })

/** Two-valued: who speaks for a requirement, if it holds; `high` takes all that could not be read for new signers. */
function naive(
  requirement: Requirement,
  shelves: readonly Shelf[],
  high: boolean,
  path = '',
): ReadonlySet<string> | undefined {
  const children =
    'of' in requirement ? requirement.of.map((child, at) => naive(child, shelves, high, `${path}.${at}`)) : []
  const holding = children.filter((child) => child !== undefined)
  switch (requirement.kind) {
    case 'signature': {
      const { name, keys } = requirement.attestor
      const shelf = shelves[Number(name.slice(1))] ?? {}
      const signers = (shelf.signed ?? []).filter((key) => keys.some((each) => each.name === key))
      if (high && shelf.unread) signers.push(`new ${path}`)
      return signers.length > 0 ? new Set(signers) : undefined
    }
    case 'deny':
      return undefined
    case 'insecureAcceptAnything':
      return new Set()
    case 'allOf':
      return holding.length < children.length ? undefined : union(holding)
    case 'anyOf':
      return holding.length === 0 ? undefined : union(holding)
    case 'atLeast':
      return most(holding, new Set()) >= requirement.count ? union(holding) : undefined
  }
}

/** Tries every way to give each child a signer of its own. */
function most(children: readonly ReadonlySet<string>[], taken: ReadonlySet<string>): number {
  const [first, ...rest] = children
  if (first === undefined) return 0
  const with_ = [...first].filter((key) => !taken.has(key)).map((key) => 1 + most(rest, new Set([...taken, key])))
  return Math.max(most(rest, taken), ...with_)
}

function union(sets: readonly ReadonlySet<string>[]): ReadonlySet<string> {
  return new Set(sets.flatMap((set) => [...set]))
}

function modelled({ requirement, shelves }: World): { readonly state: string; readonly proven: boolean } {
  const low = naive(requirement, shelves, false)
  const high = naive(requirement, shelves, true)
  if (low !== undefined) return { state: 'satisfied', proven: low.size > 0 }
  return { state: high === undefined ? 'unsatisfied' : 'undetermined', proven: false }
}

const runs = { numRuns: 800 }

describe('property', () => {
  test('judging agrees with the model', () => {
    fc.assert(
      fc.property(worlds, (world) => {
        const finding = judge(world.requirement, world.shelves)
        expect({ state: finding.state, proven: isProven(finding) }).toEqual(modelled(world))
      }),
      runs,
    )
  })

  test('memory of some of the signers changes nothing', () => {
    fc.assert(
      fc.property(worlds, fc.array(fc.subarray(pool), { minLength: 6, maxLength: 6 }), (world, memories) => {
        const shelves = world.shelves.map((shelf, index) => {
          const remembered = (shelf.signed ?? []).filter((key) => memories[index]?.includes(key))
          return { ...shelf, remembered }
        })
        const finding = judge(world.requirement, shelves, true)
        expect({ state: finding.state, proven: isProven(finding) }).toEqual(modelled(world))
      }),
      runs,
    )
  })

  test('what is said while questions wait is not taken back', () => {
    fc.assert(
      fc.property(worlds, fc.array(fc.boolean(), { minLength: 6, maxLength: 6 }), (world, waiting) => {
        const shelves = world.shelves.map((shelf, index) => ({ ...shelf, open: waiting[index] ?? false }))
        const early = judge(world.requirement, shelves)
        if (early.state !== 'open') expect(early.state).toBe(judge(world.requirement, world.shelves).state)
      }),
      runs,
    )
  })

  test('losing sight of a leaf never turns a no into a yes, nor its return a yes into a no', () => {
    fc.assert(
      fc.property(worlds, fc.nat({ max: 5 }), (world, index) => {
        const blind = world.shelves.map((shelf, at): Shelf => (at === index ? { unread: 'registry-failing' } : shelf))
        const before = judge(world.requirement, world.shelves).state
        const after = judge(world.requirement, blind).state
        if (before === 'unsatisfied') expect(after).not.toBe('satisfied')
        if (after === 'satisfied') expect(before).toBe('satisfied')
        if (after === 'unsatisfied') expect(before).toBe('unsatisfied')
      }),
      runs,
    )
  })
})
