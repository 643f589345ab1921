// A store of decision records without a thread: real decisions of the toy engine, written as serve writes them.

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import type { QueueLimits } from '#app/decisions/queue.ts'
import type { RecordsEvent, RecordsTiming } from '#app/decisions/records.ts'
import { DecisionRecords } from '#app/decisions/records.ts'
import type { RecordWriter } from '#app/decisions/writer.ts'
import type { AdmissionAnswer } from '#core/admission/answer.ts'
import { allowed, denied } from '#core/admission/answer.ts'
import type { AdmissionRequest } from '#core/admission/review.ts'
import type { Decision } from '#core/decision/decision.ts'
import { denialText } from '#core/decision/explain.ts'
import type { EntryHead } from '#io/store/chain.ts'
import type { RunFacts } from '#io/store/chain-writer.ts'
import { ChainWriter } from '#io/store/chain-writer.ts'
import { RecordsReader } from '#io/store/records-reader.ts'
import type { ChainReport } from '#io/store/verify.ts'
import { verifyChain } from '#io/store/verify.ts'
import { at, judging, name, noon } from './judging.ts'
import { MemoryRegistry } from './memory-registry.ts'
import { policy, rule, signed } from './policies.ts'

export function tempStore(): { readonly folder: string; readonly file: string; remove(): void } {
  const folder = mkdtempSync(join(tmpdir(), 'sealward-store-'))
  return { folder, file: join(folder, 'decisions.db'), remove: () => rmSync(folder, { recursive: true, force: true }) }
}

export function runFacts(run = 'run1'): RunFacts {
  return { run, version: '0.1.0', host: 'here' }
}

/** Writes at once, in this thread. */
export function directWriter(chain: ChainWriter): RecordWriter {
  return {
    write: async (batch) => ({ kind: chain.append(batch) }),
    close: async () => chain.close(),
  }
}

export function request(parts: Partial<AdmissionRequest> = {}): AdmissionRequest {
  return {
    apiVersion: 'admission.k8s.io/v1',
    uid: 'uid-1',
    kind: { group: '', version: 'v1', kind: 'Pod' },
    resource: { group: '', version: 'v1', resource: 'pods' },
    namespace: 'prod',
    operation: 'CREATE',
    userInfo: { username: 'somebody', groups: ['developers'] },
    dryRun: false,
    ...parts,
  }
}

/** One decision that allows and one that denies, by the toy engine. */
export async function decisions(): Promise<{ readonly good: Decision; readonly bad: Decision }> {
  const registry = new MemoryRegistry()
  const [signedOne, strange] = [registry.putImage(at, 'v1', 'v1'), registry.putImage(at, 'v2', 'v2')]
  registry.sign(at, 'release', { digest: signedOne })
  registry.sign(at, 'mallory', { digest: strange })
  const { judge } = judging(registry)
  const policies = [policy('production', [rule(signed('release'))])]
  const good = await judge(`${name}:v1`, policies)
  return { good, bad: await judge([`${name}:v1`, `${name}:v2`], policies) }
}

export function answerOf(decision: Decision): AdmissionAnswer {
  return decision.allowed ? allowed() : denied('signature-by-stranger', denialText(decision))
}

export interface Recording {
  readonly records: DecisionRecords
  readonly events: RecordsEvent[]
}

export function recording(
  writer: RecordWriter,
  options: {
    readonly run?: string
    readonly limits?: Partial<QueueLimits>
    readonly timing?: Partial<RecordsTiming>
  } = {},
): Recording {
  const events: RecordsEvent[] = []
  let ids = 0
  const records = new DecisionRecords({
    run: options.run ?? 'run1',
    writer,
    observe: (event) => events.push(event),
    now: () => noon,
    newId: () => `01K${String(++ids).padStart(23, '0')}`,
    timing: { flushMs: 1, retryMs: 1, longestRetryMs: 4, ...options.timing },
    ...(options.limits && { limits: options.limits }),
  })
  return { records, events }
}

/** A closed store with `count` records, every third of them a denial. */
export async function filledStore(file: string, count: number, run = 'run1'): Promise<EntryHead> {
  const { good, bad } = await decisions()
  const { records } = recording(directWriter(new ChainWriter(file, runFacts(run), noon)), { run })
  for (let index = 0; index < count; index++) {
    const decision = { ...(index % 3 === 2 ? bad : good), id: idOf(index, run), at: noon + index }
    records.add({ path: 'mutate', request: request({ uid: `${run}-${index}` }), answer: answerOf(decision), decision })
  }
  await records.close(5_000)
  return verified(file).head
}

export function idOf(index: number, run = 'run1'): string {
  return `01K${run.toUpperCase()}${String(index).padStart(23 - run.length, '0')}`
}

export function verified(file: string, noted?: EntryHead): ChainReport {
  const reader = new RecordsReader(file)
  try {
    return verifyChain(reader.database, noted)
  } finally {
    reader.close()
  }
}

/** As somebody who has the file does. */
export function tamper(file: string, ...statements: readonly string[]): void {
  const database = new DatabaseSync(file)
  for (const statement of statements) database.exec(statement)
  database.close()
}
