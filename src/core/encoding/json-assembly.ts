// Puts the value of a JSON text together from pieces: members or elements of the innermost open container, a container
// inside of it, its end. Every piece is read by `strict-json.ts`; what is looked for here is what no piece shows by
// itself: members of one name in two pieces, and too many of them.

import { CodedError, codeOf } from '#core/errors.ts'
import { defineMember, pointerOf, readJsonSlowly } from './json-slowly.ts'
import { printable } from './printable.ts'
import { deepest, halfCharacter, holdsHalfCharacter, valueOfText } from './strict-json.ts'

type Container = Record<string, unknown> | unknown[]

interface Open {
  readonly container: Container
  /** Its name or index in the container around it; the root has neither. */
  readonly step: string | number
  /** Counting those of a large object takes as long as reading them. */
  members: number
}

const encoder = new TextEncoder()

/** A method that throws `json-malformed` has been called for the last time; other faults are told by `value`. */
export class JsonAssembly {
  readonly #maxMembers: number
  /** Outermost first. */
  readonly #open: Open[] = []
  #root: Container | undefined
  #repeated: CodedError | undefined
  #hasHalfCharacter = false

  constructor(maxMembers: number) {
    this.#maxMembers = maxMembers
  }

  /** How many containers are open. */
  get depth(): number {
    return this.#open.length
  }

  begin(isObject: boolean): void {
    const container = isObject ? {} : []
    this.#root = container
    this.#open.push({ container, step: '', members: 0 })
  }

  /**
   * Begins a container in the innermost one.
   *
   * @param before what stands in front of its bracket: a name and a colon in an object, nothing in a list
   * @throws CodedError `json-malformed`, `json-too-many`
   */
  beginInside(isObject: boolean, before: string): void {
    const part = this.#read(`${before}null`)
    const names = part === undefined ? [] : Object.keys(part.value)
    const [name] = names
    if (part === undefined || name === undefined || names.length > 1) throw misplaced()
    const { container } = this.#innermost()
    const step = Array.isArray(container) ? container.length : name
    const inner = isObject ? {} : []
    if (Array.isArray(part.value)) part.value[0] = inner
    else defineMember(part.value, name, inner)
    this.#take(part)
    this.#open.push({ container: inner, step, members: 0 })
  }

  /**
   * Adds to the innermost container.
   *
   * @param inside one or more members or elements, with commas between them
   * @throws CodedError `json-malformed`, `json-too-many`
   */
  add(inside: string): void {
    const part = this.#read(inside)
    if (part === undefined) return
    if (Object.keys(part.value).length === 0) throw misplaced()
    this.#take(part)
  }

  end(): void {
    this.#open.pop()
  }

  /** @throws CodedError `json-duplicate`; `json-malformed` if a string holds half of a surrogate pair */
  value(): unknown {
    if (this.#repeated !== undefined) throw this.#repeated
    if (this.#hasHalfCharacter) throw halfCharacter()
    return this.#root
  }

  #innermost(): Open {
    const open = this.#open.at(-1)
    if (open === undefined) throw misplaced()
    return open
  }

  /** @returns nothing if it names a member twice */
  #read(inside: string): Part | undefined {
    const text = Array.isArray(this.#innermost().container) ? `[${inside}]` : `{${inside}}`
    try {
      const value = valueOfText(text, encoder.encode(text), deepest) as Container
      if (!this.#hasHalfCharacter) this.#hasHalfCharacter = holdsHalfCharacter(text, value)
      return { text, value }
    } catch (error) {
      if (codeOf(error) !== 'json-duplicate') throw error
      this.#tellRepeated(text)
      return undefined
    }
  }

  #take({ text, value }: Part): void {
    // What is refused anyway need not be kept.
    if (this.#repeated !== undefined) return
    const open = this.#innermost()
    const { container } = open
    if (Array.isArray(value)) {
      if (Array.isArray(container)) for (const element of value) container.push(element)
      return
    }
    const names = Object.keys(value)
    open.members += names.length
    if (open.members > this.#maxMembers) throw this.#tooMany()
    if (names.some((name) => Object.hasOwn(container, name))) this.#tellRepeated(text)
    else for (const name of names) defineMember(container as Record<string, unknown>, name, value[name])
  }

  /** Finds the first name of the text that has been there before. */
  #tellRepeated(text: string): void {
    if (this.#repeated !== undefined) return
    try {
      readJsonSlowly(text, { container: this.#innermost().container, path: this.#path() })
    } catch (error) {
      if (!(error instanceof CodedError)) throw error
      this.#repeated = error
    }
  }

  #path(): readonly (string | number)[] {
    return this.#open.slice(1).map(({ step }) => step)
  }

  #tooMany(): CodedError {
    const where = pointerOf(this.#path())
    const message = `an object of the JSON has more than ${this.#maxMembers} members: ${printable(where)}`
    return new CodedError('input-too-large', message, { where })
  }
}

interface Part {
  /** Read as an object or list of its own. */
  readonly text: string
  readonly value: Container
}

function misplaced(): CodedError {
  return new CodedError('json-malformed', 'not JSON: something is missing or misplaced')
}
