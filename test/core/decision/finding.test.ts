import { expect, test } from 'vitest'
import type { GroupFinding, State } from '#core/decision/finding.ts'
import { isProven } from '#core/decision/finding.ts'

const signer = { attestor: 'release', key: 'main', fingerprint: 'f' }
const group = (state: State, signers: GroupFinding['signers']): GroupFinding => ({
  ...{ kind: 'atLeast', count: 2, of: [], pending: false },
  state,
  signers,
})

test.each([
  ['satisfied', [signer], true],
  ['satisfied', [], false],
  ['unsatisfied', [signer], false],
  ['undetermined', [signer], false],
  ['open', [signer], false],
] as const)('a finding that is %s, with the signers %j, is proven: %s', (state, signers, proven) => {
  expect(isProven(group(state, signers))).toBe(proven)
})
