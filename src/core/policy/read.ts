// The door for policy files and objects: texts in, policies with their attestors out, and everything that is wrong with
// its place. An object with a problem gives nothing; whether the rest may be used is for the caller to decide.

import { printable } from '#core/encoding/printable.ts'
import type { YamlPath } from '#core/encoding/yaml.ts'
import { messageOf } from '#core/errors.ts'
import { checkShape } from './check.ts'
import type { Opened, PolicyFile, PolicyObject, Source } from './documents.ts'
import { openDocuments, openObjects } from './documents.ts'
import type { Field, Problem } from './problem.ts'
import { elements, entries, isGiven, member, renderPath, textMapOf, textOf } from './problem.ts'
import type { ReaderTools } from './read-attestor.ts'
import { readAttestor } from './read-attestor.ts'
import { readDenyList, refuseEmptyList } from './read-deny-list.ts'
import { ReadMemo } from './read-memo.ts'
import { readPolicy, refuseSilence } from './read-policy.ts'
import { policyRevision, revisionOf, setRevision } from './revision.ts'
import { documentShapes, namespaceShape } from './schema.ts'
import { didYouMean } from './suggest.ts'
import type { Attestor, DenyList, NamespaceLabels, Policy } from './words.ts'

export interface ReadResult {
  readonly policies: readonly Policy[]
  /** Those of their own; attestors inside a TrustPolicy are found in its rules. */
  readonly attestors: readonly Attestor[]
  readonly denyLists: readonly DenyList[]
  readonly namespaces: readonly NamespaceLabels[]
  /** In the order of files and objects. Not empty: some object was left out, and the rest says less than was written. */
  readonly problems: readonly Problem[]
  /** Of all of it together. */
  readonly revision: string
  /** Where the objects stand. */
  readonly origins: ReadonlyMap<Policy | Attestor | DenyList, Origin>
}

export interface Origin {
  readonly file: string
  /** Where the object stands in its document; not empty for an item of a List. */
  readonly at: YamlPath
  /** The line of a path inside the object. */
  readonly lineOf: (path: YamlPath) => number
}

export interface ReadOptions {
  /** Leaves objects of other systems out instead of reporting them. */
  readonly ignoreForeign?: boolean
}

/**
 * Reads every document of every file: `sealward.dev/v1alpha1` objects, and `v1` Namespaces for their labels.
 * Never throws; what is wrong is in `problems`, with the codes `policy-invalid`, `policy-unsupported` (a word of a
 * version to come), `yaml-malformed`, `input-too-large`, and those of unreadable keys.
 */
export function readDocuments(files: readonly PolicyFile[], tools: ReaderTools, options: ReadOptions = {}): ReadResult {
  return readSources(openDocuments(files, options.ignoreForeign ?? false), files, tools)
}

export interface ReadObjectsOptions {
  /**
   * Names of policies that stay in force though an attestor is gone that they name: nobody can sign for it any more.
   * Of the others, a name that nobody bears is a problem.
   */
  readonly standing?: ReadonlySet<string>
  /** Names of Attestors that are there and not right: a policy that names one is told so. */
  readonly unfit?: readonly string[]
  /** The same value in every call: objects that have not changed are not read again. */
  readonly memo?: ReadMemo
}

/** As `readDocuments`, for the objects of a cluster; problems have no lines. */
export function readObjects(
  objects: readonly PolicyObject[],
  tools: ReaderTools,
  options: ReadObjectsOptions = {},
): ReadResult {
  return readSources(openObjects(objects), objects, tools, options)
}

const noneStands: ReadonlySet<string> = new Set()

function readSources(
  { sources, problems }: Opened,
  files: readonly { readonly name: string }[],
  tools: ReaderTools,
  { standing = noneStands, unfit = [], memo = new ReadMemo() }: ReadObjectsOptions = {},
): ReadResult {
  const seen = new Map<string, string>()
  const of = (...kinds: readonly string[]) => sources.filter(({ kind }) => kinds.includes(kind))
  const attestors = new Map<string, Attestor | undefined>()
  const read: Reading = { tools, seen, attestors, standing, memo }
  const origins = new Map<Policy | Attestor | DenyList, Origin>()
  for (const source of of('Attestor')) {
    const found = whole(source, () => attestorOf(source, read))
    const attestor = found && read.memo.attestor(source.value, found)
    if (attestor) origins.set(attestor, originOf(source))
    const name = textOf(nameField(source))
    if (name !== undefined && !attestors.has(name)) attestors.set(name, attestor)
  }
  for (const name of unfit) if (!attestors.has(name)) attestors.set(name, undefined)
  const policies = of('ClusterTrustPolicy', 'TrustPolicy').flatMap((source) => {
    const policy = keptPolicy(source, read) ?? whole(source, () => policyOf(source, read))
    if (policy) origins.set(policy, originOf(source))
    return policy ?? []
  })
  const denyLists = of('DenyList').flatMap((source) => {
    const list = whole(source, () => denyListOf(source, read))
    if (list) origins.set(list, originOf(source))
    return list ?? []
  })
  const namespaces = of('Namespace').flatMap((source) => whole(source, () => namespaceOf(source, read)) ?? [])
  const parts = { policies, attestors: [...attestors.values()].flatMap((each) => each ?? []), denyLists, namespaces }
  return { ...parts, problems: inOrder(problems, files), revision: setRevision(tools.sha256, parts), origins }
}

function originOf({ file, at, lineOf }: Source): Origin {
  return { file, at, lineOf: (path) => lineOf([...at, ...path]) }
}

interface Reading {
  readonly tools: ReaderTools
  /** Kind, namespace and name of every object so far, with where it stands. */
  readonly seen: Map<string, string>
  /** By name; `undefined` for those that have problems. */
  readonly attestors: ReadonlyMap<string, Attestor | undefined>
  readonly standing: ReadonlySet<string>
  readonly memo: ReadMemo
}

function keptPolicy(source: Source, reading: Reading): Policy | undefined {
  const policy = reading.memo.policy(source.value, reading.attestors)
  if (policy === undefined) return undefined
  refuseSecond(source, policy.namespace, policy.name, reading)
  return source.count() > 0 ? undefined : policy
}

/** Nothing half-read leaves: neither what has a problem, nor silence without one. */
function whole<T>(source: Source, read: () => T | undefined): T | undefined {
  try {
    const value = read()
    if (source.count() > 0) return undefined
    if (value === undefined)
      source.report(source.at, 'could not be read; this is a defect of Sealward', 'internal-error')
    return value
  } catch (error) {
    source.report(source.at, `could not be read: ${messageOf(error)}; this is a defect of Sealward`, 'internal-error')
    return undefined
  }
}

function nameField(source: Source): Field {
  return member(member({ value: source.value, path: source.at }, 'metadata'), 'name')
}

function checked(source: Source): Field {
  const shape = source.kind === 'Namespace' ? namespaceShape : documentShapes.get(source.kind)
  if (shape === undefined) throw new TypeError(`no shape for ${source.kind}`)
  return { value: checkShape(shape, source.value, source.at, source.report), path: source.at }
}

function attestorOf(source: Source, reading: Reading): Attestor | undefined {
  const document = checked(source)
  const name = textOf(member(member(document, 'metadata'), 'name'))
  refuseSecond(source, undefined, name, reading)
  return readAttestor(name, member(document, 'spec'), attestorContext(source, reading))
}

function attestorContext({ report, file }: Source, { tools }: Reading) {
  return { tools, report, file, revision: (value: unknown) => revisionOf(tools.sha256, value) }
}

function denyListOf(source: Source, reading: Reading): DenyList | undefined {
  const document = checked(source)
  const name = textOf(member(member(document, 'metadata'), 'name'))
  refuseEmptyList(member({ value: source.value, path: source.at }, 'spec'), source.report)
  refuseSecond(source, undefined, name, reading)
  return readDenyList(name, member(document, 'spec'), attestorContext(source, reading))
}

function policyOf(source: Source, reading: Reading): Policy | undefined {
  const document = checked(source)
  const spec = member(document, 'spec')
  const metadata = member(document, 'metadata')
  const name = textOf(member(metadata, 'name'))
  refuseSilence(member({ value: source.value, path: source.at }, 'spec'), source.report)
  const kind = source.kind === 'TrustPolicy' ? 'TrustPolicy' : 'ClusterTrustPolicy'
  const namespace = kind === 'TrustPolicy' ? textOf(member(metadata, 'namespace')) : undefined
  refuseSecond(source, namespace, name, reading)
  const inline = inlineAttestors(member(spec, 'attestors'), source, namespace, reading)
  const named = new Map<string, Attestor>()
  const policy = readPolicy({ kind, name, namespace }, spec, {
    report: source.report,
    attestor: (field) => {
      const attestor = findAttestor(field, [inline, reading.attestors], source, reading)
      if (attestor !== undefined && !inline.has(attestor.name)) named.set(attestor.name, attestor)
      return attestor
    },
    revision: (read) => policyRevision(reading.tools.sha256, read),
  })
  // Attestors of its own may have their keys in Secrets, which change beside the object.
  if (policy !== undefined && !namesSecrets(member(spec, 'attestors')) && source.count() === 0)
    reading.memo.keepPolicy(source.value, policy, named)
  return policy
}

function namesSecrets(attestors: Field): boolean {
  return entries(attestors).some(([, spec]) =>
    elements(member(member(spec, 'key'), 'keys')).some((key) => isGiven(key, 'secretRef')),
  )
}

function inlineAttestors(
  field: Field,
  source: Source,
  namespace: string | undefined,
  reading: Reading,
): ReadonlyMap<string, Attestor | undefined> {
  const context = { ...attestorContext(source, reading), namespace }
  return new Map(entries(field).map(([name, spec]) => [name, readAttestor(name, spec, context)]))
}

function findAttestor(
  field: Field,
  scopes: readonly ReadonlyMap<string, Attestor | undefined>[],
  source: Source,
  { standing }: Reading,
): Attestor | undefined {
  const name = textOf(field) ?? ''
  const scope = scopes.find((attestors) => attestors.has(name))
  const attestor = scope?.get(name)
  if (attestor !== undefined) return attestor
  if (standing.has(source.file)) return absentAttestor(name)
  const known = scopes.flatMap((attestors) => [...attestors.keys()])
  const message = scope
    ? `the attestor "${printable(name, 80)}" has problems of its own`
    : `there is no attestor "${printable(name, 80)}"${didYouMean(name, known)}`
  source.report(field.path, message)
  return undefined
}

/** Whoever removes an attestor takes its trust away; the policies that name it refuse what only it could sign. */
function absentAttestor(name: string): Attestor {
  return { kind: 'key', name, keys: [], storage: { layouts: ['Tag', 'Bundle'] }, revision: 'absent' }
}

function namespaceOf(source: Source, reading: Reading): NamespaceLabels | undefined {
  const metadata = member(checked(source), 'metadata')
  const name = textOf(member(metadata, 'name'))
  refuseSecond(source, undefined, name, reading)
  return name === undefined ? undefined : { name, labels: textMapOf(member(metadata, 'labels')) }
}

function refuseSecond(source: Source, namespace: string | undefined, name: string | undefined, reading: Reading): void {
  if (name === undefined) return
  const key = `${source.kind} ${namespace ?? ''}/${name}`
  const first = reading.seen.get(key)
  if (first === undefined)
    reading.seen.set(key, `${source.file}${source.at.length > 0 ? ` ${renderPath(source.at)}` : ''}`)
  else source.report(nameField(source).path, `there is another ${source.kind} of this name in ${first}`)
}

function inOrder(problems: readonly Problem[], files: readonly { readonly name: string }[]): readonly Problem[] {
  const order = new Map(files.map(({ name }, index) => [name, index]))
  return problems.toSorted(
    (a, b) => (order.get(a.file) ?? 0) - (order.get(b.file) ?? 0) || (a.line ?? 0) - (b.line ?? 0),
  )
}
