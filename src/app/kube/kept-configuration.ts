// Keeps one webhook configuration as it shall be: makes it, repairs what somebody edits or deletes, and removes it. Writes
// the whole object under its resource version, so that nothing of somebody else stays in it and no write of another replica
// is lost. What the API server adds by itself is learned from its answer, and not fought.

import { errorFields, type Log } from '#app/log.ts'
import type { Metrics, RegistrationOutcome } from '#app/server/metrics.ts'
import { codeOf, messageOf } from '#core/errors.ts'
import type { KubeObject } from '#io/kube/follow.ts'
import type { Kube } from '#io/kube/kube.ts'
import { bodyOf, type DesiredWebhook, isMarked, isOwned, webhooksText } from './configuration-body.ts'
import type { ConfigurationOwner, OwnerReference } from './configuration-owner.ts'
import { createLevelLoop } from './level-loop.ts'
import { followOne, type Seen } from './one-object.ts'
import type { ConfigurationKind } from './webhook-configuration.ts'

export type WantedWebhook = DesiredWebhook | 'none'

export interface KeptConfiguration {
  want(webhook: WantedWebhook): void
  /** Is it, as far as the API server has told, as it shall be? */
  isKept(): boolean
  /** What stands in the way. */
  problem(): string | undefined
  close(): Promise<void>
}

export interface KeptOptions {
  readonly kube: Pick<Kube, 'send' | 'follow'>
  readonly kind: ConfigurationKind
  readonly name: string
  readonly owner: ConfigurationOwner
  readonly log: Log
  readonly metrics: Pick<Metrics, 'record'>
  /** Whenever `isKept` or `problem` may have changed. */
  readonly changed: () => void
}

const paths: Readonly<Record<ConfigurationKind, string>> = {
  MutatingWebhookConfiguration: '/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations',
  ValidatingWebhookConfiguration: '/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations',
}

interface State {
  wanted: WantedWebhook | undefined
  seen: Seen | undefined
  owner: OwnerReference | undefined
  /** What was wanted when it was last written, and what the API server made of it. */
  written: { readonly wanted: string; readonly got: string } | undefined
  problem: string | undefined
}

export function keepConfiguration(given: KeptOptions): KeptConfiguration {
  const { kube, kind, name, changed } = given
  const options = { ...given, log: given.log.with({ configuration: kind }) }
  const ending = new AbortController()
  const state: State = { wanted: undefined, seen: undefined, owner: undefined, written: undefined, problem: undefined }
  const loop = createLevelLoop({
    act: async () => {
      const hasWritten = await act(state, options)
      state.problem = undefined
      changed()
      return hasWritten
    },
    failed: (error) => fail(state, options, error),
  })
  const following = followOne({
    kube,
    path: paths[kind],
    name,
    signal: ending.signal,
    seen: (seen) => {
      state.seen = seen
      loop.nudge()
    },
    failed: (error) => fail(state, options, error),
  })
  return {
    want(webhook) {
      state.wanted = webhook
      if (webhook === 'none') state.written = undefined
      loop.nudge()
    },
    isKept: () => isKept(state),
    problem: () => state.problem,
    async close() {
      ending.abort()
      await Promise.all([loop.close(), following])
    },
  }
}

function fail(state: State, { metrics, log, changed }: KeptOptions, error: unknown): void {
  // Another replica was faster; what it wrote is told.
  if (codeOf(error) === 'kube-conflict') {
    log.debug('somebody else wrote first', errorFields(error))
    return
  }
  if (state.problem !== messageOf(error)) log.error('the webhook configuration cannot be kept', errorFields(error))
  state.problem = messageOf(error)
  metrics.record({ kind: 'registration', outcome: 'failed' })
  changed()
}

function isKept({ wanted, seen, written, owner }: State): boolean {
  if (wanted === undefined || seen === undefined) return false
  if (wanted === 'none' || seen.kind === 'absent') return wanted === 'none' && seen.kind === 'absent'
  const text = webhooksText([wanted])
  const expected = written?.wanted === text ? written.got : text
  return webhooksText(seen.object['webhooks']) === expected && isMarked(seen.object, owner)
}

/** @returns whether anything was written */
async function act(state: State, options: KeptOptions): Promise<boolean> {
  if (state.wanted === undefined || state.seen === undefined) return false
  if (state.wanted !== 'none') await findOwner(state, options, state.seen)
  // Both may have changed meanwhile.
  const { wanted, seen } = state
  if (isKept(state)) return false
  const was = seen.kind === 'there' ? seen.object : undefined
  if (wanted !== 'none') await put(state, options, wanted, was)
  else if (was !== undefined) await remove(state, options, was)
  return true
}

/** Once, and for each making: who deletes the configuration may have deleted its owner. */
async function findOwner(state: State, { owner }: KeptOptions, seen: Seen): Promise<void> {
  if (seen.kind === 'there' && state.owner !== undefined) return
  state.owner = await owner.read({ wasOwned: seen.kind === 'there' && isOwned(seen.object) })
}

async function put(
  state: State,
  options: KeptOptions,
  webhook: DesiredWebhook,
  was: KubeObject | undefined,
): Promise<void> {
  const { kube, kind, name } = options
  const text = webhooksText([webhook])
  const changedBySomebody = state.written?.wanted === text
  const body = bodyOf({ kind, name, owner: state.owner, webhook }, was)
  const answer =
    was === undefined
      ? await kube.send({ method: 'POST', path: paths[kind], body })
      : await kube.send({ method: 'PUT', path: `${paths[kind]}/${name}`, body })
  state.seen = { kind: 'there', object: answer as KubeObject }
  state.written = { wanted: text, got: webhooksText(answer['webhooks']) }
  tell(options, changedBySomebody ? 'repaired' : was === undefined ? 'created' : 'updated', was)
}

async function remove(state: State, options: KeptOptions, { metadata }: KubeObject): Promise<void> {
  const { kube, kind, name } = options
  const { resourceVersion } = metadata
  const body = { kind: 'DeleteOptions', apiVersion: 'v1', preconditions: { resourceVersion } }
  try {
    await kube.send({ method: 'DELETE', path: `${paths[kind]}/${name}`, body })
  } catch (error) {
    if (codeOf(error) !== 'kube-not-found') throw error
  }
  state.seen = { kind: 'absent' }
  tell(options, 'removed', undefined)
}

/** What somebody had made of it is what their administrators look for. */
function tell({ log, metrics }: KeptOptions, outcome: RegistrationOutcome, was: KubeObject | undefined): void {
  metrics.record({ kind: 'registration', outcome })
  if (outcome !== 'repaired') log.info(`the webhook configuration was ${outcome}`)
  else if (was === undefined) log.warn('the webhook configuration was deleted by somebody, and made again')
  else
    log.warn('the webhook configuration was changed by somebody, and put right', {
      found: webhooksText(was['webhooks']),
    })
}
