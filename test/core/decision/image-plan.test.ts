import { expect, test } from 'vitest'
import { demandsOf, policyName, strictestWhenUndetermined } from '#core/decision/image-plan.ts'
import type { WhenUndetermined } from '#core/policy/words.ts'
import { policy } from '../../support/policies.ts'

const saying = (whenUndetermined: WhenUndetermined) => policy(whenUndetermined, [], { whenUndetermined })
const [deny, last, admit] = [saying('Deny'), saying('UseLastVerdict'), saying('InsecureAdmit')]

test.each([
  ['Deny', [deny, last, admit]],
  ['Deny', [admit, deny]],
  ['UseLastVerdict', [admit, last]],
  ['InsecureAdmit', [admit, admit]],
  ['Deny', []],
] as const)('the strictest is %s', (strictest, policies) => {
  expect(strictestWhenUndetermined(policies)).toBe(strictest)
})

test('the demands of a mode are those of its policies', () => {
  const [enforce, warn] = (['Enforce', 'Warn'] as const).map((mode) => {
    return { kind: 'otherwise', policy: policy(mode, [], { mode }) } as const
  })
  if (enforce === undefined || warn === undefined) throw new Error('no demands')
  const image = { key: '', reference: undefined, text: '', demands: [enforce, warn] }
  expect([demandsOf(image, 'Enforce'), demandsOf(image, 'Audit')]).toEqual([[enforce], []])
})

test('a policy of a namespace is named with it', () => {
  expect([policyName({ name: 'p' }), policyName({ name: 'p', namespace: 'team' })]).toEqual(['p', 'team/p'])
})
