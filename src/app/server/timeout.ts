// When an answer must leave: the API server says how long it waits, and we are done well before.

/** What the API server waits if a webhook's configuration says nothing. */
const defaultTimeoutMs = 10_000
/** The API server allows 1 to 30 seconds; nothing that a caller writes makes us work longer. */
const maxTimeoutMs = 30_000
/** For the way back, and for a handler that needs a moment to explain why it was cut off. */
const reserveMs = 1_000

const millisecondsOf: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  μs: 1e-3,
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
}

/** A Go duration as `time.ParseDuration` reads it, without a sign, in milliseconds; `undefined` if it is none. */
export function parseGoDuration(text: string): number | undefined {
  if (text === '0') return 0
  // 40 characters hold every unit once with room to spare.
  if (text.length > 40 || !/^((\d+(\.\d*)?|\.\d+)(ns|us|µs|μs|ms|s|m|h))+$/.test(text)) return undefined
  let total = 0
  for (const [, number = '', unit = ''] of text.matchAll(/([\d.]+)(ns|us|µs|μs|ms|s|m|h)/g)) {
    total += Number(number) * (millisecondsOf[unit] ?? 0)
  }
  return total
}

/**
 * How many milliseconds there are for an answer, from `?timeout=` of the API server: a second less than it waits, or
 * half where it waits less than two. What cannot be read counts as absent: 10 s.
 */
export function answerWithin(timeout: string | undefined): number {
  const asked = timeout === undefined ? undefined : parseGoDuration(timeout)
  const total = asked === undefined || asked <= 0 ? defaultTimeoutMs : Math.min(asked, maxTimeoutMs)
  return total < 2 * reserveMs ? total / 2 : total - reserveMs
}
