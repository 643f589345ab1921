// Values held against shapes that are as small as can be: every limit, every hint, and what is given back.

import { describe, expect, test } from 'vitest'
import { checkShape } from '#core/policy/check.ts'
import { renderPath } from '#core/policy/problem.ts'
import type { Shape } from '#core/policy/shape.ts'
import { choice, ignored, later, list, names, object, text } from '#core/policy/shape.ts'

const word = text({ doc: 'a word', problem: (given) => (given === 'bad' ? 'is bad' : undefined) }, 3)
const free = text({ doc: 'text' }, 3)

function check(shape: Shape, value: unknown): { readonly value: unknown; readonly problems: readonly string[] } {
  const problems: string[] = []
  const checked = checkShape(shape, value, ['a'], (path, message, code) => {
    problems.push(`${renderPath(path)} ${message}${code === undefined ? '' : ` (${code})`}`)
  })
  return { value: checked, problems }
}

const right = (value: unknown) => ({ value, problems: [] })
const wrong = (...problems: readonly string[]) => ({ value: undefined, problems })

describe('text', () => {
  test.each([
    ['abc', right('abc')],
    ['abcd', wrong('a is longer than 3 characters')],
    ['bad', wrong('a is bad')],
    [7, wrong('a must be text (a word), not the number 7; write it in quotes: "7"')],
    [true, wrong('a must be text (a word), not true; write it in quotes: "true"')],
    [null, wrong('a must be text (a word), not nothing (null)')],
    [[], wrong('a must be text (a word), not a list')],
    [{}, wrong('a must be text (a word), not an object')],
    [undefined, wrong('a must be text (a word), not nothing')],
  ])('%j', (value, expected) => {
    expect(check(word, value)).toEqual(expected)
  })

  test('of a format that judges nothing', () => {
    expect(check(free, 'bad')).toEqual(right('bad'))
  })
})

describe('a choice', () => {
  const one = choice({ Tag: { doc: 'x' }, Bundle: { doc: 'x' }, Shelf: { doc: 'x', later: true } })
  test.each([
    ['Tag', right('Tag')],
    ['Shelf', wrong('a "Shelf" is not supported yet (policy-unsupported)')],
    ['tag', wrong('a must be one of Tag, Bundle, not "tag"; did you mean "Tag"?')],
    ['constructor', wrong('a must be one of Tag, Bundle, not "constructor"')],
    [7, wrong('a must be one of Tag, Bundle, not the number 7')],
  ])('%j', (value, expected) => {
    expect(check(one, value)).toEqual(expected)
  })

  test('of one', () => {
    expect(check(choice({ Tag: { doc: 'x' } }), 'Other').problems).toEqual(['a must be Tag, not "Other"'])
  })
})

describe('a whole number', () => {
  const count: Shape = { kind: 'integer', min: 1, max: 3 }
  const no = (shown: string) => wrong(`a must be a whole number from 1 to 3, not ${shown}`)
  test.each([
    [1, right(1)],
    [3, right(3)],
    [0, no('0')],
    [4, no('4')],
    [1.5, no('1.5')],
    ['1', no('text')],
  ])('%j', (value, expected) => {
    expect(check(count, value)).toEqual(expected)
  })
})

describe('a list', () => {
  const some = list(word, { min: 1, max: 2, distinct: true })
  test.each([
    [['a', 'b'], right(['a', 'b'])],
    [['a', 'bad'], { value: ['a', undefined], problems: ['a[1] is bad'] }],
    [[], { value: [], problems: ['a must not be empty'] }],
    [['a', 'b', 'c'], wrong('a has 3 entries; more than 2 are not read')],
    [['a', 'a'], { value: ['a', 'a'], problems: ['a[1] is the same as [0]'] }],
    ['a', wrong('a must be a list, not text')],
  ])('%j', (value, expected) => {
    expect(check(some, value)).toEqual(expected)
  })

  test('names the first of several that are the same, and minds none where they may be', () => {
    expect(check(list(word, { max: 3, distinct: true }), ['a', 'a', 'a']).problems).toEqual([
      'a[1] is the same as [0]',
      'a[2] is the same as [0]',
    ])
    expect(check(list(word, { max: 3 }), ['a', 'a'])).toEqual(right(['a', 'a']))
  })
})

describe('names', () => {
  const map = names({ doc: 'x', problem: (name) => (name === 'bad' ? 'is bad' : undefined) }, word, 2)
  test.each([
    [{ b: 'x', c: 'y' }, right({ b: 'x', c: 'y' })],
    [{ bad: 'x' }, { value: { bad: 'x' }, problems: ['a.bad the name is bad'] }],
    [{ b: 'bad' }, { value: { b: undefined }, problems: ['a.b is bad'] }],
    [{ b: 'x', c: 'y', d: 'z' }, wrong('a has 3 members; more than 2 are not read')],
    [[], wrong('a must be an object of names and values, not a list')],
  ])('%j', (value, expected) => {
    expect(check(map, value)).toEqual(expected)
  })

  test('of a format that judges nothing', () => {
    expect(check(names({ doc: 'x' }, word, 2), { bad: 'x' })).toEqual(right({ bad: 'x' }))
  })
})

describe('an object', () => {
  const shape = object({
    name: { doc: 'x', shape: word, required: true },
    mode: { doc: 'x', shape: choice({ On: { doc: 'x' } }), default: 'On' },
    more: { doc: 'x', shape: word },
    soon: later('x', 'text'),
  })
  test.each([
    [{ name: 'x' }, right({ name: 'x', mode: 'On' })],
    [{ name: 'x', mode: 'On', more: 'y' }, right({ name: 'x', mode: 'On', more: 'y' })],
    [{}, { value: { mode: 'On' }, problems: ['a.name is missing'] }],
    [
      { name: 'x', soon: 1 },
      {
        value: { name: 'x', mode: 'On', soon: undefined },
        problems: ['a.soon is not supported yet (policy-unsupported)'],
      },
    ],
    [
      { name: 'x', modes: 1 },
      { value: { name: 'x', mode: 'On' }, problems: ['a.modes is not a word here; did you mean "mode"?'] },
    ],
    [
      { name: 'x', other: 1 },
      { value: { name: 'x', mode: 'On' }, problems: ['a.other is not a word here; known are name, mode, more'] },
    ],
    [
      { name: 'x', constructor: 1 },
      { value: { name: 'x', mode: 'On' }, problems: ['a.constructor is not a word here; known are name, mode, more'] },
    ],
    [null, wrong('a must be an object, not nothing (null)')],
    [[], wrong('a must be an object, not a list')],
  ])('%j', (value, expected) => {
    expect(check(shape, value)).toEqual(expected)
  })

  test('does not take the members of a prototype for its own', () => {
    expect(check(shape, Object.create({ name: 'x' })).problems).toEqual(['a.name is missing'])
  })

  test('names no words where there are none, or too many', () => {
    const many = Object.fromEntries(Array.from({ length: 13 }, (_, at) => [`word${at}`, { doc: 'x', shape: word }]))
    expect(check(object({}), { z: 1 }).problems).toEqual(['a.z is not a word here; none is'])
    expect(check(object(many), { z: 1 }).problems).toEqual(['a.z is not a word here'])
    const { word0: _, ...twelve } = many
    expect(check(object(twelve), { z: 1 }).problems[0]).toContain('known are word1, word2')
  })

  test('shows how what was written should be written', () => {
    const typed = object({ type: { doc: 'x', shape: choice({ Any: { doc: 'x' } }), required: true } })
    expect(check(typed, 'Any').problems).toEqual(['a must be an object such as {type: Any}, not text'])
    expect(check(typed, 'None').problems).toEqual(['a must be an object, not text'])
    expect(check(typed, 7).problems).toEqual(['a must be an object, not the number 7'])
    expect(check(typed, null).problems).toEqual(['a must be an object, not nothing (null)'])
    expect(check(object({ more: { doc: 'x', shape: word } }), 'Any').problems).toEqual([
      'a must be an object, not text',
    ])
    expect(check(object({ more: { doc: 'x', shape: word } }), null).problems).toEqual([
      'a must be an object, at least {}, not nothing (null)',
    ])
  })
})

describe('exactly one of several members', () => {
  const members = { b: { doc: 'x', shape: ignored }, c: { doc: 'x', shape: ignored }, d: later('x', 'text') }
  const shape = object(members, { exactlyOne: ['b', 'c', 'd'] })
  test.each([
    [{ b: 1 }, []],
    [{}, ['a needs exactly one of b, c']],
    [{ b: 1, c: 2 }, ['a b and c contradict each other; exactly one of them may stand here']],
    [{ z: 1 }, ['a.z is not a word here; known are b, c']],
    [{ z: 1, b: 1 }, ['a.z is not a word here; known are b, c']],
  ])('%j', (value, problems) => {
    expect(check(shape, value).problems).toEqual(problems)
  })

  test('of which only one can be given', () => {
    expect(check(object(members, { exactlyOne: ['b', 'd'] }), {}).problems).toEqual(['a needs the member b'])
  })
})

test('what is not looked at is given back as it is, and a shape inside itself is held against again', () => {
  const value = { anything: [1] }
  expect(check(ignored, value).value).toBe(value)
  expect(check({ kind: 'again', name: 'x', shape: () => word }, 'bad')).toEqual(wrong('a is bad'))
})
