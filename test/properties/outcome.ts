// For readers that say no by a value: inside the properties it is a refusal like every other.

import { CodedError, type ErrorCode } from '#core/errors.ts'

/** @throws CodedError with the code, for what was not read */
export function demanded<T>(value: T | undefined, code: ErrorCode): T {
  if (value === undefined) throw new CodedError(code, 'it was not read')
  return value
}
