// What the parent and its workers say to each other, and the memory that they share: the case at hand, so that a worker
// that hangs or runs out of memory cannot take it along.

import { deserialize, serialize } from 'node:v8'
import type { Parts } from '../case.ts'

export interface WorkerOptions {
  readonly seed: string
  /** The name of a planted defect. */
  readonly plant?: string
  readonly memory: SharedArrayBuffer
}

/** To a worker: do this batch. */
export interface Work {
  readonly target: string
  readonly batch: number
  readonly cases: number
}

export interface FoundMessage {
  readonly kind: 'found'
  readonly target: string
  readonly name: string
  readonly violated: string
  readonly message: string
  readonly parts: Parts
}

/** From a worker. */
export type Told =
  | { readonly kind: 'ready' }
  | { readonly kind: 'done'; readonly target: string; readonly cases: number; readonly reached: readonly string[] }
  | FoundMessage

/** Two counters (cases begun, bytes of the case at hand), then the case; what is larger is cut and cannot be shown. */
const header = 8
const caseBytes = 8 * 1024 * 1024

export function sharedMemory(): SharedArrayBuffer {
  return new SharedArrayBuffer(header + caseBytes)
}

export function writeCase(memory: SharedArrayBuffer, parts: Parts): void {
  const bytes = serialize(parts)
  const counters = new Int32Array(memory, 0, 2)
  if (bytes.length <= caseBytes) new Uint8Array(memory, header).set(bytes)
  Atomics.store(counters, 1, bytes.length <= caseBytes ? bytes.length : 0)
  Atomics.add(counters, 0, 1)
}

export function casesBegun(memory: SharedArrayBuffer): number {
  return Atomics.load(new Int32Array(memory, 0, 2), 0)
}

export function caseAtHand(memory: SharedArrayBuffer): Parts {
  const length = Atomics.load(new Int32Array(memory, 0, 2), 1)
  if (length === 0) return {}
  const value: unknown = deserialize(Buffer.from(memory, header, length))
  return typeof value === 'object' && value !== null ? (value as Parts) : {}
}
