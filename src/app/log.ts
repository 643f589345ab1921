// The log of a running server: one JSON line an event, on standard error. The only file that knows pino. Fields are
// plain values, so that no object with a secret inside can slip in; text from outside is escaped by JSON itself.

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
  /** Resolves when all lines written so far have left the process. */
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
/** Names under which a value is never written, whoever passes it. */
const secretName = /passw|secret|token|credential|authorization|cookie|private/i

/** A log at this level. Lines are written behind the caller's back (`flush` waits for them). */
export function createLog(options: LogOptions): Log {
  const { destination = 2 } = options
  const stream =
    typeof destination === 'number'
      ? pino.destination({ dest: destination, sync: false, maxLength: maxBuffered })
      : undefined
  const logger = pino(
    {
      level: options.level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (level) => ({ level }) },
    },
    stream ?? (typeof destination === 'number' ? undefined : destination),
  )
  const flush = () =>
    new Promise<void>((resolve) => {
      if (stream === undefined) resolve()
      else stream.flush(() => resolve())
    })
  return logOf(logger, flush)
}

/** What a log says about a thrown value: code and place of an expected failure, the stack of one that is ours. */
export function errorFields(error: unknown): LogFields {
  if (error instanceof CodedError) return { code: error.code, error: error.message, where: error.where }
  if (error instanceof Error) return { code: 'internal-error', error: error.message, stack: error.stack }
  return { code: 'internal-error', error: String(error) }
}

function logOf(logger: pino.Logger, flush: () => Promise<void>): Log {
  return {
    debug: (message, fields) => logger.debug(safe(fields), message),
    info: (message, fields) => logger.info(safe(fields), message),
    warn: (message, fields) => logger.warn(safe(fields), message),
    error: (message, fields) => logger.error(safe(fields), message),
    with: (fields) => logOf(logger.child(safe(fields)), flush),
    flush,
  }
}

function safe(fields: LogFields = {}): Record<string, unknown> {
  const kept: Record<string, unknown> = {}
  for (const [name, value] of Object.entries(fields)) kept[name] = secretName.test(name) ? '[redacted]' : cut(value)
  return kept
}

function cut(value: LogFields[string]): LogFields[string] {
  return typeof value === 'string' && value.length > maxFieldLength ? `${value.slice(0, maxFieldLength)}…` : value
}
