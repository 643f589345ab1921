// Waiting that ends when the caller's time is over, for work that goes on because others wait for it too.

import { CodedError } from '#core/errors.ts'

/** The result of `work`, or an error as soon as `signal` fires: its reason if that is coded, else `late()`. */
export function untilAborted<T>(work: Promise<T>, signal: AbortSignal, late: () => CodedError): Promise<T> {
  return new Promise((resolve, reject) => {
    const expire = () => reject(signal.reason instanceof CodedError ? signal.reason : late())
    if (signal.aborted) expire()
    signal.addEventListener('abort', expire, { once: true })
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', expire))
  })
}

/** Resolves after `milliseconds`, or at once when `signal` fires. */
export function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = () => {
      clearTimeout(timer)
      signal.removeEventListener('abort', end)
      resolve()
    }
    const timer = setTimeout(end, milliseconds)
    signal.addEventListener('abort', end)
    if (signal.aborted) end()
  })
}
