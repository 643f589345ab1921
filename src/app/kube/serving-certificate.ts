// The serving certificate in a Secret that all replicas follow. Whoever finds it missing, damaged or due writes, under its
// resource version: a conflict means that somebody else did. What cannot be read changes nothing; the last good one stays.

import { errorFields, type Log } from '#app/log.ts'
import type { Metrics } from '#app/server/metrics.ts'
import type { LivePair, TlsOptions } from '#app/server/tls.ts'
import { CodedError, codeOf, messageOf } from '#core/errors.ts'
import type { KubeObject } from '#io/kube/follow.ts'
import type { Kube } from '#io/kube/kube.ts'
import type { ConfigurationOwner } from './configuration-owner.ts'
import { createLevelLoop } from './level-loop.ts'
import { followOne, isOlder, type Seen, type SeenBy } from './one-object.ts'
import { partLabels } from './part-labels.ts'
import { defaultLifetimes, type Lifetimes, nextRotation, type RotationOptions } from './rotation.ts'
import { bundleOf, isOurs, readServingState, type ServingState, servingData } from './serving-state.ts'

/** @param name as in `--kube-name` */
export function servingSecret(name: string): string {
  return `${name}-webhook-tls`
}

export interface ServingCertificateOptions extends Omit<RotationOptions, 'lifetimes'> {
  readonly kube: Pick<Kube, 'send' | 'follow'>
  /** Of the Secret: the own one, and its name (`servingSecret`). */
  readonly namespace: string
  readonly secret: string
  /** With whom the Secret goes. */
  readonly owner: ConfigurationOwner
  readonly log: Log
  readonly metrics: Pick<Metrics, 'record'>
  readonly lifetimes?: Lifetimes
  /** Milliseconds since the epoch. */
  readonly now: () => number
  /** How often to look whether something is due. */
  readonly checkMs?: number
}

export interface ShownCertificate {
  readonly pair: LivePair
  /** For `caBundle`. */
  readonly caBundle: string
}

export interface ServingCertificate {
  /**
   * The first one, from the Secret or made; waits for the API server.
   *
   * @throws the reason of the signal
   */
  first(signal: AbortSignal): Promise<ShownCertificate>
  current(): ShownCertificate | undefined
  /** Told whenever the certificate or the bundle becomes another one. @returns tells no more */
  watch(tell: (shown: ShownCertificate) => void): () => void
  /** For `/readyz`. */
  report(): Readonly<Record<string, unknown>>
  close(): Promise<void>
}

/** Due dates are days away; an exchange of authorities takes an hour or two. */
const defaultCheckMs = 30_000

interface Keeping {
  readonly options: ServingCertificateOptions
  readonly path: string
  readonly tell: Set<(shown: ShownCertificate) => void>
  seen: Seen | undefined
  /** The last good one. */
  state: ServingState | undefined
  problem: string | undefined
}

/** Begins at once. Never throws; what stands in the way is in the log and in the report. */
export function keepServingCertificate(options: ServingCertificateOptions): ServingCertificate {
  const { kube, namespace, secret, checkMs = defaultCheckMs } = options
  const path = `/api/v1/namespaces/${encodeURIComponent(namespace)}/secrets`
  const keeping: Keeping = { options, path, tell: new Set(), seen: undefined, state: undefined, problem: undefined }
  const ending = new AbortController()
  const failed = (error: unknown) => fail(keeping, error)
  const loop = createLevelLoop({ act: () => act(keeping), failed })
  const seen = (now: Seen, by: SeenBy) => {
    // What we have written is known before it is told; an older event is only late.
    if (by === 'event' && isOlder(now, keeping.seen)) return
    keeping.seen = now
    loop.nudge()
  }
  const following = followOne({ kube, path, name: secret, signal: ending.signal, seen, failed })
  const timer = setInterval(() => loop.nudge(), checkMs)
  timer.unref()
  const watch = (tell: (shown: ShownCertificate) => void) => {
    keeping.tell.add(tell)
    return () => {
      keeping.tell.delete(tell)
    }
  }
  return {
    watch,
    current: () => keeping.state && shownOf(keeping.state),
    first: (signal) => firstOf(keeping, watch, signal),
    report: () => reportOf(keeping),
    async close() {
      clearInterval(timer)
      ending.abort()
      await Promise.all([loop.close(), following])
    },
  }
}

/** For the server: it takes up every new certificate without closing a connection. */
export function liveTls(
  certificate: Pick<ServingCertificate, 'watch' | 'current'>,
  first: ShownCertificate,
): TlsOptions {
  const watch = (tell: (pair: LivePair) => void) => {
    let shown = first.pair
    const take = ({ pair }: ShownCertificate) => {
      if (pair.cert === shown.cert) return
      shown = pair
      tell(pair)
    }
    const stop = certificate.watch(take)
    // It may have been renewed before the server was there.
    take(certificate.current() ?? first)
    return stop
  }
  return { kind: 'live', first: first.pair, watch }
}

async function firstOf(
  keeping: Keeping,
  watch: ServingCertificate['watch'],
  signal: AbortSignal,
): Promise<ShownCertificate> {
  signal.throwIfAborted()
  if (keeping.state !== undefined) return shownOf(keeping.state)
  let stop: (() => void) | undefined
  try {
    return await new Promise((resolve, reject) => {
      stop = watch(resolve)
      signal.addEventListener('abort', () => reject(signal.reason), { once: true })
    })
  } finally {
    stop?.()
  }
}

function shownOf(state: ServingState): ShownCertificate {
  return { pair: { cert: state.leaf.certPem, key: state.leaf.keyPem }, caBundle: bundleOf(state) }
}

function reportOf({ state, problem }: Keeping): Readonly<Record<string, unknown>> {
  return {
    ...(state?.exchange !== undefined && { authority: state.exchange.kind }),
    ...(problem !== undefined && { problem }),
  }
}

function fail(keeping: Keeping, error: unknown): void {
  const { options } = keeping
  if (codeOf(error) === 'kube-conflict') {
    options.log.debug('somebody else wrote the serving certificate first', errorFields(error))
    return
  }
  if (keeping.problem !== messageOf(error))
    options.log.error('the Secret of the serving certificate cannot be kept', errorFields(error))
  keeping.problem = messageOf(error)
}

/** @returns whether it was written */
async function act(keeping: Keeping): Promise<boolean> {
  const { options, seen } = keeping
  if (seen === undefined) return false
  const isRight = take(keeping, seen)
  const { lifetimes = defaultLifetimes, now, log } = options
  const rotation = nextRotation(keeping.state, now(), { ...options, lifetimes })
  const next = rotation?.state ?? keeping.state
  if (next === undefined || (rotation === undefined && isRight)) return false
  const object = await write(keeping, next, seen.kind === 'there' ? seen.object : undefined)
  keeping.seen = { kind: 'there', object }
  adopt(keeping, next)
  log.info('the serving certificate was written', { step: rotation?.step ?? 'restored' })
  return true
}

/**
 * What the Secret holds becomes ours if it is good.
 *
 * @returns whether it is
 * @throws CodedError `tls-invalid` for somebody else's Secret
 */
function take(keeping: Keeping, seen: Seen): boolean {
  const { options, state } = keeping
  if (seen.kind === 'absent') {
    if (state !== undefined) options.log.warn('the Secret of the serving certificate is gone, and is made again')
    return false
  }
  const found = readServingState(seen.object)
  if (found.kind === 'good') {
    adopt(keeping, found.state)
    return true
  }
  if (!isOurs(seen.object)) {
    const why = `the Secret "${options.secret}" is somebody else's: it lacks the label app.kubernetes.io/part-of=sealward`
    throw new CodedError('tls-invalid', `${why}, and holds no serving certificate of ours`)
  }
  if (found.kind === 'damaged') {
    options.metrics.record({ kind: 'certificate', outcome: 'refused' })
    options.log.error('the Secret of the serving certificate is damaged, and is put right', errorFields(found.error))
  }
  return false
}

function adopt(keeping: Keeping, state: ServingState): void {
  const was = keeping.state && shownOf(keeping.state)
  const now = shownOf(state)
  keeping.state = state
  keeping.problem = undefined
  if (was?.pair.cert === now.pair.cert && was.caBundle === now.caBundle) return
  for (const tell of [...keeping.tell]) tell(now)
}

async function write(
  { options, path }: Keeping,
  state: ServingState,
  was: KubeObject | undefined,
): Promise<KubeObject> {
  const { kube, namespace, secret, owner } = options
  const data = servingData(state)
  const identity = { apiVersion: 'v1', kind: 'Secret' }
  if (was === undefined) {
    const owned = await owner.read({ wasOwned: false })
    const ownerReferences = owned === undefined ? [] : [owned]
    const metadata = { name: secret, namespace, labels: partLabels, ownerReferences }
    const body = { ...identity, metadata, type: 'Opaque', data }
    return (await kube.send({ method: 'POST', path, body })) as KubeObject
  }
  const { resourceVersion, labels, annotations, finalizers, ownerReferences } = was.metadata
  const kept = { annotations, finalizers, ownerReferences, labels: { ...labelsOf(labels), ...partLabels } }
  const metadata = { name: secret, namespace, resourceVersion, ...kept }
  const body = { ...identity, metadata, type: was['type'], data }
  return (await kube.send({ method: 'PUT', path: `${path}/${secret}`, body })) as KubeObject
}

function labelsOf(labels: unknown): Readonly<Record<string, unknown>> {
  return typeof labels === 'object' && labels !== null ? { ...labels } : {}
}
