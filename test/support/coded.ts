// What a refused promise was refused with, for assertions about codes and messages.

import { CodedError } from '#core/errors.ts'

/** The error of a promise that must be refused with a coded one; anything else fails the test. */
export async function refusal(work: Promise<unknown>): Promise<CodedError> {
  try {
    await work
  } catch (error) {
    if (error instanceof CodedError) return error
    throw error
  }
  throw new Error('it was not refused')
}

export async function refusalCode(work: Promise<unknown>): Promise<string> {
  return (await refusal(work)).code
}
