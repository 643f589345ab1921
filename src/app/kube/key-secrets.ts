// Public keys that lie in Secrets: each Secret is followed by its name, and of what it holds only the keys are kept that
// an attestor names. Beside a public key of cosign there lies the private one.

import { decodeBase64 } from '#core/encoding/base64.ts'
import { CodedError } from '#core/errors.ts'
import type { SecretRef } from '#core/policy/read-attestor.ts'
import type { Follower, KubeObject } from '#io/kube/follow.ts'
import type { Kube } from '#io/kube/kube.ts'

export interface KeySecretsOptions {
  readonly kube: Pick<Kube, 'follow'>
  readonly onChange: () => void
  readonly onFailure: (error: CodedError) => void
  readonly signal: AbortSignal
}

/** Each costs a watch at the API server; who has more keys than that writes them into the Attestor. */
const maxOfCluster = 256
/** All tenants together, who write what they like: they take nothing from the attestors of the cluster, */
const maxOfTenants = 256
/** and one of them not everything from the others. */
const maxOfTenant = 16
/** Tenants name what nobody has granted; whoever grants it waits for so long at most. */
const forbiddenMs = 60_000
/** As `readPublicKey` reads no more. */
const maxKeyBytes = 16 * 1024

type State =
  | { readonly kind: 'unknown' }
  /** Those that somebody asked for. */
  | { readonly kind: 'found'; readonly texts: ReadonlyMap<string, string | CodedError> }
  | { readonly kind: 'absent' }

interface Followed {
  /** The namespace whose policies ask for it; absent: attestors of the cluster do. */
  readonly tenant: string | undefined
  readonly keys: ReadonlySet<string>
  readonly ending: AbortController
  /** Of keys that were asked for before, it is what was read then, until these have been read anew. */
  state: State
  /** Every key has been looked for. */
  isRead: boolean
  /** Why it has not been. */
  problem: CodedError | undefined
}

export class KeySecrets {
  readonly #options: KeySecretsOptions
  readonly #followed = new Map<string, Followed>()
  readonly #used = new Set<string>()

  constructor(options: KeySecretsOptions) {
    this.#options = options
  }

  /** Some Secret that was asked for has not been answered yet. */
  get isWaiting(): boolean {
    return [...this.#followed.values()].some(({ isRead, problem }) => !isRead && problem === undefined)
  }

  /** The text under a key. @throws CodedError `key-unavailable` */
  read(ref: SecretRef, tenant: string | undefined): string {
    const { namespace, name, key } = ref
    const shown = `${namespace}/${name}`
    const followed = this.#follow(ref, tenant)
    this.#used.add(idOf(ref, tenant))
    const { state, isRead, problem } = followed
    const text = state.kind === 'found' ? state.texts.get(key) : undefined
    if (typeof text === 'string') return text
    if (text !== undefined) throw text
    if (problem !== undefined) throw unavailable(`the Secret ${shown} cannot be read: ${problem.message}`, problem)
    if (!isRead) throw unavailable(`the Secret ${shown} is being read`)
    throw unavailable(state.kind === 'absent' ? `there is no Secret ${shown}` : `the Secret ${shown} has no "${key}"`)
  }

  /**
   * Secrets that nobody has asked for since the last call are not followed any longer.
   *
   * @returns whether there were any: somebody else may have been refused for lack of a place
   */
  forgetUnused(): boolean {
    const before = this.#followed.size
    for (const [id, { ending }] of this.#followed) {
      if (this.#used.has(id)) continue
      ending.abort()
      this.#followed.delete(id)
    }
    this.#used.clear()
    return this.#followed.size < before
  }

  #follow(ref: SecretRef, tenant: string | undefined): Followed {
    const { namespace, name, key } = ref
    const id = idOf(ref, tenant)
    const known = this.#followed.get(id)
    if (known?.keys.has(key)) return known
    if (known === undefined) this.#refuseMore(`${namespace}/${name}`, tenant)
    // What another attestor has not asked for was not kept: it is read anew. What that one has stays in force meanwhile.
    known?.ending.abort()
    const followed: Followed = {
      tenant,
      keys: new Set([...(known?.keys ?? []), key]),
      ending: new AbortController(),
      state: known?.state ?? { kind: 'unknown' },
      isRead: false,
      problem: undefined,
    }
    this.#followed.set(id, followed)
    const { kube, signal } = this.#options
    void kube.follow(this.#follower(ref, id, followed), {
      path: `/api/v1/namespaces/${encodeURIComponent(namespace)}/secrets`,
      fieldSelector: `metadata.name=${name}`,
      forbiddenMs,
      signal: AbortSignal.any([followed.ending.signal, signal]),
    })
    return followed
  }

  /** @throws CodedError `key-unavailable` */
  #refuseMore(shown: string, tenant: string | undefined): void {
    const others = [...this.#followed.values()]
    const count = (counts: (by: string | undefined) => boolean) => others.filter((each) => counts(each.tenant)).length
    const refuse = (max: number, whose: string) => {
      throw unavailable(`the Secret ${shown} is not read: no more than ${max} are followed for ${whose}`)
    }
    if (tenant === undefined && count((by) => by === undefined) >= maxOfCluster) refuse(maxOfCluster, 'Attestors')
    if (tenant === undefined) return
    if (count((by) => by === tenant) >= maxOfTenant) refuse(maxOfTenant, 'the policies of one namespace')
    if (count((by) => by !== undefined) >= maxOfTenants) refuse(maxOfTenants, 'the policies of all namespaces')
  }

  #follower({ namespace, name }: SecretRef, id: string, followed: Followed): Follower {
    const shown = `${namespace}/${name}`
    const become = (object: KubeObject | undefined) => {
      followed.state = object === undefined ? { kind: 'absent' } : found(object, followed.keys, shown)
      followed.isRead = true
      followed.problem = undefined
      if (this.#followed.get(id) === followed) this.#options.onChange()
    }
    const isIt = ({ metadata }: KubeObject) => metadata.name === name
    return {
      listed: (objects) => become(objects.find(isIt)),
      changed: (object) => isIt(object) && become(object),
      deleted: (object) => isIt(object) && become(undefined),
      heard: () => undefined,
      failed: (error) => {
        this.#options.onFailure(error)
        // What was read before still holds: a Secret that cannot be read is not one that is gone.
        if (followed.isRead || followed.problem !== undefined) return
        followed.problem = error
        if (this.#followed.get(id) === followed) this.#options.onChange()
      },
    }
  }
}

function idOf({ namespace, name }: SecretRef, tenant: string | undefined): string {
  return `${tenant === undefined ? 'cluster' : 'tenant'} ${namespace}/${name}`
}

function found(object: KubeObject, keys: ReadonlySet<string>, shown: string): State {
  const data = object['data']
  const texts = new Map<string, string | CodedError>()
  for (const key of keys) {
    const value =
      typeof data === 'object' && data !== null && Object.hasOwn(data, key) ? Reflect.get(data, key) : undefined
    if (typeof value === 'string') texts.set(key, textOf(value, `"${key}" of the Secret ${shown}`))
  }
  return { kind: 'found', texts }
}

function textOf(base64: string, shown: string): string | CodedError {
  if (base64.length > 2 * maxKeyBytes) return unavailable(`${shown} is larger than a public key`)
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(decodeBase64(base64))
  } catch {
    return unavailable(`${shown} is no text`)
  }
}

function unavailable(message: string, cause?: unknown): CodedError {
  return new CodedError('key-unavailable', message, { cause })
}
