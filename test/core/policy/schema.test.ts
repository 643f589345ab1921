import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { describedWords, laterWords, supportedWords } from '#core/policy/describe.ts'
import { documentShapes, kinds } from '#core/policy/schema.ts'
import type { Shape } from '#core/policy/shape.ts'
import { withWords } from '../../../scripts/render-words.ts'
import type { Json, Spec } from '../../support/policy-documents.ts'
import {
  apiVersion,
  attestor,
  clusterPolicy,
  denyList,
  keySpec,
  pems,
  read,
  rule,
  signedByRelease,
  toolsWith,
} from '../../support/policy-documents.ts'
import { everyWord } from './words/every-word.ts'

/** Member names and values, everywhere in a shape. */
function names(shape: Shape): readonly string[] {
  switch (shape.kind) {
    case 'object':
      return Object.entries(shape.members).flatMap(([name, word]) => [name, ...names(word.shape)])
    case 'choice':
      return Object.keys(shape.values)
    case 'list':
    case 'names':
      return names(shape.of)
    default:
      return []
  }
}

describe('the schema', () => {
  it('has no name that YAML 1.1 reads as a boolean', () => {
    const all = [...Object.keys(kinds), ...[...documentShapes.values()].flatMap(names)]
    expect(all.length).toBeGreaterThan(200)
    const booleans = ['y', 'n', 'yes', 'no', 'on', 'off', 'true', 'false', '~', 'null']
    expect(all.filter((name) => booleans.includes(name.toLowerCase()))).toEqual([])
  })

  it('says something about every word, and gives defaults that it accepts', () => {
    for (const { path, doc } of describedWords()) expect(doc, path).toMatch(/^\S.*[.:]$|^\S.*\.$/)
    expect(supportedWords().length).toBeGreaterThan(100)
    expect(new Set([...supportedWords(), ...laterWords()]).size).toBe(supportedWords().length + laterWords().length)
  })

  it('has the documentation made from it', () => {
    const document = readFileSync('docs/policy.md', 'utf8')
    expect(withWords(document), 'run `npm run docs`').toBe(document)
  })
})

describe('words of versions to come', () => {
  const attestorWith = (spec: Spec) => [attestor('release', { ...keySpec(), ...spec })]
  const policyWith = (spec: Spec) => [attestor(), clusterPolicy({ otherwise: 'Deny', ...spec })]
  const keyWith = (key: Spec) => [attestor('release', { key: { keys: [{ name: 'k', ...key }] } })]
  const cases: Readonly<Record<string, readonly Json[]>> = {
    'Attestor spec.key.keys[].kms': keyWith({ kms: 'awskms:///alias/release' }),
    'Attestor spec.key.keys[].pkcs11': keyWith({ pkcs11: 'pkcs11:token=a' }),
    'Attestor spec.keyless': [attestor('release', { keyless: { identities: [] } })],
    'Attestor spec.certificate': [attestor('release', { certificate: {} })],
    'Attestor spec.gpg': [attestor('release', { gpg: {} })],
    'Attestor spec.notation': [attestor('release', { notation: {} })],
    'Attestor spec.grafeas': [attestor('release', { grafeas: {} })],
    'Attestor spec.log.mode: Require': attestorWith({ log: { mode: 'Require' } }),
    'Attestor spec.timestamp.mode: Require': attestorWith({ timestamp: { mode: 'Require' } }),
    'Attestor spec.sigstoreRoot': attestorWith({ sigstoreRoot: 'corp' }),
    'Attestor spec.storage.layouts[]: Lookaside': attestorWith({ storage: { layouts: ['Lookaside'] } }),
    'Attestor spec.storage.layouts[]: Extension': attestorWith({ storage: { layouts: ['Tag', 'Extension'] } }),
    'Attestor spec.storage.lookaside': attestorWith({ storage: { lookaside: ['https://a.example.com'] } }),
    'ClusterTrustPolicy spec.match.matchConditions': policyWith({ match: { matchConditions: [] } }),
    'ClusterTrustPolicy spec.rules[].platforms: ClusterNodes': policyWith({
      rules: [rule(['a.example.com/b'], signedByRelease, { platforms: 'ClusterNodes' })],
    }),
    'ClusterTrustPolicy spec.rules[].require.attestation': policyWith({
      rules: [rule(['a.example.com/b'], { attestation: { attestor: 'release' } })],
    }),
    'ClusterTrustPolicy spec.policyJson': [clusterPolicy({ policyJson: '{}' })],
    'ClusterTrustPolicy spec.denial.compat: KritisValidationHook': policyWith({
      denial: { compat: 'KritisValidationHook' },
    }),
    'ClusterTrustPolicy spec.denial.compat: CosignValidator': policyWith({ denial: { compat: 'CosignValidator' } }),
    'ClusterTrustPolicy spec.denial.compat: Cerberus': policyWith({ denial: { compat: 'Cerberus' } }),
    SigstoreRoot: [{ apiVersion, kind: 'SigstoreRoot', metadata: { name: 'a' }, spec: {} }],
    SigningRule: [{ apiVersion, kind: 'SigningRule', metadata: { name: 'a' }, spec: {} }],
    TrustException: [{ apiVersion, kind: 'TrustException', metadata: { name: 'a', namespace: 'b' }, spec: {} }],
    'DenyList spec.identities': [denyList({ identities: [] })],
    NodeTrust: [{ apiVersion, kind: 'NodeTrust', metadata: { name: 'a' }, spec: {} }],
  }

  it('each have a case here', () => {
    expect(Object.keys(cases).sort()).toEqual([...laterWords()].sort())
  })

  it.each(Object.entries(cases))('%s is refused as not supported yet', (word, documents) => {
    const { problems } = read(documents)
    expect(problems).toMatchObject([
      { code: 'policy-unsupported', message: expect.stringMatching(/is not supported yet$/) },
    ])
    const last = word.split(/[ .]/).at(-1) ?? ''
    expect(`${problems[0]?.path} ${problems[0]?.message}`).toContain(last)
  })
})

const everything = everyWord({ file: 'b.pub' }, { secretRef: { namespace: 'keys', name: 'release', key: 'c.pub' } })
const tools = toolsWith({ 'b.pub': pems.third }, { 'keys/release c.pub': pems.fourth })

interface Leaf {
  readonly word: string
  readonly value: Json
  /** The documents with another value in this place. */
  readonly with: (value: Json) => readonly Json[]
}

/** Every member and value below `spec`, with the word that it uses. */
function leavesOf(documents: readonly Json[]): readonly Leaf[] {
  const found: Leaf[] = []
  const visit = (kind: string, word: string, value: Json | undefined, replace: Leaf['with']): void => {
    if (value === undefined) return
    found.push({ word: `${kind} ${word}`, value, with: replace })
    if (typeof value === 'string') found.push({ word: `${kind} ${word}: ${value}`, value, with: replace })
    if (Array.isArray(value)) {
      for (const [index, each] of value.entries()) {
        visit(kind, `${word}[]`, each, (other) => replace(value.with(index, other) as Json))
      }
    } else if (typeof value === 'object' && value !== null) {
      for (const [name, each] of Object.entries(value)) {
        const step = /\.(matchLabels|annotations|attestors)$/.test(word) ? '<name>' : name
        visit(
          kind,
          `${word}.${step}`.replace(/require\.(?:(?:allOf|anyOf|atLeast\.of)\[\]\.?)+/, 'require.'),
          each,
          (other) => replace({ ...value, [name]: other }),
        )
      }
    }
  }
  documents.forEach((document, index) => {
    if (typeof document !== 'object' || document === null || Array.isArray(document)) return
    const object = document as { readonly [name: string]: Json }
    visit(String(object['kind']), 'spec', object['spec'], (spec) => documents.with(index, { ...object, spec }))
  })
  return found
}

describe('supported words', () => {
  const leaves = leavesOf(everything)

  it('are all used in documents that are accepted', () => {
    expect(read(everything, tools).problems).toEqual([])
    const used = new Set(leaves.map(({ word }) => word))
    expect(supportedWords().filter((word) => !used.has(word))).toEqual([])
  })

  const texts = leaves.filter(
    ({ word, value }) => (typeof value === 'string' || typeof value === 'number') && !word.includes(': '),
  )

  it.each(texts.map((leaf): [string, Leaf] => [`${leaf.word} (${String(leaf.value).slice(0, 26)})`, leaf]))(
    '%s matters: another value is another revision, or refused',
    (_, leaf) => {
      const before = read(everything, tools).revision
      const others = typeof leaf.value === 'number' ? [leaf.value + 1] : alternatives(leaf)
      for (const other of others) {
        const { revision, problems } = read(leaf.with(other), tools)
        expect(problems.length > 0 || revision !== before, String(other)).toBe(true)
      }
    },
  )
})

/** The other values of a choice; for free text a little more text. */
function alternatives({ word, value }: Leaf): readonly string[] {
  const values = supportedWords().flatMap((each) => (each.startsWith(`${word}: `) ? [each.slice(word.length + 2)] : []))
  return values.length > 1 ? values.filter((each) => each !== value) : [`${String(value)}z`]
}
