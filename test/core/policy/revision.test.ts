// Equal meaning, equal revision, whatever the order in which things were read.

import { createHash } from 'node:crypto'
import { expect, test } from 'vitest'
import { setRevision } from '#core/policy/revision.ts'
import { attestor, policy } from '../../support/policies.ts'

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex')

const parts = {
  policies: [policy('a', []), policy('b', [])],
  attestors: [attestor('release'), attestor('ci')],
  denyLists: [],
  namespaces: [
    { name: 'team', labels: { a: '1' } },
    { name: 'prod', labels: {} },
  ],
}

test('the order of objects makes no difference', () => {
  const turned = {
    policies: parts.policies.toReversed(),
    attestors: parts.attestors.toReversed(),
    denyLists: parts.denyLists.toReversed(),
    namespaces: parts.namespaces.toReversed(),
  }
  expect(setRevision(sha256, turned)).toBe(setRevision(sha256, parts))
})

test.each([
  ['policies', { policies: parts.policies.slice(1) }],
  ['attestors', { attestors: parts.attestors.slice(1) }],
  ['namespaces', { namespaces: parts.namespaces.slice(1) }],
  [
    'names of namespaces',
    {
      namespaces: [
        { name: 'crew', labels: { a: '1' } },
        { name: 'prod', labels: {} },
      ],
    },
  ],
  [
    'labels',
    {
      namespaces: [
        { name: 'team', labels: { a: '2' } },
        { name: 'prod', labels: {} },
      ],
    },
  ],
])('other %s make one', (_, changed) => {
  expect(setRevision(sha256, { ...parts, ...changed })).not.toBe(setRevision(sha256, parts))
})

test('a revision has sixteen characters of the hash', () => {
  expect(setRevision(sha256, parts)).toMatch(/^[0-9a-f]{16}$/)
})
