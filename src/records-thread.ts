// The thread in which `serve` writes decision records: the entry of a worker, and nothing else.

import '#hardening.ts'
import { parentPort, workerData } from 'node:worker_threads'
import type { ThreadData } from '#io/store/writer-loop.ts'
import { serveWriter } from '#io/store/writer-loop.ts'

if (parentPort !== null) serveWriter(parentPort, workerData as ThreadData)
