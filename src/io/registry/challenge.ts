// Reads `WWW-Authenticate` (RFC 9110 section 11.6.1, formerly RFC 7235): which schemes a registry offers, with their
// parameters. Strict: what two readers could read differently is refused. It trusts nothing it reads (`realm.ts` does).

import { CodedError } from '#core/errors.ts'

export type Challenge =
  | { readonly scheme: 'basic' }
  | { readonly scheme: 'bearer'; readonly realm: string; readonly service?: string }

/** The header of a real registry is some 200 bytes. */
const maxHeader = 8 * 1024

interface RawChallenge {
  readonly scheme: string
  readonly parameters: ReadonlyMap<string, string>
}

/**
 * The challenge to answer, Bearer before Basic; `undefined` where only schemes of others are offered.
 *
 * @throws CodedError `registry-protocol`
 */
export function parseChallenge(headers: readonly string[]): Challenge | undefined {
  const raw = headers.flatMap(parseHeader)
  const bearer = raw.find((each) => each.scheme === 'bearer')
  if (bearer === undefined) return raw.some((each) => each.scheme === 'basic') ? { scheme: 'basic' } : undefined
  const realm = bearer.parameters.get('realm')
  const service = bearer.parameters.get('service')
  if (realm === undefined || realm === '') throw malformed('a Bearer challenge without a realm')
  return { scheme: 'bearer', realm, ...(service !== undefined && { service }) }
}

/** Every challenge of one header line, schemes and parameter names in lower case. */
export function parseHeader(header: string): readonly RawChallenge[] {
  if (header.length > maxHeader) throw malformed(`a header of ${header.length} characters`)
  const challenges: { scheme: string; parameters: Map<string, string> }[] = []
  const scanner = new Scanner(header)
  for (scanner.separators(); !scanner.atEnd(); scanner.separators()) {
    const word = scanner.token()
    if (word === undefined) throw malformed(`an unexpected character at ${scanner.at}`)
    const current = challenges.at(-1)
    const value = scanner.parameterValue()
    if (value === undefined) {
      challenges.push({ scheme: word.toLowerCase(), parameters: new Map() })
      scanner.afterScheme()
    } else {
      const name = word.toLowerCase()
      if (current === undefined) throw malformed('a parameter before any scheme')
      if (current.parameters.has(name)) throw malformed(`the parameter ${name} twice`)
      current.parameters.set(name, value)
      scanner.endOfItem()
    }
  }
  return challenges
}

/** Walks over one header; every pattern is sticky and linear. */
class Scanner {
  at = 0
  readonly #text: string

  constructor(text: string) {
    this.#text = text
  }

  atEnd(): boolean {
    return this.at >= this.#text.length
  }

  separators(): void {
    this.#take(/[ \t,]*/y)
  }

  token(): string | undefined {
    return this.#take(/[!#$%&'*+.^_`|~0-9A-Za-z-]+/y)
  }

  /** What stands behind `=`; `undefined`, without moving, where no `=` follows. */
  parameterValue(): string | undefined {
    const start = this.at
    if (this.#take(/[ \t]*=[ \t]*/y) === undefined) return undefined
    const plain = this.token()
    if (plain !== undefined) return plain
    const quoted = this.#take(/"(?:[^"\\\r\n]|\\[^\r\n])*"/y)
    if (quoted === undefined) throw malformed(`a parameter without a value at ${start}`)
    return quoted.slice(1, -1).replace(/\\(.)/g, '$1')
  }

  /** Behind a scheme: a blank and parameters or a token68, or the next challenge. */
  afterScheme(): void {
    if (this.atEnd()) return
    const token68 = this.#take(/ +[0-9A-Za-z._~+/-]+=*(?=[ \t]*(?:,|$))/y)
    if (token68 === undefined && this.#take(/ +|(?=[ \t]*,)/y) === undefined)
      throw malformed(`an unexpected character at ${this.at}`)
  }

  endOfItem(): void {
    if (!this.atEnd() && this.#take(/[ \t]*(?=,)|[ \t]*$/y) === undefined) throw malformed(`no comma at ${this.at}`)
  }

  #take(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.at
    const match = pattern.exec(this.#text)
    if (match === null) return undefined
    this.at = pattern.lastIndex
    return match[0]
  }
}

function malformed(what: string): CodedError {
  return new CodedError('registry-protocol', `the registry asks for authentication in a malformed way: ${what}`)
}
