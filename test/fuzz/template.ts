// Parts that speak of other parts: `{{digest:payload}}` in a manifest is the digest of what the part `payload` has become.
// So a mutation of a payload does not have to guess the digest and the signature that belong to it: whoever pushes to a
// registry can compute the one, and who signs carelessly the other.
//
//   {{digest:PART}} {{hex:PART}} {{size:PART}} {{base64:PART}} {{text:PART}}
//   {{sign:KEY:PART}} the base64 of KEY's signature over the part; {{dsse:KEY:PART}} over its DSSE encoding

import { createHash } from 'node:crypto'
import { bytesOf, type Parts, textOf } from './case.ts'
import { fuzzKeys } from './keys.ts'

const placeholder = /\{\{(digest|hex|size|base64|text|sign|dsse):([a-z0-9]+)(?::([a-z0-9]+))?\}\}/g

/** More than any seed needs; parts that name each other in a circle end here. */
const deepest = 6

/** The bytes of a part, with everything filled in. */
export function filled(parts: Parts, name: string): Uint8Array {
  return filledAt(parts, name, { depth: 0, known: new Map() })
}

interface Place {
  readonly depth: number
  /**
   * By depth and name: parts that name each other several times would else be worked out once for each way that leads to
   * them, whose number grows with the power of the depth.
   */
  readonly known: Map<string, Uint8Array>
}

function filledAt(parts: Parts, name: string, { depth, known }: Place): Uint8Array {
  const bytes = parts[name] ?? new Uint8Array()
  if (depth > deepest || !bytes.includes(0x7b)) return bytes
  const place = `${depth} ${name}`
  const before = known.get(place)
  if (before !== undefined) return before
  const text = textOf(bytes)
  const changed = text.replaceAll(placeholder, (whole, kind: string, first: string, second?: string) => {
    const subject = second ?? first
    if (!Object.hasOwn(parts, subject)) return whole
    return fill(kind, first, filledAt(parts, subject, { depth: depth + 1, known })) ?? whole
  })
  const bytesNow = changed === text ? bytes : bytesOf(changed)
  known.set(place, bytesNow)
  return bytesNow
}

function fill(kind: string, first: string, bytes: Uint8Array): string | undefined {
  switch (kind) {
    case 'digest':
      return digestOf(bytes)
    case 'hex':
      return digestOf(bytes).slice(7)
    case 'size':
      return String(bytes.length)
    case 'base64':
      return Buffer.from(bytes).toString('base64')
    case 'text':
      return textOf(bytes)
    default:
      return signed(kind, first, bytes)
  }
}

function signed(kind: string, key: string, bytes: Uint8Array): string | undefined {
  const found = Object.entries(fuzzKeys).find(([name]) => name === key)?.[1]
  if (found === undefined) return undefined
  const type = 'application/vnd.in-toto+json'
  const body =
    kind === 'dsse' ? Buffer.concat([bytesOf(`DSSEv1 ${type.length} ${type} ${bytes.length} `), bytes]) : bytes
  return Buffer.from(found.sign(body)).toString('base64')
}

export function digestOf(bytes: Uint8Array): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`
}
