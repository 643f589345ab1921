import { expect, test } from 'vitest'
import {
  elements,
  entries,
  isGiven,
  member,
  oneOf,
  renderPath,
  renderProblem,
  textMapOf,
  textsOf,
} from '#core/policy/problem.ts'

const field = (value: unknown) => ({ value, path: ['spec'] })

test.each([
  [{ file: 'a.yaml', path: '', message: 'is wrong' }, 'a.yaml: is wrong'],
  [{ file: 'a.yaml', line: 7, path: 'spec', message: 'is wrong' }, 'a.yaml:7: spec: is wrong'],
  [{ file: 'a.yaml', kind: 'Attestor', path: '', message: 'is wrong' }, 'a.yaml: Attestor without name: is wrong'],
  [
    { file: 'a\n.yaml', line: 1, kind: 'Attestor', name: 'x', path: 'spec.a[0]', message: 'is wrong' },
    'a\\u{a}.yaml:1: Attestor x: spec.a[0]: is wrong',
  ],
])('a problem is one line for people: %j', (problem, line) => {
  expect(renderProblem(problem)).toBe(line)
})

test('a path names members and indexes, and quotes what is no plain word', () => {
  expect(renderPath([])).toBe('')
  expect(renderPath(['spec', 'rules', 0, 'images', 12])).toBe('spec.rules[0].images[12]')
  expect(renderPath(['a.b/c', 'd', '', '0x'])).toBe('["a.b/c"].d[""]["0x"]')
  expect(renderPath(['a\u001b'])).toBe('["a\\\\u{1b}"]')
})

test('what is not there has no value, and a prototype adds nothing', () => {
  const inherited = Object.create({ a: 1 })
  expect(member(field({ a: 1 }), 'a')).toEqual({ value: 1, path: ['spec', 'a'] })
  for (const value of [inherited, {}, [], null, 'a', undefined]) {
    expect(member(field(value), 'a')).toEqual({ value: undefined, path: ['spec', 'a'] })
    expect(isGiven(field(value), 'a')).toBe(false)
  }
  expect(isGiven(field({ a: null }), 'a')).toBe(true)
})

test('lists, members and texts are read as far as they are such', () => {
  expect(elements(field(['x']))).toEqual([{ value: 'x', path: ['spec', 0] }])
  expect(elements(field({ 0: 'x', length: 1 }))).toEqual([])
  expect(entries(field({ a: 1 }))).toEqual([['a', { value: 1, path: ['spec', 'a'] }]])
  expect(entries(field([1]))).toEqual([])
  expect(textsOf(field(['x', 1, 'y']))).toEqual(['x', 'y'])
  expect(textMapOf(field({ a: 'x', b: 1 }))).toEqual({ a: 'x' })
  expect(oneOf(field('a'), { a: 1 })).toBe('a')
  expect(oneOf(field('constructor'), { a: 1 })).toBeUndefined()
  expect(oneOf(field(1), { 1: 1 })).toBeUndefined()
})
