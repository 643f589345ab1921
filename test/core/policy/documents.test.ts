// What is found in files before anything of it is read as a policy.

import { expect, test } from 'vitest'
import { maxObjects, openDocuments } from '#core/policy/documents.ts'

const list = (count: number) => {
  const items = Array.from({ length: count }, () => '{"apiVersion":"v1","kind":"Namespace"}')
  return { name: 'list.yaml', text: `{"apiVersion":"v1","kind":"List","items":[${items.join()}]}` }
}

function problemsOf(text: string) {
  return openDocuments([{ name: 'policy.yaml', text }], false).problems
}

test('too many objects are none at all, which is said after what was wrong before', () => {
  const wrong = { name: 'wrong.yaml', text: '7' }
  const half = maxObjects / 2
  const some = openDocuments([wrong, list(half), list(half)], false)
  expect(some.sources).toHaveLength(maxObjects)
  expect(some.problems).toMatchObject([{ file: 'wrong.yaml', message: 'must be an object with apiVersion and kind' }])
  const tooMany = openDocuments([wrong, list(half), list(half + 1)], false)
  expect(tooMany.sources).toEqual([])
  expect(tooMany.problems).toMatchObject([
    { file: 'wrong.yaml', message: 'must be an object with apiVersion and kind' },
    { file: 'list.yaml', code: 'input-too-large', message: 'more than 20000 objects in one load' },
  ])
})

test.each(['{}', '"x"', 'null'])('the items of a List are a list: %s', (items) => {
  expect(problemsOf(`{"apiVersion":"v1","kind":"List","items":${items}}`)).toMatchObject([
    { path: 'items', message: 'must be a list of objects' },
  ])
  expect(problemsOf('{"apiVersion":"v1","kind":"List","items":[]}')).toEqual([])
})

test('a problem names its object with the namespace, where it has one', () => {
  const nameOf = (metadata: string) =>
    problemsOf(`{"apiVersion":"example.com/v1","kind":"Thing","metadata":${metadata}}`)[0]?.name
  expect(nameOf('{"name":"ours","namespace":"team"}')).toBe('team/ours')
  expect(nameOf('{"name":"ours"}')).toBe('ours')
  expect(nameOf('{"name":"ours","namespace":7}')).toBe('ours')
})
