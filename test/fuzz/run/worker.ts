// A worker of the fuzzer: plants the defect if there is one, then does the batches that it is given. Nothing of the
// product may be loaded before the planting, but for what every worker of the product begins with.

import '#hardening.ts'
import { parentPort, workerData } from 'node:worker_threads'
import { plantDefect } from '../plants.ts'
import type { Told, Work, WorkerOptions } from './messages.ts'

const options: WorkerOptions = workerData
const planted = options.plant === undefined ? undefined : plantDefect(options.plant)
const { startWork } = await import('./work.ts')

const tell = (told: Told) => parentPort?.postMessage(told)
const doWork = startWork(options, tell)
let before: Promise<void> = Promise.resolve()
parentPort?.on('message', (work: Work) => {
  before = before.then(() => doWork(work)).then(() => planted?.checkApplied(work.target))
})
tell({ kind: 'ready' })
