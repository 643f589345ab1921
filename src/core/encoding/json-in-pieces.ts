// Reads large JSON in steps of bounded work, so that others can be served in between: the value that `strict-json.ts`
// would make of the whole, or its refusal.
//
// A scan notes where objects and lists are open. At the first comma behind some thousand bytes, what it has passed is
// read and put together: of every container that is still open the members so far, outermost first. What is closed by
// then is read as a whole, so that nothing is read twice, and a text has no more pieces than thousands of bytes.

import { CodedError, codeOf } from '#core/errors.ts'
import { JsonAssembly } from './json-assembly.ts'
import { depthOf, type JsonLimits, parseStrictJsonBytes, textOfBytes, tooDeep } from './strict-json.ts'

export interface PieceLimits extends JsonLimits {
  /** Looked at in one step, and read in one or two; but a string or number is read at once. */
  readonly pieceBytes?: number
  /** Of one object; those that fit into a piece are not counted. */
  readonly maxMembers?: number
  /** Members and elements of all objects and lists, about: each has a comma before it or is the first behind a bracket. */
  readonly maxValues?: number
}

/** Less than half a millisecond of work, whatever they hold; ten times fewer take longer in all. */
const defaultPieceBytes = 16 * 1024

/**
 * An object has at most 1.5 MiB in etcd: this many members have 50 bytes each, names and what `managedFields` says of them
 * included. What holds more is laid out anew as it grows, and of 100,000 that takes 10 ms that nobody can interrupt.
 */
const defaultMaxMembers = 30_000

/**
 * A new object of 3 MiB and an old one of 1.5, as an API server takes them, with 15 bytes for each; `managedFields` are not
 * that dense. What is empty or short takes ten times its bytes when it is read, and the largest body 150 MiB without this.
 */
const defaultMaxValues = 300_000

/**
 * The value of a JSON text in UTF-8. Yields how many bytes have been looked at: first all for being UTF-8, then all
 * for what they say.
 *
 * @throws CodedError as `parseStrictJsonBytes`, and `input-too-large` if an object has more members, a string more bytes, or
 *   all together more values than they may
 */
export function* parseStrictJsonInPieces(bytes: Uint8Array, limits: PieceLimits = {}): Generator<number, unknown> {
  const { pieceBytes = defaultPieceBytes, maxMembers = defaultMaxMembers, maxValues = defaultMaxValues } = limits
  for (let at = 0; at < bytes.length; yield at) {
    const end = endOfCharacter(bytes, at + pieceBytes)
    textOfBytes(bytes.subarray(at, end))
    at = end
  }
  const scan = new Scan(bytes, { pieceBytes, maxValues, maxDepth: depthOf(limits) }, new JsonAssembly(maxMembers))
  while (scan.at < bytes.length) {
    scan.goOn()
    yield scan.at
  }
  return scan.value()
}

/** Up to three bytes further than the place, so that no character is cut in two. */
function endOfCharacter(bytes: Uint8Array, place: number): number {
  let end = Math.min(place, bytes.length)
  for (let more = 0; more < 3 && isContinuation(bytes[end]); more++) end++
  return end
}

function isContinuation(byte: number | undefined): boolean {
  return byte !== undefined && (byte & 0xc0) === 0x80
}

/** An object or list that is open where the scan is. */
interface Level {
  readonly isObject: boolean
  /** Of its bracket. */
  readonly start: number
  /** Of its last comma, or -1. */
  comma: number
}

/**
 * Of one string as it is written. An object in etcd has at most 1.5 MiB, and no text needs a third more for its line feeds
 * and quotes; one of nothing but escapes takes 10 ms a MiB, which nobody can interrupt.
 */
const maxStringBytes = 2 * 1024 * 1024

const quote = 0x22
const backslash = 0x5c
const comma = 0x2c
const openingBrace = 0x7b
const closingBrace = 0x7d
const openingBracket = 0x5b
const closingBracket = 0x5d

type ScanLimits = Readonly<Record<'pieceBytes' | 'maxDepth' | 'maxValues', number>>

class Scan {
  readonly #bytes: Uint8Array
  readonly #limits: ScanLimits
  /** Has the containers of the outer levels; of the others nothing has been read. */
  readonly #assembly: JsonAssembly
  /** Outermost first. */
  readonly #levels: Level[] = []
  /** The number of levels; where the text is malformed, still what the brackets say. */
  #depth = 0
  /** Commas and opening brackets so far. */
  #values = 0
  #at = 0
  #isInString = false
  /** Behind the quote that begins the last string so far. */
  #string = 0
  #hasRoot = false
  /** All that stands before has been read. */
  #read = 0
  /** A container has ended there: the one around it goes on with a comma, or ends. */
  #isBehindInner = false
  /** Told at the end: what is nested too deep further on is refused for that, as it is in a small text. */
  #malformed: CodedError | undefined

  constructor(bytes: Uint8Array, limits: ScanLimits, assembly: JsonAssembly) {
    this.#bytes = bytes
    this.#limits = limits
    this.#assembly = assembly
  }

  get at(): number {
    return this.#at
  }

  /** @throws CodedError `json-too-deep`, `input-too-large` */
  goOn(): void {
    const bytes = this.#bytes
    const end = Math.min(this.#at + this.#limits.pieceBytes, bytes.length)
    let at = this.#at
    while (at < end) {
      if (this.#isInString) {
        at = this.#skipString(at, end)
        continue
      }
      const unit = bytes[at++]
      if (unit === quote) this.#beginString(at)
      else if (unit === comma) this.#takeComma(at - 1)
      else if (unit === openingBrace || unit === openingBracket) this.#open(at - 1, unit === openingBrace)
      else if (unit === closingBrace || unit === closingBracket) this.#close(at - 1, unit === closingBrace)
    }
    this.#at = at
    const { maxValues } = this.#limits
    if (this.#values > maxValues) {
      throw new CodedError('input-too-large', `the JSON holds more than ${maxValues} values`)
    }
  }

  /** @throws CodedError */
  value(): unknown {
    // A word, a number or a string alone, or nothing that is JSON.
    if (!this.#hasRoot && this.#malformed === undefined) return parseStrictJsonBytes(this.#bytes)
    if (this.#assembly.depth > 0) this.#refuse(this.#bytes.length)
    else this.#skipSpace(this.#bytes.length)
    if (this.#malformed !== undefined) throw this.#malformed
    return this.#assembly.value()
  }

  #beginString(at: number): void {
    this.#isInString = true
    this.#string = at
  }

  /** @returns the place behind it, or the end */
  #skipString(from: number, end: number): number {
    const bytes = this.#bytes
    let at = from
    while (at < end) {
      const unit = bytes[at++]
      if (unit === quote) {
        this.#isInString = false
        break
      }
      if (unit === backslash) at++
    }
    if (at - this.#string > maxStringBytes + 1) throw stringTooLong(this.#string)
    return at
  }

  #open(at: number, isObject: boolean): void {
    this.#values++
    if (++this.#depth > this.#limits.maxDepth) throw tooDeep(this.#limits.maxDepth, at)
    if (this.#malformed !== undefined) return
    const isRoot = this.#levels.length === 0
    // Behind an inner container stands a comma, behind the root nothing.
    if (this.#isBehindInner && this.#levels.length === this.#assembly.depth) this.#refuse(at)
    this.#levels.push({ isObject, start: at, comma: -1 })
    if (isRoot) this.#beginRoot(at, isObject)
  }

  #beginRoot(at: number, isObject: boolean): void {
    this.#hasRoot = true
    this.#skipSpace(at)
    this.#read = at + 1
    this.#assembly.begin(isObject)
  }

  #takeComma(at: number): void {
    this.#values++
    if (this.#malformed !== undefined) return
    const level = this.#levels.at(-1)
    if (level === undefined) {
      this.#refuse(at)
      return
    }
    level.comma = at
    if (this.#isBehindInner && this.#levels.length === this.#assembly.depth) {
      this.#skipSpace(at)
      this.#read = at + 1
      this.#isBehindInner = false
    } else if (at - this.#read >= this.#limits.pieceBytes) {
      this.#readUpTo(at)
    }
  }

  #close(at: number, isObject: boolean): void {
    this.#depth--
    if (this.#malformed !== undefined) return
    const depth = this.#levels.length
    const level = this.#levels.pop()
    if (level?.isObject !== isObject) {
      this.#refuse(at)
      return
    }
    if (depth > this.#assembly.depth) return
    const isEmpty = this.#read === level.start + 1 && this.#isSpace(at)
    if (this.#isBehindInner || isEmpty) this.#skipSpace(at)
    else this.#attempt(at, () => this.#assembly.add(this.#textUpTo(at)))
    this.#assembly.end()
    this.#read = at + 1
    this.#isBehindInner = true
  }

  /** Reads all that stands before a comma of the innermost level. */
  #readUpTo(at: number): void {
    this.#attempt(at, () => {
      for (let depth = this.#assembly.depth; depth < this.#levels.length; depth++) {
        const around = this.#levels[depth - 1]
        const inner = this.#levels[depth]
        if (around === undefined || inner === undefined) return
        if (around.comma > this.#read) this.#add(around.comma)
        this.#assembly.beginInside(inner.isObject, this.#textUpTo(inner.start))
        this.#read = inner.start + 1
      }
      this.#add(at)
    })
  }

  #add(comma: number): void {
    this.#assembly.add(this.#textUpTo(comma))
    this.#read = comma + 1
  }

  #textUpTo(end: number): string {
    return textOfBytes(this.#bytes.subarray(this.#read, end))
  }

  #skipSpace(end: number): void {
    if (!this.#isSpace(end)) this.#refuse(end)
  }

  /** Is there nothing else up to the end? */
  #isSpace(end: number): boolean {
    for (let at = this.#read; at < end; at++) {
      const unit = this.#bytes[at]
      if (unit !== 0x20 && unit !== 0x0a && unit !== 0x0d && unit !== 0x09) return false
    }
    return true
  }

  #attempt(end: number, assemble: () => void): void {
    try {
      assemble()
    } catch (error) {
      if (codeOf(error) !== 'json-malformed') throw error
      this.#refuse(end)
    }
  }

  #refuse(end: number): void {
    this.#malformed ??= new CodedError('json-malformed', `not JSON, between offset ${this.#read} and ${end}`)
  }
}

function stringTooLong(start: number): CodedError {
  const where = `offset ${start - 1}`
  const message = `a string of the JSON is longer than ${maxStringBytes} bytes, at ${where}`
  return new CodedError('input-too-large', message, { where })
}
