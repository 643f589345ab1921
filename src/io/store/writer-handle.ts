// The other side of the thread that writes: starts it, hands it batches, and starts it again when it has died.

import type { Worker } from 'node:worker_threads'
import { CodedError, messageOf } from '#core/errors.ts'
import type { Batch } from './chain-writer.ts'
import type { DamagedLog } from './damaged-log.ts'
import type { FromThread, ToThread } from './writer-loop.ts'

type Outcome = Extract<FromThread, { readonly kind: 'written' | 'missing' | 'away' | 'refused' }>

export interface WriterHandle {
  /** One at a time; never rejects. */
  write(
    batch: Batch,
  ): Promise<{ readonly kind: 'written' | 'missing' } | { readonly kind: 'away' | 'refused'; readonly problem: string }>
  close(): Promise<void>
}

/** A batch on which the thread dies so often is what it dies of. */
const deathsPerBatch = 5

/**
 * @param onDamage told whenever the store was opened and its end could not be read any more
 *
 * @throws CodedError `store-unusable`, `store-newer`, `store-foreign`, `store-malformed`: told before anything is served
 */
export async function startWriter(
  spawn: () => Worker,
  onDamage: (damage: DamagedLog) => void = () => {},
): Promise<WriterHandle> {
  const handle = new ThreadHandle(spawn, onDamage)
  await handle.opened()
  return handle
}

class ThreadHandle implements WriterHandle {
  readonly #spawn: () => Worker
  readonly #onDamage: (damage: DamagedLog) => void
  #worker: Worker | undefined
  #waiting: ((message: FromThread | { readonly kind: 'died'; readonly problem: string }) => void) | undefined
  #deaths = 0
  #isOpened = false

  constructor(spawn: () => Worker, onDamage: (damage: DamagedLog) => void) {
    this.#spawn = spawn
    this.#onDamage = onDamage
  }

  async opened(): Promise<void> {
    const message = await this.#next(() => this.#thread())
    if (message.kind === 'not-opened') throw new CodedError(message.code, message.problem)
    if (message.kind === 'died') throw new CodedError('store-unusable', message.problem)
    this.#isOpened = true
  }

  async write(batch: Batch): Promise<Outcome> {
    const message = await this.#next(() => this.#thread().postMessage({ kind: 'batch', batch } satisfies ToThread))
    if (message.kind === 'died') {
      this.#deaths += 1
      const kind = this.#deaths < deathsPerBatch ? 'away' : 'refused'
      if (kind === 'refused') this.#deaths = 0
      return { kind, problem: message.problem }
    }
    this.#deaths = 0
    return isOutcome(message) ? message : { kind: 'refused', problem: `the writer answered "${message.kind}"` }
  }

  async close(): Promise<void> {
    const worker = this.#worker
    if (worker === undefined) return
    await this.#next(() => worker.postMessage({ kind: 'close' } satisfies ToThread))
    await worker.terminate()
  }

  /** What comes back first: an answer, or the news that there will be none. */
  #next(ask: () => void): Promise<FromThread | { readonly kind: 'died'; readonly problem: string }> {
    return new Promise((resolve) => {
      this.#waiting = (message) => {
        this.#waiting = undefined
        resolve(message)
      }
      try {
        ask()
      } catch (error) {
        this.#waiting({ kind: 'died', problem: `the writer could not be started: ${messageOf(error)}` })
      }
    })
  }

  #thread(): Worker {
    if (this.#worker !== undefined) return this.#worker
    const worker = this.#spawn()
    this.#worker = worker
    // It must not keep a process alive that is done.
    worker.unref()
    let why = 'it ended'
    worker.on('error', (error) => {
      why = messageOf(error)
    })
    worker.on('exit', () => {
      if (this.#worker !== worker) return
      this.#worker = undefined
      this.#waiting?.({ kind: 'died', problem: `the writer of records died: ${why}` })
    })
    worker.on('message', (message: FromThread) => {
      if (message.kind === 'damaged') {
        this.#onDamage(message.damage)
        return
      }
      // One that was started for a batch opens the store for it; whether that went well is in the batch's answer.
      const isGreeting = message.kind === 'opened' || message.kind === 'not-opened'
      if (!isGreeting || !this.#isOpened) this.#waiting?.(message)
    })
    return worker
  }
}

function isOutcome(message: FromThread): message is Outcome {
  return ['written', 'missing', 'away', 'refused'].includes(message.kind)
}
