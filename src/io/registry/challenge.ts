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
  const scanner = scan(header)
  for (scanner.separators(); !scanner.atEnd(); scanner.separators()) {
    const word = scanner.token()
    if (word === undefined) throw scanner.unexpected()
    const current = challenges.at(-1)
    const value = scanner.parameterValue()
    if (value === undefined) {
      challenges.push({ scheme: word.toLowerCase(), parameters: new Map() })
      scanner.endOfScheme()
    } else {
      const name = word.toLowerCase()
      if (current === undefined) throw malformed('a parameter before any scheme')
      if (current.parameters.has(name)) throw malformed(`the parameter ${name} twice`)
      current.parameters.set(name, value)
      scanner.endOfParameter()
    }
  }
  return challenges
}

/** Walks over one header; every pattern is sticky and linear. */
function scan(text: string) {
  let at = 0
  const take = (pattern: RegExp): string | undefined => {
    pattern.lastIndex = at
    const match = pattern.exec(text)
    if (match === null) return undefined
    at = pattern.lastIndex
    return match[0]
  }
  const atEnd = () => at >= text.length
  const unexpected = () => malformed(`an unexpected character at ${at}`)
  const token = () => take(/[!#$%&'*+.^_`|~0-9A-Za-z-]+/y)

  return {
    atEnd,
    token,
    unexpected,
    separators: () => void take(/[ \t,]*/y),
    /** What stands behind `=`; `undefined`, without moving, where no `=` follows. */
    parameterValue(): string | undefined {
      if (take(/[ \t]*=[ \t]*/y) === undefined) return undefined
      const plain = token()
      if (plain !== undefined) return plain
      const quoted = take(/"(?:[^"\\\r\n]|\\[^\r\n])*"/y)
      if (quoted === undefined) throw malformed(`a parameter without a value at ${at}`)
      return quoted.slice(1, -1).replace(/\\(.)/g, '$1')
    },
    /** Behind a scheme: a blank and parameters or a token68, or the next challenge. */
    endOfScheme(): void {
      const token68 = take(/ +[0-9A-Za-z._~+/-]+=*(?=[ \t]*(?:,|$))/y)
      if (token68 === undefined && !atEnd() && take(/ +|(?=[ \t]*,)/y) === undefined) throw unexpected()
    },
    endOfParameter(): void {
      if (take(/[ \t]*(?=,|$)/y) === undefined) throw malformed(`no comma at ${at}`)
    },
  }
}

function malformed(what: string): CodedError {
  return new CodedError('registry-protocol', `the registry asks for authentication in a malformed way: ${what}`)
}
