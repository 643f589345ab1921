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
const maxSecrets = 256
/** As `readPublicKey` reads no more. */
const maxKeyBytes = 16 * 1024

type State =
  | { readonly kind: 'unknown' }
  /** Those that somebody asked for. */
  | { readonly kind: 'found'; readonly texts: ReadonlyMap<string, string | CodedError> }
  | { readonly kind: 'absent' }

interface Followed {
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
  read({ namespace, name, key }: SecretRef): string {
    const shown = `${namespace}/${name}`
    const followed = this.#follow(namespace, name, key)
    this.#used.add(shown)
    const { state, isRead, problem } = followed
    const text = state.kind === 'found' ? state.texts.get(key) : undefined
    if (typeof text === 'string') return text
    if (text !== undefined) throw text
    if (problem !== undefined) throw unavailable(`the Secret ${shown} cannot be read: ${problem.message}`, problem)
    if (!isRead) throw unavailable(`the Secret ${shown} is being read`)
    throw unavailable(state.kind === 'absent' ? `there is no Secret ${shown}` : `the Secret ${shown} has no "${key}"`)
  }

  /** Secrets that nobody has asked for since the last call are not followed any longer. */
  forgetUnused(): void {
    for (const [shown, { ending }] of this.#followed) {
      if (this.#used.has(shown)) continue
      ending.abort()
      this.#followed.delete(shown)
    }
    this.#used.clear()
  }

  #follow(namespace: string, name: string, key: string): Followed {
    const shown = `${namespace}/${name}`
    const known = this.#followed.get(shown)
    if (known?.keys.has(key)) return known
    if (known === undefined && this.#followed.size >= maxSecrets)
      throw unavailable(`the Secret ${shown} is not read: no more than ${maxSecrets} are followed`)
    // What another attestor has not asked for was not kept: it is read anew. What that one has stays in force meanwhile.
    known?.ending.abort()
    const followed: Followed = {
      keys: new Set([...(known?.keys ?? []), key]),
      ending: new AbortController(),
      state: known?.state ?? { kind: 'unknown' },
      isRead: false,
      problem: undefined,
    }
    this.#followed.set(shown, followed)
    const { kube, signal } = this.#options
    void kube.follow(this.#follower(name, shown, followed), {
      path: `/api/v1/namespaces/${encodeURIComponent(namespace)}/secrets`,
      fieldSelector: `metadata.name=${name}`,
      signal: AbortSignal.any([followed.ending.signal, signal]),
    })
    return followed
  }

  #follower(name: string, shown: string, followed: Followed): Follower {
    const become = (object: KubeObject | undefined) => {
      followed.state = object === undefined ? { kind: 'absent' } : found(object, followed.keys, shown)
      followed.isRead = true
      followed.problem = undefined
      if (this.#followed.get(shown) === followed) this.#options.onChange()
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
        if (this.#followed.get(shown) === followed) this.#options.onChange()
      },
    }
  }
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
