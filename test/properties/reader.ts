// What must hold of every reader: of every function that turns what comes from outside into a value. A reader is
// described once (what it is given, what writers write, what it may refuse with), and the properties are the same for all.
//
// That a reader ends is left to the time limit of a test: no property measures time.

import { inspect, isDeepStrictEqual } from 'node:util'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { CodedError, type ErrorCode } from '#core/errors.ts'
import { type Form, hostile, type Input } from './hostile.ts'
import { sizeOf } from './size.ts'

export interface Reader<I extends Input, Value> {
  /** `src/core/image/digest.ts parseDigest`: every reader that this is about; the first is the one that is called. */
  readonly of: readonly [string, ...string[]]
  readonly form: Form<I>
  readonly read: (input: I) => Value | Promise<Value>
  /** What honest writers write. */
  readonly written: fc.Arbitrary<Written<I>>
  /** What is compared with the meaning of what was written; the whole value if absent. */
  readonly meaningOf?: (value: Value) => unknown
  /** The codes that its documentation names. */
  readonly refuses: readonly ErrorCode[]
  /** What else holds of everything that is read. @throws where it does not */
  readonly promises?: (value: Value, input: I) => void
  /** The value as text or bytes: read again, it must be the same value. */
  readonly rewrite?: (value: Value) => I
  /** Every value is written in one way: what is read is what `rewrite` writes. Needs `rewrite`. */
  readonly isExact?: true
  /** How many inputs are tried for a property, where one takes long. */
  readonly runs?: number
}

export interface Written<I extends Input> {
  readonly input: I
  readonly means: unknown
}

/** The properties of one reader, whatever the types of its input and value. */
export interface ReaderProperties {
  readonly of: readonly string[]
  declare(): void
}

/** The same inputs at each run, so that a change is told from chance; `PROPERTY_SEED` looks at others, as `npm run fuzz` does. */
const seed = Number(process.env['PROPERTY_SEED'] ?? 1)

/** One line of a log or a terminal; the longest that is told on purpose lists the words of a schema. */
const maxMessage = 1_000
/** Defaults, and a hundred problems of one document; beyond that, what is read grows with what was written. */
const maxValue = { plus: 50_000, times: 16 }

/** A hundred inputs take a second; opening sealed keys on a machine that does other things takes more. */
const limitMs = 60_000

export function propertiesOf<I extends Input, Value>(reader: Reader<I, Value>): ReaderProperties {
  const parameters = { seed, ...(reader.runs !== undefined && { numRuns: reader.runs }) }
  return {
    of: reader.of,
    declare: () =>
      describe(reader.of.map((name) => name.replace(/^.* /, '')).join(', '), () => {
        test(
          'whatever comes, it is read as promised or refused with a code, and the same way twice',
          async () => {
            await assertHolds(totality(reader), parameters)
          },
          limitMs,
        )
        test(
          'what is written is read back as it was meant',
          async () => {
            await assertHolds(roundTrip(reader), parameters)
          },
          limitMs,
        )
      }),
  }
}

/** The library's own report would show all of an input, which may be a file of many pages. */
async function assertHolds<T>(property: fc.IAsyncProperty<T>, parameters: fc.Parameters<T>): Promise<void> {
  const { failed, seed, counterexamplePath, counterexample, errorInstance } = await fc.check(property, parameters)
  if (!failed) return
  const shown = inspect(counterexample, { maxStringLength: 2_000, maxArrayLength: 200 })
  throw new Error(`seed ${seed}, path ${counterexamplePath}: ${shown}`, { cause: errorInstance })
}

export function totality<I extends Input, Value>(reader: Reader<I, Value>) {
  return fc.asyncProperty(hostile(reader.form, reader.written), async (input) => {
    const outcome = await outcomeOf(reader, input)
    expectSame(await outcomeOf(reader, input), outcome)
    if ('value' in outcome) await checkValue(reader, outcome.value, input)
    else checkRefusal(reader, outcome)
  })
}

export function roundTrip<I extends Input, Value>(reader: Reader<I, Value>) {
  return fc.asyncProperty(reader.written, async ({ input, means }) => {
    const value = await reader.read(input)
    expectSame(reader.meaningOf === undefined ? value : reader.meaningOf(value), means)
    await checkValue(reader, value, input)
  })
}

type Outcome<Value> = { readonly value: Value } | { readonly code: ErrorCode; readonly message: string }

/** @throws whatever the reader throws that is no coded error */
async function outcomeOf<I extends Input, Value>(reader: Reader<I, Value>, input: I): Promise<Outcome<Value>> {
  try {
    return { value: await reader.read(input) }
  } catch (error) {
    if (!(error instanceof CodedError)) throw error
    return { code: error.code, message: error.message }
  }
}

async function checkValue<I extends Input, Value>(reader: Reader<I, Value>, value: Value, input: I): Promise<void> {
  expect(sizeOf(value)).toBeLessThanOrEqual(maxValue.plus + maxValue.times * input.length)
  reader.promises?.(value, input)
  if (reader.rewrite === undefined) return
  const again = reader.rewrite(value)
  if (reader.isExact) expectSame(again, input)
  expectSame(await reader.read(again), value)
}

function checkRefusal<I extends Input, Value>(
  { refuses }: Reader<I, Value>,
  { code, message }: { readonly code: ErrorCode; readonly message: string },
): void {
  expect(refuses).toContain(code)
  expect(message.length).toBeLessThanOrEqual(maxMessage)
  expect(message).not.toMatch(/[\p{Cc}\p{Cs}\u202a-\u202e\u2066-\u2069]/u)
}

/** What is alike is found so at once; what is not, or only by the laxer rules for absent members, is told in full. */
function expectSame(actual: unknown, expected: unknown): void {
  if (!isDeepStrictEqual(actual, expected)) expect(actual).toEqual(expected)
}
