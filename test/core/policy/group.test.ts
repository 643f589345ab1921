import { describe, expect, test } from 'vitest'
import { groupPolicies, onlyNamespaces } from '#core/policy/group.ts'
import { nameGlob } from '#core/policy/read-match.ts'
import type { PolicyParts } from '../../support/policies.ts'
import { policy } from '../../support/policies.ts'

const named = (...namespaces: readonly string[]): PolicyParts => ({
  match: { namespaces: namespaces.map(nameGlob), excludeNamespaces: [] },
})
const grouped = (...parts: readonly PolicyParts[]) =>
  groupPolicies(parts.map((each, index) => policy(`p${index}`, [], each)))

describe('policies are grouped', () => {
  const count = (...parts: readonly PolicyParts[]) => grouped(...parts).length

  test('by where they apply, and by nothing else', () => {
    expect(count(named('a'), { ...named('a'), mode: 'Warn', otherwise: 'Accept' })).toBe(1)
    expect(count(named('a'), named('b'))).toBe(2)
    expect(count({}, { match: { excludeNamespaces: [nameGlob('a')] } })).toBe(2)
    const selector = { matchLabels: { a: 'b' }, matchExpressions: [] }
    expect(count({}, { match: { excludeNamespaces: [], objectSelector: selector } })).toBe(2)
    expect(count({}, { match: { excludeNamespaces: [], namespaceSelector: selector } })).toBe(2)
    expect(count({}, { match: { excludeNamespaces: [], resourceRules: [] } })).toBe(2)
  })

  test('by the namespace that a TrustPolicy speaks in', () => {
    expect(count({}, { namespace: 'a' }, { namespace: 'b' }, { namespace: 'b' })).toBe(3)
  })
})

describe('the only namespaces of a group', () => {
  test.each<[string, PolicyParts, readonly string[] | undefined]>([
    ['are those that it names', named('a', 'b'), ['a', 'b']],
    ['cannot be listed with a wildcard among them', named('a', 'b*'), undefined],
    ['cannot be listed where it names none', {}, undefined],
    ['are that of a TrustPolicy', { namespace: 'team' }, ['team']],
    ['are that of a TrustPolicy, whatever it names', { namespace: 'team', ...named('t*') }, ['team']],
  ])('%s', (_, parts, only) => {
    expect(grouped(parts).map(onlyNamespaces)).toEqual([only])
  })
})
