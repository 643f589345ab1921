// The log of a running server: one JSON line an event, on standard error. The only file that knows pino. Fields are
// plain values, so that no object with a secret inside can slip in; text from outside is escaped by JSON itself.

import { writeFileSync } from 'node:fs'
import process from 'node:process'
import pino from 'pino'
import { CodedError } from '#core/errors.ts'

export type LogLevel = 'debug' | 'info' | 'warn' | 'error' | 'silent'

export type LogFields = Readonly<Record<string, string | number | boolean | readonly string[] | undefined>>

export interface Log {
  debug(message: string, fields?: LogFields): void
  info(message: string, fields?: LogFields): void
  warn(message: string, fields?: LogFields): void
  error(message: string, fields?: LogFields): void
  /** The same log, with these fields on every line. */
  with(fields: LogFields): Log
  /** Resolves when all lines written so far have left the process, or nobody takes them. */
  flush(): Promise<void>
}

export interface LogOptions {
  readonly level: LogLevel
  /** A file descriptor (2 if absent), or something that takes lines. */
  readonly destination?: number | { write(line: string): void }
}

/** A reader of the log that stands still must not fill our memory: 4 MiB are some ten thousand lines; then lines are lost. */
const maxBuffered = 4 * 1024 * 1024
/** A denial with its explanation fits; more of one field is cut. */
const maxFieldLength = 8192
/** Lines are handed over together, once they are this long: each hand-over costs as much as making several lines. */
const batchLength = 32 * 1024
/** What does not fill a batch waits no longer than this, and warnings and errors not at all. */
const batchMs = 100
/** A reader that stands still does not keep a process from ending. */
const flushMs = 1_000
/** Names under which a value is never written, whoever passes it. */
const secretName = /passw|secret|token|credential|authorization|cookie|private/i

/** A log at this level. Lines are written behind the caller's back (`flush` waits for them). */
export function createLog(options: LogOptions): Log {
  const { destination = 2 } = options
  const batches = typeof destination === 'number' ? batchesTo(destination) : unbatched(destination)
  const logger = pino(
    { level: options.level, base: null, timestamp: isoTime, formatters: { level: (level) => ({ level }) } },
    batches.destination,
  )
  return logOf(logger, batches)
}

/** Where lines go, and what makes them leave. */
interface Batches {
  readonly destination: pino.DestinationStream
  /** What was written leaves now. */
  handOver(): void
  flush(): Promise<void>
}

function batchesTo(descriptor: number): Batches {
  const stream = pino.destination({ dest: descriptor, sync: false, maxLength: maxBuffered })
  let batch = ''
  let timer: NodeJS.Timeout | undefined
  let isLeaving = false
  const handOver = () => {
    clearTimeout(timer)
    timer = undefined
    if (batch === '') return
    isLeaving = true
    stream.write(batch)
    batch = ''
  }
  stream.on('drain', () => {
    isLeaving = false
  })
  // Whoever read the log is gone. That is no reason to stop.
  stream.on('error', () => {
    isLeaving = false
  })
  // A process that breaks off says why in its last lines. What was handed over leaves while it ends; the rest goes now.
  process.once('exit', () => {
    try {
      writeFileSync(descriptor, batch)
    } catch {
      // Nobody takes it any more.
    }
  })
  return {
    destination: {
      write(line) {
        batch += line
        if (batch.length >= batchLength) handOver()
        else timer ??= setTimeout(handOver, batchMs)
      },
    },
    handOver,
    flush: () => {
      handOver()
      return isLeaving ? untilDrained(stream) : Promise.resolve()
    },
  }
}

function untilDrained(stream: NodeJS.EventEmitter): Promise<void> {
  return new Promise((resolve) => {
    const end = () => {
      clearTimeout(patience)
      stream.off('drain', end).off('error', end)
      resolve()
    }
    const patience = setTimeout(end, flushMs)
    stream.on('drain', end).on('error', end)
  })
}

function unbatched(destination: pino.DestinationStream): Batches {
  return { destination, handOver: () => {}, flush: async () => {} }
}

let wholeSecond = Number.NaN
let secondText = ''

/** The member of a line that says when. A busy log has many lines of one second, and writing a date is slow. */
function isoTime(): string {
  const now = Date.now()
  const milliseconds = now % 1_000
  if (now - milliseconds !== wholeSecond) {
    wholeSecond = now - milliseconds
    secondText = new Date(now).toISOString().slice(0, -4)
  }
  return `,"time":"${secondText}${String(milliseconds).padStart(3, '0')}Z"`
}

/** What a log says about a thrown value: code and place of an expected failure, the stack of one that is ours. */
export function errorFields(error: unknown): LogFields {
  if (error instanceof CodedError) return { code: error.code, error: error.message, where: error.where }
  if (error instanceof Error) return { code: 'internal-error', error: error.message, stack: error.stack }
  return { code: 'internal-error', error: String(error) }
}

function logOf(logger: pino.Logger, batches: Batches): Log {
  return {
    debug: (message, fields) => logger.debug(safe(fields), message),
    info: (message, fields) => logger.info(safe(fields), message),
    warn(message, fields) {
      logger.warn(safe(fields), message)
      batches.handOver()
    },
    error(message, fields) {
      logger.error(safe(fields), message)
      batches.handOver()
    },
    with: (fields) => logOf(logger.child(safe(fields)), batches),
    flush: batches.flush,
  }
}

function safe(fields: LogFields = {}): Record<string, unknown> {
  const kept: Record<string, unknown> = {}
  for (const name of Object.keys(fields)) kept[name] = isSecret(name) ? '[redacted]' : cut(fields[name])
  return kept
}

/** Names come from our own code, so there are few; should they not, the oldest of these need not be known. */
const knownNames = new Map<string, boolean>()
const maxKnownNames = 1_000

function isSecret(name: string): boolean {
  let known = knownNames.get(name)
  if (known === undefined) {
    known = secretName.test(name)
    if (knownNames.size >= maxKnownNames) knownNames.clear()
    knownNames.set(name, known)
  }
  return known
}

function cut(value: LogFields[string]): LogFields[string] {
  return typeof value === 'string' && value.length > maxFieldLength ? `${value.slice(0, maxFieldLength)}…` : value
}
