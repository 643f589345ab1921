// The parent's side: starts workers, hands out batches, ends a worker that hangs and reports the case it hung in.

import { Worker } from 'node:worker_threads'
import type { FoundMessage, Told, Work, WorkerOptions } from './messages.ts'
import { caseAtHand, casesBegun, sharedMemory } from './messages.ts'

export interface PoolOptions {
  readonly workers: number
  readonly seed: string
  readonly plant?: string
  /** The next batch, or `undefined` when it is time to stop. */
  readonly next: () => Work | undefined
  readonly onDone: (told: Told & { readonly kind: 'done' }) => void
  readonly onFound: (found: FoundMessage) => void
}

/** Longer than any case may take on a machine that does three other things. */
const hangMs = 20_000
/** A target needs less than half of it; a case that needs all of it is a finding. */
const heapMb = 768

/** Ends when there is no next batch and every worker has done its last. */
export async function runPool(options: PoolOptions): Promise<void> {
  await Promise.all(Array.from({ length: options.workers }, () => keepWorking(options)))
}

/** A worker after another: the next one takes over where one died. */
async function keepWorking(options: PoolOptions): Promise<void> {
  for (let work = options.next(); work !== undefined; ) work = await oneWorker(options, work)
}

/** @returns the batch that a new worker shall begin with, if this one had to be ended */
function oneWorker(options: PoolOptions, first: Work): Promise<Work | undefined> {
  const memory = sharedMemory()
  const workerData: WorkerOptions = {
    seed: options.seed,
    memory,
    ...(options.plant !== undefined && { plant: options.plant }),
  }
  const worker = new Worker(new URL('./worker.ts', import.meta.url), {
    workerData,
    resourceLimits: { maxOldGenerationSizeMb: heapMb },
  })
  let current: Work = first
  return new Promise((resolve, reject) => {
    let seen = -1
    const watchdog = setInterval(() => {
      const begun = casesBegun(memory)
      // Before the first case a worker loads the product, which is nobody's fault.
      if (begun === seen && begun > 0) lost('a case never ended', `no end within ${hangMs / 1_000} s`)
      seen = begun
    }, hangMs)
    const end = (next: Work | undefined) => {
      clearInterval(watchdog)
      void worker.terminate().then(() => resolve(next))
    }
    const lost = (violated: string, message: string) => {
      const name = `${options.seed}/${current.target}/${current.batch}`
      const parts = caseAtHand(memory)
      options.onFound({ kind: 'found', target: current.target, name, violated, message, parts })
      end(options.next())
    }
    const give = (next: Work | undefined) => {
      if (next === undefined) return end(undefined)
      current = next
      worker.postMessage(next)
    }
    worker.on('message', (told: Told) => {
      if (told.kind === 'ready') give(current)
      else if (told.kind === 'found') options.onFound(told)
      else {
        options.onDone(told)
        give(options.next())
      }
    })
    worker.on('error', (error) => {
      if (isOutOfMemory(error)) return lost('a case took more memory than there is', String(error))
      clearInterval(watchdog)
      reject(error)
    })
  })
}

function isOutOfMemory(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ERR_WORKER_OUT_OF_MEMORY'
}
