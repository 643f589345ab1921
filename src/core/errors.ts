// The one table of codes. A code is stable: people search for it, scripts match it, `docs/errors.md` explains it.
// `kind` says what a code is about:
//   untrusted     a verdict: looked, and the answer is no
//   undetermined  a verdict: could not find out; never yes, and never "unsigned"
//   accepted      a verdict: let pass without verification
//   check         why one signature does not count; a verdict may still be `trusted` by another
//   input         what somebody handed to us is not acceptable (files, flags, requests)
// `outage` marks the undetermined codes that no single image or object brings about by what it holds; only these may be
// softened by `whenUndetermined`.

import { errorRows } from './error-table.ts'

export type ErrorKind = 'untrusted' | 'undetermined' | 'accepted' | 'check' | 'input'

export interface ErrorRow {
  readonly kind: ErrorKind
  /** One sentence: what it means. */
  readonly meaning: string
  /** One sentence: who does what next. */
  readonly next: string
  readonly outage?: true
}

export type ErrorCode = keyof typeof errorRows

export const errorTable: Readonly<Record<ErrorCode, ErrorRow>> = errorRows

export function isErrorCode(text: string): text is ErrorCode {
  return Object.hasOwn(errorRows, text)
}

/** An expected failure: its code decides what happens, its message says what and where. */
export class CodedError extends Error {
  readonly code: ErrorCode
  /** Where in the input: a JSON pointer, a dotted path, an offset, a URL without secrets. */
  readonly where: string | undefined

  constructor(code: ErrorCode, message: string, options: { where?: string | undefined; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.name = 'CodedError'
    this.code = code
    this.where = options.where
  }
}

/** The code of any thrown value; what is not a `CodedError` is a fault of ours. */
export function codeOf(error: unknown): ErrorCode {
  return error instanceof CodedError ? error.code : 'internal-error'
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
