// The log of a running server: one JSON line an event, on standard error. Fields are plain values, so that no object with
// a secret inside can slip in; text from outside is escaped by JSON itself.

import { CodedError } from '#core/errors.ts'
import { type LineWriter, lineWriter } from './line-writer.ts'

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

/** A denial with its explanation fits; more of one field is cut. */
const maxFieldLength = 8192
/** The verdicts on hundreds of images fit; of more, a line says how many there are. The decision records have them all. */
const maxListLength = 64 * 1024
/** Names under which a value is never written, whoever passes it. */
const secretName = /passw|secret|token|credential|authorization|cookie|private/i

const ranks: Readonly<Record<LogLevel, number>> = { debug: 0, info: 1, warn: 2, error: 3, silent: 4 }

/** A log at this level. Lines are written behind the caller's back (`flush` waits for them). */
export function createLog({ level, destination = 2 }: LogOptions): Log {
  return logOf(level, typeof destination === 'number' ? lineWriter(destination, lostLine) : unbuffered(destination), {})
}

function lostLine(lost: number): string {
  return lineOf('warn', { lost, msg: 'lines of the log were lost: nobody took them, or there was no room' })
}

function lineOf(level: LogLevel, fields: Readonly<Record<string, unknown>>): string {
  return `{"level":"${level}","time":"${isoTime()}",${JSON.stringify(fields).slice(1)}\n`
}

function unbuffered(destination: { write(line: string): void }): LineWriter {
  return { write: (line) => destination.write(line), handOver: () => {}, flush: async () => {} }
}

function logOf(lowest: LogLevel, writer: LineWriter, always: LogFields): Log {
  const write = (level: Exclude<LogLevel, 'silent'>, message: string, fields: LogFields | undefined) => {
    if (ranks[level] < ranks[lowest]) return
    writer.write(lineOf(level, { ...safe(always), ...safe(fields), msg: message }))
    // What is wrong should be seen though the process ends before the next batch.
    if (ranks[level] >= ranks.warn) writer.handOver()
  }
  return {
    debug: (message, fields) => write('debug', message, fields),
    info: (message, fields) => write('info', message, fields),
    warn: (message, fields) => write('warn', message, fields),
    error: (message, fields) => write('error', message, fields),
    with: (fields) => logOf(lowest, writer, { ...always, ...fields }),
    flush: () => writer.flush(),
  }
}

let wholeSecond = Number.NaN
let secondText = ''

/** A busy log has many lines of one second, and writing a date is slow. */
function isoTime(): string {
  const now = Date.now()
  const milliseconds = now % 1_000
  if (now - milliseconds !== wholeSecond) {
    wholeSecond = now - milliseconds
    secondText = new Date(now).toISOString().slice(0, -4)
  }
  return `${secondText}${String(milliseconds).padStart(3, '0')}Z`
}

/** What a log says about a thrown value: code and place of an expected failure, the stack of one that is ours. */
export function errorFields(error: unknown): LogFields {
  if (error instanceof CodedError) return { code: error.code, error: error.message, where: error.where }
  if (error instanceof Error) return { code: 'internal-error', error: error.message, stack: error.stack }
  return { code: 'internal-error', error: String(error) }
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
  if (typeof value === 'string') return cutText(value)
  return typeof value === 'object' ? cutList(value) : value
}

function cutText(text: string): string {
  return text.length > maxFieldLength ? `${text.slice(0, maxFieldLength)}…` : text
}

function cutList(texts: readonly string[]): readonly string[] {
  const kept: string[] = []
  let length = 0
  for (const text of texts) {
    const shown = cutText(text)
    length += shown.length
    if (length > maxListLength) return [...kept, `… ${texts.length - kept.length} more`]
    kept.push(shown)
  }
  return kept
}
