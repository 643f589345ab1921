// Finds the member that a JSON text names twice, for the message of a text that is refused already. Slow and simple.
// It reads only text that the platform's parser has accepted.

interface OpenObject {
  readonly names: Set<string>
  readonly pointer: string
  /** The member or element that is being read. */
  at: string | number
}

const quote = 0x22
const backslash = 0x5c

/** The RFC 6901 pointer of the first member that repeats an earlier name; of the document if none does. */
export function findDuplicate(text: string): string {
  const stack: OpenObject[] = []
  for (let offset = 0; offset < text.length; offset++) {
    const top = stack.at(-1)
    switch (text.charAt(offset)) {
      case '{':
        stack.push({ names: new Set(), pointer: below(top), at: '' })
        break
      case '[':
        stack.push({ names: new Set(), pointer: below(top), at: 0 })
        break
      case '}':
      case ']':
        stack.pop()
        break
      case ',':
        if (top !== undefined && typeof top.at === 'number') top.at++
        break
      case '"': {
        const end = endOfString(text, offset)
        if (top !== undefined && typeof top.at === 'string' && isName(text, end + 1)) {
          top.at = String(JSON.parse(text.slice(offset, end + 1)))
          if (top.names.has(top.at)) return below(top)
          top.names.add(top.at)
        }
        offset = end
        break
      }
    }
  }
  return ''
}

function below(parent: OpenObject | undefined): string {
  if (parent === undefined) return ''
  return `${parent.pointer}/${String(parent.at).replaceAll('~', '~0').replaceAll('/', '~1')}`
}

function isName(text: string, from: number): boolean {
  let offset = from
  while (offset < text.length && ' \t\n\r'.includes(text.charAt(offset))) offset++
  return text.charAt(offset) === ':'
}

/** The offset of the quote that ends the string which begins at `start`. */
function endOfString(text: string, start: number): number {
  for (let at = start + 1; at < text.length; at++) {
    const unit = text.charCodeAt(at)
    if (unit === quote) return at
    if (unit === backslash) at++
  }
  return text.length
}
