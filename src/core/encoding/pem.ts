// PEM blocks, the strict form of RFC 7468 section 3 (any line length): nothing but blocks and blank lines, no headers.
// It does not look into the bytes.

import { CodedError } from '#core/errors.ts'
import { decodeBase64, encodeBase64 } from './base64.ts'
import { printable } from './printable.ts'

export interface PemBlock {
  /** `PUBLIC KEY`, `CERTIFICATE`, … */
  readonly label: string
  readonly bytes: Uint8Array<ArrayBuffer>
}

/** The certificates that browsers trust, all in one file, are a quarter of this. */
export const maxPemLength = 1024 * 1024

const maxBlocks = 1000
const boundary = /^-----(BEGIN|END) ([A-Z0-9]+(?:[ -][A-Z0-9]+)*)-----$/

/**
 * Every block of the text, at least one.
 *
 * @throws CodedError `pem-malformed` naming the line: text outside of blocks, headers, an unfinished block, no block.
 */
export function parsePem(text: string): PemBlock[] {
  if (text.length > maxPemLength) throw malformed(`it is longer than ${maxPemLength} characters`)
  const blocks: PemBlock[] = []
  let open: { readonly label: string; readonly line: number; readonly base64: string[] } | undefined
  for (const [index, raw] of text.split('\n').entries()) {
    const line = raw.trimEnd()
    const number = index + 1
    const edge = boundary.exec(line)
    if (edge?.[1] === 'BEGIN') {
      if (open !== undefined) throw malformed(`line ${number}: a block begins inside the one of line ${open.line}`)
      open = { label: edge[2] ?? '', line: number, base64: [] }
    } else if (edge !== null) {
      if (open === undefined || open.label !== edge[2]) throw malformed(`line ${number}: an END without its BEGIN`)
      blocks.push({ label: open.label, bytes: bytesOf(open.base64, open.line) })
      if (blocks.length > maxBlocks) throw malformed(`it holds more than ${maxBlocks} blocks`)
      open = undefined
    } else if (open !== undefined) {
      if (line.includes(':')) throw malformed(`line ${number}: headers, as of old encrypted keys, are not accepted`)
      open.base64.push(line)
    } else if (line !== '') {
      throw malformed(`line ${number}: "${printable(line, 40)}" stands outside of the blocks`)
    }
  }
  if (open !== undefined) throw malformed(`the block of line ${open.line} (${open.label}) has no END`)
  if (blocks.length === 0) throw malformed('there is no -----BEGIN … line')
  return blocks
}

/** One block with lines of 64 characters and a final line feed, as OpenSSL and Go write it. */
export function encodePem(label: string, bytes: Uint8Array): string {
  const lines = encodeBase64(bytes).match(/.{1,64}/g) ?? []
  return [`-----BEGIN ${label}-----`, ...lines, `-----END ${label}-----`, ''].join('\n')
}

function bytesOf(lines: readonly string[], line: number): Uint8Array<ArrayBuffer> {
  try {
    const bytes = decodeBase64(lines.join(''))
    if (bytes.length > 0) return bytes
  } catch (error) {
    throw malformed(`the block of line ${line}: ${error instanceof CodedError ? error.message : 'not base64'}`)
  }
  throw malformed(`the block of line ${line} is empty`)
}

function malformed(reason: string): CodedError {
  return new CodedError('pem-malformed', `not PEM: ${reason}`)
}
