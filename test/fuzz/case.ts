// One case: named pieces of bytes that together are the input of a target; and the file that keeps a case.

import { readFileSync } from 'node:fs'

export type Parts = Readonly<Record<string, Uint8Array>>

/** A text where it can be read as one; base64 where not. */
type WrittenPart = { readonly text: string } | { readonly base64: string }

export interface CaseFile {
  readonly target: string
  /** What was wrong when it was found, for people. */
  readonly about: string
  readonly parts: Parts
}

const encoder = new TextEncoder()
const decoder = new TextDecoder('utf-8', { ignoreBOM: true })

export function bytesOf(text: string): Uint8Array {
  return encoder.encode(text)
}

/** Lenient: what is not UTF-8 becomes U+FFFD. */
export function textOf(bytes: Uint8Array | undefined): string {
  return decoder.decode(bytes ?? new Uint8Array())
}

export function partsOf(texts: Readonly<Record<string, string>>): Parts {
  return Object.fromEntries(Object.entries(texts).map(([name, text]) => [name, bytesOf(text)]))
}

export function renderCase({ target, about, parts }: CaseFile): string {
  const written = Object.fromEntries(Object.entries(parts).map(([name, bytes]) => [name, writePart(bytes)]))
  return `${JSON.stringify({ target, about, parts: written }, null, 2)}\n`
}

function writePart(bytes: Uint8Array): WrittenPart {
  const text = textOf(bytes)
  const isText = Buffer.from(encoder.encode(text)).equals(bytes)
  return isText ? { text } : { base64: Buffer.from(bytes).toString('base64') }
}

/** @throws Error for a file that is no case */
export function readCase(path: string): CaseFile {
  const value: unknown = JSON.parse(readFileSync(path, 'utf8'))
  if (!isWritten(value)) throw new Error(`${path} is no case of the fuzzer`)
  const { target, about, parts } = value
  const read = Object.entries(parts).map(([name, part]) => [
    name,
    'text' in part ? bytesOf(part.text) : new Uint8Array(Buffer.from(part.base64, 'base64')),
  ])
  return { target, about, parts: Object.fromEntries(read) }
}

interface Written {
  readonly target: string
  readonly about: string
  readonly parts: Readonly<Record<string, WrittenPart>>
}

function isWritten(value: unknown): value is Written {
  return typeof value === 'object' && value !== null && 'target' in value && 'about' in value && 'parts' in value
}
