// Writes DER (X.690), as much of it as a certificate of our own needs. Reads nothing.

/** One tag with its content. */
export function element(tag: number, ...contents: readonly Uint8Array[]): Buffer {
  const content = Buffer.concat(contents)
  return Buffer.concat([Buffer.from([tag]), lengthOf(content.length), content])
}

export function sequence(...members: readonly Uint8Array[]): Buffer {
  return element(0x30, ...members)
}

export function set(...members: readonly Uint8Array[]): Buffer {
  return element(0x31, ...members)
}

/** A non-negative integer of big-endian bytes. */
export function integer(bytes: Uint8Array): Buffer {
  let start = 0
  while (start < bytes.length - 1 && bytes[start] === 0) start++
  const magnitude = bytes.subarray(start)
  const isNegative = ((magnitude[0] ?? 0) & 0x80) !== 0
  return element(0x02, Buffer.from(isNegative ? [0] : []), magnitude)
}

export function octets(content: Uint8Array): Buffer {
  return element(0x04, content)
}

/** A bit string of whole bytes unless `unusedBits` says otherwise. */
export function bits(content: Uint8Array, unusedBits = 0): Buffer {
  return element(0x03, Buffer.from([unusedBits]), content)
}

export function yes(): Buffer {
  return element(0x01, Buffer.from([0xff]))
}

export function utf8(text: string): Buffer {
  return element(0x0c, Buffer.from(text, 'utf8'))
}

/** Constructed, context-specific. */
export function tagged(number: number, ...contents: readonly Uint8Array[]): Buffer {
  return element(0xa0 | number, ...contents)
}

/** Primitive, context-specific: the tag stands instead of the type's own. */
export function implicit(number: number, content: Uint8Array): Buffer {
  return element(0x80 | number, content)
}

/** An object identifier from its dotted form; its parts stay below 2^31. */
export function oid(dotted: string): Buffer {
  const [first = 0, second = 0, ...rest] = dotted.split('.').map(Number)
  return element(0x06, Buffer.from([first * 40 + second, ...rest.flatMap(base128)]))
}

/** Whole seconds; RFC 5280, 4.1.2.5: two digits of the year until 2049. */
export function time(milliseconds: number): Buffer {
  const digits = new Date(milliseconds).toISOString().replace(/\.\d+/, '').replace(/[-:T]/g, '')
  return digits < '2050' ? element(0x17, Buffer.from(digits.slice(2))) : element(0x18, Buffer.from(digits))
}

function lengthOf(length: number): Buffer {
  if (length < 0x80) return Buffer.from([length])
  const bytes: number[] = []
  for (let rest = length; rest > 0; rest = Math.floor(rest / 256)) bytes.unshift(rest % 256)
  return Buffer.from([0x80 | bytes.length, ...bytes])
}

function base128(value: number): number[] {
  const bytes = [value & 0x7f]
  for (let rest = value >>> 7; rest > 0; rest >>>= 7) bytes.unshift((rest & 0x7f) | 0x80)
  return bytes
}
