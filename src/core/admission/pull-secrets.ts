// Whose credentials would pull the images of an object: the pull secrets that its pod specs name, and the service accounts
// whose own pull secrets stand in where a spec names none. Names only; who reads them, and whether they may, is not known here.

import { printable } from '#core/encoding/printable.ts'
import type { FurtherPath } from './further-kinds.ts'
import { podSpecs } from './workload.ts'
import type { GroupKind } from './workload-kinds.ts'

export interface PullSecretNames {
  /** Secrets of the object's namespace, each once, in the order in which a kubelet takes them. */
  readonly secrets: readonly string[]
  /** Service accounts of the namespace whose pull secrets come after those. */
  readonly accounts: readonly string[]
  /** What stands there and is not looked for, as sentences for people. */
  readonly ignored: readonly string[]
}

/**
 * Registries that one Pod pulls from are a handful. Each name costs a request and a watch, and whoever may make Pods writes
 * them: what comes behind these is not looked for.
 */
export const maxPullSecrets = 32

const none: PullSecretNames = { secrets: [], accounts: [], ignored: [] }

/** Throws nothing: what cannot be a name gives no credentials, and no more is at stake than being able to read. */
export function pullSecretNames(
  object: unknown,
  kind: GroupKind,
  further: readonly FurtherPath[] = [],
): PullSecretNames {
  const secrets = new Set<string>()
  const accounts = new Set<string>()
  const ignored = new Set<string>()
  for (const spec of specsOf(object, kind, further)) {
    const named = namesIn(spec, ignored)
    for (const name of named) secrets.add(name)
    // The API server copies the account's into a new Pod, before any webhook sees it; a kubelet looks at no other place.
    if (named.length === 0 && !isPod(kind)) addName(accountOf(spec), 'service account', accounts, ignored)
  }
  if (secrets.size + accounts.size + ignored.size === 0) return none
  const cut = secrets.size > maxPullSecrets
  return {
    secrets: [...secrets].slice(0, maxPullSecrets),
    accounts: [...accounts],
    ignored: [
      ...(cut ? [`of ${secrets.size} pull secrets only the first ${maxPullSecrets} are looked for`] : []),
      ...ignored,
    ],
  }
}

function isPod({ group, kind }: GroupKind): boolean {
  return group === '' && kind === 'Pod'
}

function specsOf(object: unknown, kind: GroupKind, further: readonly FurtherPath[]): readonly unknown[] {
  try {
    return podSpecs(object, kind, further).map(({ spec }) => spec)
  } catch {
    // Where the pod spec is not what it should be, there is no image to be pulled either.
    return []
  }
}

/** An empty name is one that the API server lets pass and a kubelet passes over. */
function namesIn(spec: unknown, ignored: Set<string>): readonly string[] {
  const list = member(spec, 'imagePullSecrets')
  const names = new Set<string>()
  for (const entry of Array.isArray(list) ? list : []) {
    const name = member(entry, 'name')
    if (name !== '' && name !== undefined && name !== null) addName(name, 'pull secret', names, ignored)
  }
  return [...names]
}

/** Both members say the same in what an API server has read; `serviceAccount` is the older one. */
function accountOf(spec: unknown): unknown {
  return (
    [member(spec, 'serviceAccountName'), member(spec, 'serviceAccount')].find(
      (name) => name !== undefined && name !== '',
    ) ?? 'default'
  )
}

/** More than one such sentence a kind of name would only repeat what is wrong. */
function addName(name: unknown, what: string, names: Set<string>, ignored: Set<string>): void {
  if (typeof name === 'string' && isObjectName(name)) names.add(name)
  else if (![...ignored].some((each) => each.startsWith(what)))
    ignored.add(
      `${what} ${typeof name === 'string' ? `"${printable(name, 60)}"` : 'without a text'}: no object has such a name`,
    )
}

/**
 * Can this be the name of a namespace, Secret or service account? It becomes part of a path and of a field selector, where a
 * slash, a comma or a percent sign would name something else.
 */
export function isObjectName(name: string): boolean {
  return /^[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?$/.test(name) && !name.includes('..')
}

function member(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, name)
    ? (value as Readonly<Record<string, unknown>>)[name]
    : undefined
}
