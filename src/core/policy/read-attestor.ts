// Attestors out of checked documents: key life, distinct keys, storage.

import { printable } from '#core/encoding/printable.ts'
import { CodedError, codeOf, messageOf } from '#core/errors.ts'
import { parseReference, repositoryName } from '#core/image/reference.ts'
import type { Field, Report } from './problem.ts'
import { elements, isGiven, member, oneOf, textOf } from './problem.ts'
import { layouts, revocationReasons } from './schema-attestor.ts'
import { parseInstant } from './text-formats.ts'
import type { Attestor, AttestorKey, KeyAlgorithm, Storage } from './words.ts'

/** What reading needs of the world, as functions: core itself hashes nothing, parses no keys and opens no files. */
export interface ReaderTools {
  /** SHA-256 in lower-case hex. */
  readonly sha256: (text: string) => string
  /** Throws `key-malformed`, `key-unsupported` or `key-weak`. */
  readonly describePublicKey: (pem: string) => {
    readonly pem: string
    readonly fingerprint: string
    readonly algorithm: KeyAlgorithm
  }
  /** The text of `path`, which the file `from` names. Throws `file-unreadable`. Absent: `file:` is refused. */
  readonly readFile?: (path: string, from: string) => string
  /**
   * The text under a key of a Secret, for an attestor of the cluster or for one that a policy of the namespace `tenant` has.
   * Throws `key-unavailable`. Absent: `secretRef:` is refused.
   */
  readonly readSecret?: (ref: SecretRef, tenant: string | undefined) => string
}

export interface SecretRef {
  readonly namespace: string
  readonly name: string
  readonly key: string
}

export interface AttestorContext {
  readonly tools: ReaderTools
  readonly report: Report
  /** The file that says it. */
  readonly file: string
  /** Of a policy that has attestors of its own: the only namespace whose Secrets these may name. */
  readonly namespace?: string | undefined
  readonly revision: (value: unknown) => string
}

/** The attestor, or `undefined` where something is wrong; everything wrong has been reported. */
export function readAttestor(name: string | undefined, spec: Field, context: AttestorContext): Attestor | undefined {
  refuseThreshold(member(spec, 'log'), context.report)
  refuseThreshold(member(spec, 'timestamp'), context.report)
  const keyFields = elements(member(member(spec, 'key'), 'keys'))
  const keys = keyFields.flatMap((field) => readKey(field, context) ?? [])
  refuseSameKeys(keyFields, keys, context.report)
  const storage = readStorage(member(spec, 'storage'), context.report)
  if (name === undefined || storage === undefined || keys.length === 0 || keys.length < keyFields.length) {
    return undefined
  }
  const attestor = { kind: 'key', name, keys, storage } as const
  const parts = { ...attestor, keys: keys.map(({ pem: _, ...decisive }) => decisive) }
  return { ...attestor, revision: context.revision(parts) }
}

function refuseThreshold(proof: Field, report: Report): void {
  const threshold = member(proof, 'threshold')
  if (typeof threshold.value === 'number' && threshold.value > 1) {
    report(threshold.path, 'means nothing with mode: Ignore')
  }
}

function readKey(field: Field, context: AttestorContext): AttestorKey | undefined {
  const name = textOf(member(field, 'name'))
  const described = describe(field, context)
  const life = readLife(field, context.report)
  const revoked = readRevocation(field, context.report)
  if (name === undefined || described === undefined || life === undefined || revoked === undefined) return undefined
  return { name, ...described, ...life, ...revoked }
}

function describe(
  field: Field,
  context: AttestorContext,
): Pick<AttestorKey, 'pem' | 'fingerprint' | 'algorithm'> | undefined {
  const source = ['pem', 'file', 'secretRef']
    .map((name) => member(field, name))
    .find(({ value }) => value !== undefined)
  if (source === undefined) return undefined
  try {
    const text = textOf(member(field, 'pem')) ?? keyFile(member(field, 'file'), context) ?? keySecret(field, context)
    if (text === undefined) return undefined
    const { pem, fingerprint, algorithm } = context.tools.describePublicKey(text)
    return { pem, fingerprint, algorithm }
  } catch (error) {
    context.report(source.path, messageOf(error), codeOf(error))
    return undefined
  }
}

function keyFile(field: Field, context: AttestorContext): string | undefined {
  const path = textOf(field)
  if (path === undefined) return undefined
  if (context.tools.readFile === undefined) {
    throw new CodedError('policy-invalid', 'is a word for policy files only; in a cluster write the key as pem')
  }
  return context.tools.readFile(path, context.file)
}

function keySecret(field: Field, { tools, namespace: own, report }: AttestorContext): string | undefined {
  const ref = member(field, 'secretRef')
  const name = textOf(member(ref, 'name'))
  const key = textOf(member(ref, 'key'))
  if (name === undefined || key === undefined) return undefined
  if (tools.readSecret === undefined)
    throw new CodedError('policy-invalid', 'is a word for objects in a cluster only; in a file write pem or file')
  const written = member(ref, 'namespace')
  const namespace = textOf(written) ?? own
  if (namespace === undefined) report(written.path, 'is missing')
  else if (own !== undefined && namespace !== own)
    report(written.path, `must be "${own}": the attestors of a TrustPolicy are read from its own namespace only`)
  else return tools.readSecret({ namespace, name, key }, own)
  return undefined
}

type Optional<T> = { readonly [K in keyof T]?: Exclude<T[K], undefined> }

/** `undefined` where something is wrong; absent members where nothing is written. */
function readLife(field: Field, report: Report): Optional<Pick<AttestorKey, 'notBefore' | 'notAfter'>> | undefined {
  const notBefore = readInstant(member(field, 'notBefore'), report)
  const notAfter = readInstant(member(field, 'notAfter'), report)
  if (notBefore === 'wrong' || notAfter === 'wrong') return undefined
  if (notBefore !== undefined && notAfter !== undefined && notBefore >= notAfter) {
    report(member(field, 'notAfter').path, 'must be later than notBefore; the key would never be valid')
    return undefined
  }
  return { ...(notBefore !== undefined && { notBefore }), ...(notAfter !== undefined && { notAfter }) }
}

function readRevocation(field: Field, report: Report): Optional<Pick<AttestorKey, 'revoked'>> | undefined {
  if (!isGiven(field, 'revoked')) return {}
  const revoked = member(field, 'revoked')
  const at = readInstant(member(revoked, 'at'), report)
  const reason = oneOf(member(revoked, 'reason'), revocationReasons)
  return typeof at === 'number' && reason !== undefined ? { revoked: { at, reason } } : undefined
}

function readInstant(field: Field, report: Report): number | 'wrong' | undefined {
  const text = textOf(field)
  if (text === undefined) return undefined
  const instant = parseInstant(text)
  if (instant !== undefined) return instant
  report(
    field.path,
    `"${printable(text, 64)}" is not an instant such as 2026-01-31T08:00:00Z (RFC 3339, a day that exists)`,
  )
  return 'wrong'
}

/** A threshold counts distinct keys: one key under two names would count twice. */
function refuseSameKeys(fields: readonly Field[], keys: readonly AttestorKey[], report: Report): void {
  const names = new Map<string, number>()
  const path = (index: number, name: string) => (fields[index] ? member(fields[index], name).path : [])
  fields.forEach((field, index) => {
    const name = textOf(member(field, 'name'))
    if (name === undefined) return
    const first = names.get(name)
    if (first !== undefined) report(path(index, 'name'), `keys[${first}] has the same name`)
    else names.set(name, index)
  })
  if (keys.length < fields.length) return // which key stands where is only known if all could be read
  const fingerprints = new Map<string, number>()
  keys.forEach(({ fingerprint }, index) => {
    const first = fingerprints.get(fingerprint)
    if (first !== undefined) report(fields[index]?.path ?? [], `is the same key as keys[${first}]`)
    else fingerprints.set(fingerprint, index)
  })
}

function readStorage(field: Field, report: Report): Storage | undefined {
  if (field.value === undefined) return { layouts: ['Tag', 'Bundle'] }
  const read = elements(member(field, 'layouts')).map((layout) => oneOf(layout, layouts))
  const known = read.flatMap((layout) => layout ?? [])
  if (known.length < read.length || known.length === 0) return undefined
  const repository = member(field, 'repository')
  if (textOf(repository) === undefined) return isGiven(field, 'repository') ? undefined : { layouts: known }
  const name = readRepository(repository, report)
  return name === undefined ? undefined : { layouts: known, repository: name }
}

/** A repository name, normalised. */
export function readRepository(field: Field, report: Report): NonNullable<Storage['repository']> | undefined {
  const text = textOf(field)
  if (text === undefined) return undefined
  try {
    const { registry, repository, tag, digest } = parseReference(text)
    if (tag === undefined && digest === undefined) return { registry, repository }
    report(field.path, `must name a repository, without tag or digest: ${repositoryName({ registry, repository })}`)
  } catch (error) {
    report(field.path, messageOf(error))
  }
  return undefined
}
