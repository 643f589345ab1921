// What a fuzz target is, and how it says that something is wrong. A target knows one way into the product and an oracle
// for it; drawing, mutating, bounding and reporting are the same for all of them.

import { CodedError } from '#core/errors.ts'
import type { Parts } from './case.ts'

/** How a part is mutated; whatever its syntax, bytes are flipped now and then too. */
export type Syntax = 'json' | 'lines' | 'text' | 'bytes'

export interface Target {
  readonly name: string
  /** One line for people. */
  readonly about: string
  /** By the name of the part. */
  readonly syntax: Readonly<Record<string, Syntax>>
  /** Words that mean something here. */
  readonly dictionary: readonly string[]
  /** Processor time of the worker's thread that one case may take, with its reason; 250 ms if absent. */
  readonly cpuMs?: number
  /** Its cases wait, or work elsewhere: a short run draws fewer of them. */
  readonly isSlow?: true
  /** Made once a worker. */
  open(): Promise<OpenTarget> | OpenTarget
}

export interface OpenTarget {
  /** Cases to begin with, by what they are. */
  readonly seeds: Readonly<Record<string, Parts>>
  /**
   * Runs one case and judges what came of it.
   *
   * @returns what was reached, in a few words: cases that reach something new are mutated further
   * @throws Finding for what must not happen; anything else that is thrown is a finding too
   */
  run(parts: Parts): Promise<string> | string
  close?(): Promise<void>
}

/** Something that must not happen happened. */
export class Finding extends Error {
  /** The rule that was broken, in words that are the same for every case that breaks it so. */
  readonly violated: string

  constructor(violated: string, detail = '') {
    super(detail === '' ? violated : `${violated}: ${detail}`)
    this.name = 'Finding'
    this.violated = violated
  }
}

/** @throws Finding unless it holds */
export function must(holds: boolean, violated: string, detail?: () => string): asserts holds {
  if (!holds) throw new Finding(violated, detail?.())
}

export type Read<T> = { readonly value: T; readonly code?: undefined } | { readonly code: string }

/** The value, or the code that it was refused with. @throws Finding for what is thrown without a code of its own */
export function reading<T>(read: () => T): Read<T> {
  try {
    return { value: read() }
  } catch (error) {
    return { code: refusalCode(error) }
  }
}

/** @throws Finding as `reading` */
export async function readingLater<T>(read: () => Promise<T>): Promise<Read<T>> {
  try {
    return { value: await read() }
  } catch (error) {
    return { code: refusalCode(error) }
  }
}

function refusalCode(error: unknown): string {
  if (error instanceof Finding) throw error
  if (error instanceof CodedError && error.code !== 'internal-error') return error.code
  throw uncoded(error)
}

export function uncoded(error: unknown): Finding {
  const told = error instanceof Error ? (error.stack ?? error.message) : String(error)
  const [name] = told.split('\n', 1)
  return new Finding('something else than a coded error was thrown', `${name?.slice(0, 200)}\n${told.slice(0, 2_000)}`)
}
