// One text for one value: members sorted by UTF-16 units, no white space, as RFC 8785 orders and writes them. For
// revisions, cache keys and records. It writes our own values; it is no reader.

/**
 * The canonical text of a plain value. Members that are `undefined` are left out, as `JSON.stringify` does.
 *
 * @throws TypeError for what JSON cannot say (functions, big integers, NaN, dates, maps): a mistake of the caller.
 */
export function canonicalJson(value: unknown): string {
  if (value === null || typeof value === 'boolean' || typeof value === 'string') return JSON.stringify(value)
  if (typeof value === 'number') {
    if (!Number.isFinite(value)) throw new TypeError(`canonicalJson: ${value} has no JSON`)
    return JSON.stringify(value)
  }
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`
  if (typeof value === 'object' && isPlain(value)) return canonicalObject(value)
  throw new TypeError(`canonicalJson: a value of type ${typeof value} has no JSON`)
}

function canonicalObject(object: object): string {
  const members: string[] = []
  // The default order of `sort` is by UTF-16 units, which is what RFC 8785 section 3.2.3 asks for.
  for (const [name, value] of Object.entries(object).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))) {
    if (value !== undefined) members.push(`${JSON.stringify(name)}:${canonicalJson(value)}`)
  }
  return `{${members.join(',')}}`
}

/** A date or a map would silently become `{}`. */
function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === null || prototype === Object.prototype
}
