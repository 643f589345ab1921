// The metrics of a running server, in Prometheus' text format. The only file that knows prom-client, which is loaded
// once the server listens: it costs more to import than all the rest of the start. Every label is from a fixed set.

import type { Counter, Gauge, Histogram, Registry } from 'prom-client'
import type { ErrorCode } from '#core/errors.ts'
import type { Mode } from '#core/policy/words.ts'
import type { Doing } from './eviction.ts'
import type { AdmissionPath } from './handlers.ts'

export type MetricEvent =
  /** A review was answered. */
  | {
      readonly kind: 'answered'
      readonly path: AdmissionPath
      readonly outcome: 'allowed' | 'patched' | 'denied'
      readonly code: ErrorCode | ''
      readonly seconds: number
    }
  /** One image use was judged. */
  | {
      readonly kind: 'judged'
      readonly verdict: 'trusted' | 'accepted' | 'untrusted' | 'undetermined'
      readonly code: ErrorCode | ''
      readonly mode: Mode
    }
  /** An object was let pass without being judged. */
  | { readonly kind: 'passed'; readonly because: string }
  /** An HTTP request was refused before it was a review. */
  | { readonly kind: 'refused'; readonly status: number }
  /** A TLS handshake was done: a connection that is new costs as much as several admissions. */
  | { readonly kind: 'tls-connected' }
  | { readonly kind: 'tls-failed' }
  /** A connection was refused because there were too many, and all of them being answered. */
  | { readonly kind: 'dropped' }
  /** A connection was closed to make room for a new one, or because it did not take its answer. */
  | { readonly kind: 'evicted'; readonly doing: Doing }
  /** Policy files were read again: taken, or kept out because something is wrong with them. */
  | { readonly kind: 'policies'; readonly outcome: 'loaded' | 'refused'; readonly count?: number }
  /** Decision records: written to the store, or lost. */
  | {
      readonly kind: 'records'
      readonly outcome: 'written' | 'dropped'
      readonly count: number
    }
  | { readonly kind: 'store'; readonly isUp: boolean }
  /** An Event of the cluster: written, or not because there were too many or the API server took none. */
  | { readonly kind: 'event'; readonly outcome: 'written' | 'dropped' }
  | { readonly kind: 'certificate'; readonly outcome: 'loaded' | 'refused'; readonly expiresAt?: number }
  /** A webhook configuration was written, or could not be. */
  | { readonly kind: 'registration'; readonly outcome: RegistrationOutcome }
  | { readonly kind: 'registered'; readonly isRegistered: boolean }

/** `repaired`: somebody else had changed it. */
export type RegistrationOutcome = 'created' | 'updated' | 'repaired' | 'removed' | 'failed'

/** Numbers that are asked for at each scrape. */
export interface Levels {
  readonly judging: number
  readonly connections: number
  readonly recordsWaiting: number
}

export interface Metrics {
  record(event: MetricEvent): void
  /** Who is asked for some of the levels; each says so when it starts. */
  watch(levels: () => Partial<Levels>): void
  text(): Promise<{ readonly contentType: string; readonly body: string }>
}

/** Events that arrive before prom-client is there; a second of full load. Then it is loaded without further delay. */
const maxWaitingEvents = 20_000
/** After the start, when the first requests have been served. */
const loadAfterMs = 500
/** From a warm admission (well under 5 ms) to the longest time-out that Kubernetes allows. */
const buckets = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30]

export function createMetrics(): Metrics {
  let waiting: MetricEvent[] = []
  const sources: (() => Partial<Levels>)[] = []
  const tallies = { judged: new Map<string, Tally>(), answered: new Map<string, Tally>() }
  let instruments: Instruments | undefined
  let loading: Promise<Instruments> | undefined

  async function load(): Promise<Instruments> {
    const made = makeInstruments(await import('prom-client'), () => levelsOf(sources))
    for (const event of waiting) record(made, event)
    waiting = []
    instruments = made
    return made
  }

  function loaded(): Promise<Instruments> {
    loading ??= load()
    return loading
  }

  /** A library that cannot be loaded is said at the next scrape; until then the newest events are lost. */
  function loadSoon(): void {
    loaded().catch(() => {
      loading = undefined
    })
  }

  return {
    record(event) {
      if (event.kind === 'judged') return tally(tallies.judged, [event.verdict, event.code, event.mode])
      if (event.kind === 'answered') tally(tallies.answered, [event.path, event.outcome, event.code])
      if (instruments !== undefined) return record(instruments, event)
      if (waiting.length < maxWaitingEvents) waiting.push(event)
      else loadSoon()
    },
    watch(source) {
      sources.push(source)
      setTimeout(loadSoon, loadAfterMs).unref()
    },
    async text() {
      const { registry, judged, answered } = await loaded()
      takeOver(tallies.judged, ([verdict, code, mode], count) => judged.inc({ verdict, code, mode }, count))
      takeOver(tallies.answered, ([path, outcome, code], count) => answered.inc({ path, outcome, code }, count))
      return { contentType: registry.contentType, body: await registry.metrics() }
    },
  }
}

function levelsOf(sources: readonly (() => Partial<Levels>)[]): Levels {
  return Object.assign({ judging: 0, connections: 0, recordsWaiting: 0 }, ...sources.map((source) => source()))
}

/** Values of three labels. */
type Labels = readonly [string, string, string]

/** What was counted since the last scrape: for every request, where the library would look its labels up each time. */
interface Tally {
  readonly labels: Labels
  count: number
}

function tally(tallies: Map<string, Tally>, labels: Labels): void {
  const key = labels.join(' ')
  const known = tallies.get(key)
  if (known !== undefined) known.count++
  else tallies.set(key, { labels, count: 1 })
}

function takeOver(tallies: ReadonlyMap<string, Tally>, add: (labels: Labels, count: number) => void): void {
  for (const each of tallies.values()) {
    if (each.count > 0) add(each.labels, each.count)
    each.count = 0
  }
}

interface Instruments {
  readonly registry: Registry
  readonly answered: Counter<'path' | 'outcome' | 'code'>
  readonly seconds: Histogram<'path'>
  readonly judged: Counter<'verdict' | 'code' | 'mode'>
  readonly passed: Counter<'because'>
  readonly refused: Counter<'status'>
  readonly tlsConnected: Counter
  readonly tlsFailed: Counter
  readonly dropped: Counter
  readonly evicted: Counter<'doing'>
  readonly policyLoads: Counter<'outcome'>
  readonly policies: Gauge
  /** 1 while the files on disk are not what is in force. */
  readonly policiesStale: Gauge
  readonly records: Counter<'outcome'>
  readonly storeUp: Gauge
  readonly events: Counter<'outcome'>
  readonly certificates: Counter<'outcome'>
  readonly expires: Gauge
  readonly registrations: Counter<'outcome'>
  readonly registered: Gauge
}

function makeInstruments(prom: typeof import('prom-client'), levels: () => Levels): Instruments {
  const registry = new prom.Registry()
  const registers = [registry]
  prom.collectDefaultMetrics({ register: registry })
  const counter = <L extends string>(name: string, help: string, labelNames: L[]) =>
    new prom.Counter({ name: `sealward_${name}_total`, help, labelNames, registers })
  const level = (name: string, help: string, read: (levels: Levels) => number) =>
    new prom.Gauge({
      name: `sealward_${name}`,
      help,
      registers,
      collect() {
        this.set(read(levels()))
      },
    })
  level('admission_judging', 'Admission requests being judged now.', (now) => now.judging)
  level('connections', 'Open TLS connections.', (now) => now.connections)
  level('decision_records_waiting', 'Decision records that wait for the store.', (now) => now.recordsWaiting)
  return {
    registry,
    answered: counter('admission_answers', 'Admission reviews answered.', ['path', 'outcome', 'code']),
    seconds: new prom.Histogram({
      name: 'sealward_admission_duration_seconds',
      help: 'From the headers of an admission review to its answer.',
      labelNames: ['path'],
      buckets,
      registers,
    }),
    judged: counter('image_verdicts', 'Image uses judged.', ['verdict', 'code', 'mode']),
    passed: counter('admission_passed', 'Objects let pass without being judged.', ['because']),
    refused: counter('http_refused', 'HTTP requests refused before they were reviews.', ['status']),
    tlsConnected: counter('tls_connections', 'TLS handshakes that were done: connections that were new.', []),
    tlsFailed: counter('tls_failed', 'TLS handshakes that failed.', []),
    dropped: counter('connections_dropped', 'Connections refused: too many, and all of them being answered.', []),
    evicted: counter('connections_evicted', 'Connections closed for a new one, or for unread answers.', ['doing']),
    policyLoads: counter('policy_loads', 'Policy files read: taken or refused.', ['outcome']),
    policies: new prom.Gauge({ name: 'sealward_policies', help: 'Policies in force.', registers }),
    policiesStale: new prom.Gauge({
      name: 'sealward_policies_stale',
      help: '1 while the last edit of the policy files was refused and older policies stay in force.',
      registers,
    }),
    records: counter('decision_records', 'Decision records written to the store, or dropped.', ['outcome']),
    events: counter('events', 'Events of the cluster: written, or dropped.', ['outcome']),
    storeUp: new prom.Gauge({
      name: 'sealward_decision_store_up',
      help: '1 while decision records can be written; 0 while they cannot, and where no store is used.',
      registers,
    }),
    certificates: counter('certificate_loads', 'Serving certificates taken or refused.', ['outcome']),
    expires: new prom.Gauge({
      name: 'sealward_certificate_expires_timestamp_seconds',
      help: 'When the serving certificate ends.',
      registers,
    }),
    registrations: counter('webhook_registrations', 'Webhook configurations written, or not.', ['outcome']),
    registered: new prom.Gauge({
      name: 'sealward_webhook_registered',
      help: '1 while both webhook configurations are in the cluster as they shall be.',
      registers,
    }),
  }
}

function record(instruments: Instruments, event: MetricEvent): void {
  switch (event.kind) {
    case 'answered':
      instruments.seconds.observe({ path: event.path }, event.seconds)
      return
    case 'passed':
      instruments.passed.inc({ because: event.because })
      return
    case 'refused':
      instruments.refused.inc({ status: event.status })
      return
    case 'tls-connected':
      instruments.tlsConnected.inc()
      return
    case 'tls-failed':
      instruments.tlsFailed.inc()
      return
    case 'dropped':
      instruments.dropped.inc()
      return
    case 'evicted':
      instruments.evicted.inc({ doing: event.doing })
      return
    case 'policies':
      instruments.policyLoads.inc({ outcome: event.outcome })
      if (event.count !== undefined) instruments.policies.set(event.count)
      instruments.policiesStale.set(event.outcome === 'refused' ? 1 : 0)
      return
    case 'records':
      instruments.records.inc({ outcome: event.outcome }, event.count)
      return
    case 'event':
      instruments.events.inc({ outcome: event.outcome })
      return
    case 'store':
      instruments.storeUp.set(event.isUp ? 1 : 0)
      return
    case 'certificate':
      instruments.certificates.inc({ outcome: event.outcome })
      if (event.expiresAt !== undefined) instruments.expires.set(event.expiresAt / 1_000)
      return
    case 'registration':
      instruments.registrations.inc({ outcome: event.outcome })
      return
    case 'registered':
      instruments.registered.set(event.isRegistered ? 1 : 0)
  }
}
