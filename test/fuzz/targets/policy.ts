// Policy files: whatever stands in them, reading them ends with policies or problems; and whatever policies they hold, an
// image that nobody signed is never trusted by them.

import { readFileSync } from 'node:fs'
import type { Sources } from '#app/engine/sources.ts'
import { readerTools } from '#app/policy-files.ts'
import { CodedError } from '#core/errors.ts'
import { parseDigest } from '#core/image/digest.ts'
import { readDocuments } from '#core/policy/read.ts'
import { compilePolicySet } from '#core/policy/set.ts'
import { type Parts, partsOf, textOf } from '../case.ts'
import { fuzzKeys } from '../keys.ts'
import { must, reading, type Target } from '../target.ts'
import { judgeWith } from './evidence.ts'

/** The examples of the documentation, with keys of the fuzzer for those that they leave out. */
function documented(): Readonly<Record<string, Parts>> {
  const text = readFileSync(new URL('../../../docs/policy.md', import.meta.url), 'utf8')
  const examples = [...text.matchAll(/```yaml\n([\s\S]*?)```/g)].map(([, example = '']) => example)
  return Object.fromEntries(examples.map((example, at) => [`example ${at + 1}`, partsOf({ text: example })]))
}

const indented = fuzzKeys.trusted.pem.trimEnd().replaceAll('\n', '\n          ')

const whole = `apiVersion: sealward.dev/v1alpha1
kind: Attestor
metadata: { name: release }
spec:
  key:
    keys:
      - name: "2026"
        pem: |
          ${indented}
        notBefore: 2026-01-01T00:00:00Z
        notAfter: 2027-01-01T00:00:00Z
---
apiVersion: sealward.dev/v1alpha1
kind: ClusterTrustPolicy
metadata: { name: production }
spec:
  mode: Enforce
  match:
    namespaces: [prod, "team-*"]
    excludeNamespaces: [kube-system]
    objectSelector: { matchExpressions: [{ key: app, operator: NotIn, values: [x] }] }
  rules:
    - images: ["registry.example.com/**"]
      exceptImages: ["registry.example.com/base/*"]
      references: Any
      platforms: Index
      require:
        anyOf:
          - signature: { attestor: release, annotations: { team: payments }, identity: { type: MatchRepository } }
          - atLeast: { count: 1, of: [{ signature: { attestor: release } }] }
    - images: ["**"]
      require: { deny: { message: no } }
  otherwise: Deny
  pin: TagAndDigest
  whenUndetermined: UseLastVerdict
  lastVerdictMaxAge: 24h
`

const words = [
  'Attestor',
  'ClusterTrustPolicy',
  'TrustPolicy',
  'Namespace',
  'List',
  'items:',
  'spec:',
  'mode: Audit',
  'mode: Warn',
  'otherwise: Accept',
  'pin: InsecureNever',
  'whenUndetermined: InsecureAdmit',
  'insecureAcceptAnything: {}',
  'deny: {}',
  'allOf:',
  'anyOf:',
  'atLeast:',
  'count: 0',
  'revoked: { at: 2026-01-01T00:00:00Z, reason: Compromised }',
  'platforms: Each',
  'references: DigestOnly',
  'namespaceSelector: {}',
  'resourceRules:',
  'matchConditions:',
  'policyJson:',
  'keyless:',
  'attestors:',
  'storage: { layouts: [Tag] }',
  'file: x.pub',
  'name: ""',
  '"**"',
  '- ',
  '---\n',
]

const unsigned = 'registry.example.com/team/app:bad'
const imageDigest = parseDigest(`sha256:${'a'.repeat(64)}`)

export const policy: Target = {
  name: 'policy',
  about: 'policy files, read, compiled and used on an unsigned image',
  syntax: { text: 'lines' },
  dictionary: words,
  // Twice the YAML of a long text.
  cpuMs: 2_000,
  open: () => ({
    seeds: { ...documented(), whole: partsOf({ text: whole }) },
    run: async (parts) => {
      const text = textOf(parts['text'])
      const read = readDocuments([{ name: 'fuzz.yaml', text }], tools)
      for (const { message, path } of read.problems) {
        must(
          message !== '' && !/\p{Cc}/u.test(message + path),
          'a problem is told in words that no terminal should see',
          () => message,
        )
      }
      const again = readDocuments([{ name: 'fuzz.yaml', text }], tools)
      must(
        again.policies.map(({ revision }) => revision).join() === read.policies.map(({ revision }) => revision).join(),
        'the same policy has two revisions',
      )
      const set = reading(() => compilePolicySet(read))
      if (set.code !== undefined) return `${set.code}`
      const judge = judgeWith(nothingSigned, set.value)
      const outcomes: string[] = []
      for (const namespace of ['prod', 'team-a', 'default']) {
        const { outcome, code = '' } = (await judge(unsigned, namespace)) ?? { outcome: 'left alone' }
        must(outcome !== 'trusted', 'an image that nobody signed is called trusted')
        must(code !== 'internal-error', 'judging ended in an internal error')
        outcomes.push(`${outcome} ${code}`)
      }
      return `${[...new Set(read.problems.map(({ code, path }) => `${code} ${path.replace(/[0-9]+/g, '0')}`))].sort().slice(0, 2)} ${outcomes}`
    },
  }),
}

const tools = {
  ...readerTools(),
  readFile: (path: string): string => {
    if (path.endsWith('.pub')) return fuzzKeys.second.pem
    throw new CodedError('file-unreadable', 'there is no such file')
  },
}

/** Every image is there, and nothing is signed. */
const nothingSigned: Sources = {
  resolve: async () => ({ digest: imageDigest, mediaType: '' }),
  access: async () => undefined,
  manifest: async (_at, digest) => {
    throw new CodedError('content-missing', `there is no ${digest}`)
  },
  tagged: async () => null,
  referrers: async () => [],
  blob: async (_at, digest) => {
    throw new CodedError('content-missing', `there is no ${digest}`)
  },
}
