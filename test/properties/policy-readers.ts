// The readers of `src/core/policy`.

import fc from 'fast-check'
import { expect } from 'vitest'
import { parseReference } from '#core/image/reference.ts'
import type { ReadResult } from '#core/policy/read.ts'
import { compilePolicySet } from '#core/policy/set.ts'
import { parseDuration, parseInstant } from '#core/policy/text-formats.ts'
import {
  attestor,
  clusterPolicy,
  denyList,
  type Json,
  keySpec,
  pems,
  read,
  rule,
  teamPolicy,
} from '../support/policy-documents.ts'
import { texts } from './hostile.ts'
import { demanded } from './outcome.ts'
import { propertiesOf, type ReaderProperties } from './reader.ts'
import { component, host } from './words.ts'

const name = fc.stringMatching(/^p[a-z0-9]{0,8}$/)
const images = fc.array(
  fc.tuple(host, component).map(([registry, path]) => `${registry}/${path}/**`),
  { minLength: 1, maxLength: 3 },
)
const signature = fc.record({
  attestor: fc.constant('release'),
  annotations: fc.dictionary(component, component, { maxKeys: 2, noNullPrototype: true }),
})
const requirement: fc.Arbitrary<Json> = fc.oneof(
  signature.map((each) => ({ signature: each })),
  fc
    .array(signature, { minLength: 1, maxLength: 3 })
    .map((all) => ({ allOf: all.map((each) => ({ signature: each })) })),
  fc.constant({ deny: {} }),
)
const policy = fc
  .record({
    images,
    requirement,
    mode: fc.constantFrom('Enforce', 'Warn', 'Audit'),
    otherwise: fc.constantFrom('Deny', 'Accept'),
  })
  .map((parts) => ({
    ...parts,
    spec: { mode: parts.mode, rules: [rule(parts.images, parts.requirement)], otherwise: parts.otherwise },
  }))

const hex = (digits: number) =>
  fc
    .array(fc.constantFrom(...'0123456789abcdef'), { minLength: digits, maxLength: digits })
    .map((each) => each.join(''))
const denyLists = fc.dictionary(
  name,
  fc.record({
    digests: fc.uniqueArray(
      fc.oneof(
        hex(64).map((each) => `sha256:${each}`),
        hex(128).map((each) => `sha512:${each}`),
      ),
      { minLength: 1, maxLength: 3 },
    ),
    keys: fc.uniqueArray(hex(64), { minLength: 1, maxLength: 3 }),
    reason: component,
  }),
  { maxKeys: 2, noNullPrototype: true },
)

/** An attestor with two keys, and some policies: YAML documents, written as the JSON that YAML includes. */
const policyFile = fc
  .tuple(fc.dictionary(name, policy, { maxKeys: 3, noNullPrototype: true }), fc.option(name), denyLists)
  .map(([policies, team, lists]) => {
    const keys = keySpec(
      { name: 'a', pem: pems.first, notAfter: '2027-01-01T00:00:00Z' },
      { name: 'b', pem: pems.second },
    )
    const documents = [
      attestor('release', keys),
      ...Object.entries(policies).map(([each, { spec }]) => clusterPolicy(spec, each)),
      ...(team === null ? [] : [teamPolicy({ rules: [rule(['nginx'])] }, 'prod', team)]),
      ...Object.entries(lists).map(([each, spec]) => denyList(spec, each)),
    ]
    return {
      input: documents.map((each) => JSON.stringify(each, null, 1)).join('\n---\n'),
      means: [
        ...Object.entries(policies).map(([each, { mode, otherwise, images: patterns }]) => ({
          name: each,
          mode,
          otherwise,
          patterns,
        })),
        ...(team === null ? [] : [{ name: team, mode: 'Enforce', otherwise: 'Deny', patterns: ['nginx'] }]),
        ...Object.entries(lists).map(([each, spec]) => ({ name: each, ...spec })),
      ],
    }
  })

/** Without the functions that find lines, which are never alike. */
type Result = Omit<ReadResult, 'origins'>

function summaryOf({ policies, denyLists: lists, problems }: Result): unknown {
  expect(problems).toEqual([])
  const denied = lists.map(({ name: each, digests, keys, reason }) => ({ name: each, digests, keys, reason }))
  const read = policies.map(({ name: each, mode, otherwise, rules }) => ({
    name: each,
    mode,
    otherwise,
    patterns: rules.flatMap((one) => one.images.map(({ text }) => text)),
  }))
  return [...read, ...denied]
}

/** Policies or problems: nothing is left out in silence, and what was read decides. */
function staysWhole(result: Result, text: string): void {
  const written = (text.match(/"?kind"?\s*:\s*"?(Cluster)?TrustPolicy"?/g) ?? []).length
  if (result.problems.length === 0 && !text.includes('#')) expect(result.policies.length).toBe(written)
  const lists = (text.match(/"?kind"?\s*:\s*"?DenyList"?/g) ?? []).length
  if (result.problems.length === 0 && !text.includes('#')) expect(result.denyLists.length).toBe(lists)
  for (const { code, message, line = 1 } of result.problems) {
    expect(code).not.toBe('internal-error')
    expect(message.length).toBeLessThanOrEqual(1_000)
    expect(line).toBeGreaterThanOrEqual(1)
  }
  const matched = compilePolicySet(result).match({
    namespace: 'prod',
    objectLabels: {},
    apiGroup: '',
    apiVersion: 'v1',
    resource: 'pods',
    operation: 'CREATE',
  })
  for (const each of matched.rulesFor(parseReference('nginx'))) expect(matched.policies).toContain(each.policy)
}

const words = [
  'attestor',
  'signature',
  'rules',
  'images',
  '"**"',
  'mode',
  'Audit',
  'otherwise',
  'Accept',
  'deny',
  'allOf',
  'anyOf',
  'atLeast',
  'file',
  'pem',
  'match',
  'namespaces',
  'insecureAcceptAnything',
  'DenyList',
  'digests',
]

const second = 1_000
const count = (max: number) => fc.option(fc.nat(max), { nil: undefined })

const duration = fc
  .tuple(count(99_999), count(9_999_999), count(999_999_999))
  .filter((parts) => parts.some((part) => part !== undefined))
  .map(([hours, minutes, seconds]) => ({
    input: [
      [hours, 'h'],
      [minutes, 'm'],
      [seconds, 's'],
    ]
      .map(([amount, unit]) => (amount === undefined ? '' : `${amount}${unit}`))
      .join(''),
    means: (((hours ?? 0) * 60 + (minutes ?? 0)) * 60 + (seconds ?? 0)) * second,
  }))

const offset = fc.tuple(fc.constantFrom(1, -1), fc.nat(23), fc.nat(59))
const instant = fc
  .tuple(
    fc.date({ min: new Date('1971-01-01T00:00:00Z'), max: new Date('9998-12-31T00:00:00Z'), noInvalidDate: true }),
    offset,
  )
  .map(([at, [sign, hours, minutes]]) => {
    const there = new Date(at.getTime() + sign * (hours * 60 + minutes) * 60_000).toISOString().slice(0, -1)
    const zone = [hours, minutes].map((part) => String(part).padStart(2, '0')).join(':')
    return { input: `${there}${sign > 0 ? '+' : '-'}${zone}`, means: at.getTime() }
  })

export const policyReaders: readonly ReaderProperties[] = [
  propertiesOf({
    of: [
      'src/core/policy/read.ts readDocuments',
      'src/core/policy/documents.ts openDocuments',
      'src/core/policy/read-attestor.ts readAttestor',
      'src/core/policy/read-attestor.ts readRepository',
      'src/core/policy/read-deny-list.ts readDenyList',
      'src/core/policy/read-match.ts readMatch',
      'src/core/policy/read-policy.ts readPolicy',
      'src/core/policy/read-requirement.ts readRequirement',
    ],
    form: texts('json', words),
    read: (text) => {
      const { origins: _, ...result } = read(text)
      return result
    },
    written: policyFile,
    meaningOf: summaryOf,
    refuses: [],
    promises: staysWhole,
  }),
  propertiesOf({
    of: ['src/core/policy/text-formats.ts parseDuration'],
    form: texts('text', ['1h', '30m', '1.5h', '-1h', 'ms', '1m1h']),
    read: (text) => demanded(parseDuration(text), 'policy-invalid'),
    written: duration,
    refuses: ['policy-invalid'],
    promises: (milliseconds) => expect(Number.isSafeInteger(milliseconds) && milliseconds >= 0).toBe(true),
  }),
  propertiesOf({
    of: ['src/core/policy/text-formats.ts parseInstant'],
    form: texts('text', ['2026-02-29', 'T24:00:00Z', ':60Z', '+23:59', '.123456789Z']),
    read: (text) => demanded(parseInstant(text), 'policy-invalid'),
    written: instant,
    refuses: ['policy-invalid'],
    rewrite: (at) => new Date(at).toISOString(),
  }),
]
