// How a command fails: one message, its code, one next step, an exit code. Never a stack trace, unless asked for.

import type { ErrorCode } from '#core/errors.ts'
import { CodedError, codeOf, errorTable, messageOf } from '#core/errors.ts'
import type { ExitCode, Stream } from './command.ts'

/** What an error of this code ends the program with. */
export function exitCodeOf(code: ErrorCode): ExitCode {
  switch (errorTable[code].kind) {
    case 'input':
      return 2
    case 'untrusted':
    case 'check':
      return 1
    case 'undetermined':
      return 3
    case 'accepted':
      return 0
  }
}

/** Of several, the one that the program ends with: 2, 1, 3, 0. */
export function worstOf(codes: readonly ExitCode[]): ExitCode {
  return ([2, 1, 3] as const).find((code) => codes.includes(code)) ?? 0
}

export interface FailureReport {
  readonly kind: 'sealward.dev/Failure'
  readonly version: 1
  readonly exitCode: ExitCode
  readonly code: ErrorCode
  readonly message: string
  readonly next: string
}

export function failureReport(error: unknown): FailureReport {
  const code = codeOf(error)
  return {
    kind: 'sealward.dev/Failure',
    version: 1,
    exitCode: exitCodeOf(code),
    code,
    message: error instanceof CodedError ? error.message : `this is a defect of Sealward: ${messageOf(error)}`,
    next: error instanceof CodedError ? errorTable[code].next : 'Report it, with what SEALWARD_DEBUG=1 prints.',
  }
}

/** Says on standard error what went wrong; with `debug` also where. */
export function tellFailure(error: unknown, stderr: Stream, debug: boolean): FailureReport {
  const report = failureReport(error)
  stderr.line(`sealward: ${report.message}`)
  stderr.line(`code: ${report.code}`)
  stderr.line(`next: ${report.next}`)
  if (debug && error instanceof Error) stderr.line(error.stack ?? '')
  return report
}
