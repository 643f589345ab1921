// Runs the webhook until it is told to stop.

import type { DecisionRecords } from '#app/decisions/records.ts'
import type { Log, LogLevel } from '#app/log.ts'
import { createLog } from '#app/log.ts'
import { createMetrics } from '#app/server/metrics.ts'
import { startServer } from '#app/server/server.ts'
import type { TlsOptions } from '#app/server/tls.ts'
import { createServing } from '#app/serving.ts'
import { CodedError } from '#core/errors.ts'
import { defaultExempt } from '#core/policy/set.ts'
import { alsoJudged } from './also-judge.ts'
import type { Args, Run } from './command.ts'
import { createJudging } from './judging.ts'
import { type KubeFlags, kubeFlags } from './kube-flags.ts'
import type { ListenAddress } from './listen-address.ts'
import { listenAddress, namesFor } from './listen-address.ts'
import { openRegistry } from './registry-flags.ts'
import { servePolicyFiles } from './serve-files.ts'
import type { Around } from './serve-kube.ts'
import type { ServedPolicies } from './served-policies.ts'
import { openRecords, storeFlags } from './store-flags.ts'

export const run: Run = async (args, context) => {
  checkPolicySource(args)
  const kube = kubeFlags(args)
  const further = alsoJudged(args)
  const address = listenAddress(args.text('listen') ?? '')
  const tls = tlsOptions(args, address)
  const store = storeFlags(args)
  const stopped = context.stopped()
  const log = createLog({ level: (args.text('log-level') ?? 'info') as LogLevel })
  const metrics = createMetrics()

  const exempt = [...defaultExempt, ...args.all('exempt-namespace')]
  const served = await servedPolicies(args, kube, { exempt, log, metrics, tls, stopped, alsoJudged: further })
  if (served === undefined) return 0
  try {
    const records = store && (await openRecords(store, { version: context.version, log, metrics }))
    try {
      const registry = await openRegistry(args, context, { loopbackIsPlain: false, credentials: served.credentials })
      const { engine } = createJudging({ registry })
      const handlers = createServing({ engine, ...served, alsoJudged: further, log, metrics, records })
      const server = await startServer({ ...address, tls: served.tls ?? tls, handlers, log, metrics })
      served.listening?.()
      context.stderr.line(`sealward: listening on ${server.url}`)
      await untilAborted(stopped)
      await server.close()
    } finally {
      await endRecords(records, log)
    }
  } finally {
    await served.close()
    await log.flush()
  }
  return 0
}

/** @returns `undefined` if it is told to stop before it is there */
async function servedPolicies(
  args: Args,
  kube: KubeFlags | undefined,
  around: Around,
): Promise<ServedPolicies | undefined> {
  if (kube === undefined) return servePolicyFiles(args.all('policy'), around)
  const { serveCluster } = await import('./serve-kube.ts')
  try {
    return await serveCluster(kube, around)
  } catch (error) {
    if (around.stopped.aborted) return undefined
    throw error
  }
}

function checkPolicySource(args: Args): void {
  const files = args.all('policy').length > 0
  if (args.flag('kube') && files) throw new CodedError('usage', '--kube and --policy contradict each other')
  if (!args.flag('kube') && !files)
    throw new CodedError('usage', 'serve needs policies: --policy FILE or DIRECTORY, or --kube for those of a cluster')
}

/** After the last answer: what waits is written in milliseconds, or the store is away and will not be back in time. */
const endWithinMs = 3_000

async function endRecords(records: DecisionRecords | undefined, log: Log): Promise<void> {
  const lost = await records?.close(endWithinMs)
  if (lost !== undefined && lost > 0) log.error('decision records are lost: the store is away at the end', { lost })
}

function tlsOptions(args: Args, address: ListenAddress): TlsOptions {
  const cert = args.text('tls-cert')
  const key = args.text('tls-key')
  const caOut = args.text('tls-ca-out')
  const names = args.all('tls-name')
  if ((cert === undefined) !== (key === undefined))
    throw new CodedError('usage', '--tls-cert and --tls-key go together')
  if (cert === undefined || key === undefined) {
    return {
      kind: 'self-made',
      names: [...new Set([...namesFor(address), ...names])],
      ...(caOut === undefined ? {} : { caOut }),
    }
  }
  if (caOut !== undefined || names.length > 0) {
    throw new CodedError(
      'usage',
      '--tls-ca-out and --tls-name are about a certificate of our own; with --tls-cert there is none',
    )
  }
  return { kind: 'files', cert, key }
}

function untilAborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve()
    signal.addEventListener('abort', () => resolve(), { once: true })
  })
}
