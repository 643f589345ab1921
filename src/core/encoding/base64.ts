// Base64 with padding, RFC 4648 section 4, in its one canonical form. No line breaks, no URL alphabet, no leniency:
// two texts that decode to the same bytes would let one signature wear two names.

import { CodedError } from '#core/errors.ts'

const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'
const invalid = 255
const padding = 61

const digitValue = new Uint8Array(256).fill(invalid)
for (let value = 0; value < alphabet.length; value++) digitValue[alphabet.charCodeAt(value)] = value

/** @throws CodedError `base64-malformed`: foreign characters, wrong length or padding, stray bits in the last character. */
export function decodeBase64(text: string): Uint8Array<ArrayBuffer> {
  if (text.length % 4 !== 0) throw malformed(`its length ${text.length} is not a multiple of four`)
  const padded = text.endsWith('==') ? 2 : text.endsWith('=') ? 1 : 0
  const digits = text.length - padded
  const bytes = new Uint8Array((text.length / 4) * 3 - padded)
  let bits = 0
  let held = 0
  let filled = 0
  for (let at = 0; at < digits; at++) {
    const unit = text.charCodeAt(at)
    const value = unit < 256 ? (digitValue[unit] ?? invalid) : invalid
    if (value === invalid) {
      throw malformed(
        unit === padding ? `padding at offset ${at} is not at the end` : `foreign character at offset ${at}`,
      )
    }
    bits = ((bits << 6) | value) & 0xffffff
    held += 6
    if (held >= 8) {
      held -= 8
      bytes[filled++] = (bits >> held) & 0xff
    }
  }
  if ((bits & ((1 << held) - 1)) !== 0) throw malformed('the last character has stray bits')
  return bytes
}

/**
 * Written as bytes and decoded at once: a patch is encoded for every admission, and joining strings costs several times
 * as much.
 */
export function encodeBase64(bytes: Uint8Array): string {
  const text = new Uint8Array(Math.ceil(bytes.length / 3) * 4)
  let filled = 0
  for (let at = 0; at < bytes.length; at += 3) {
    const group = ((bytes[at] ?? 0) << 16) | ((bytes[at + 1] ?? 0) << 8) | (bytes[at + 2] ?? 0)
    text[filled++] = digit(group >> 18)
    text[filled++] = digit(group >> 12)
    text[filled++] = at + 1 < bytes.length ? digit(group >> 6) : padding
    text[filled++] = at + 2 < bytes.length ? digit(group) : padding
  }
  return ascii.decode(text)
}

const ascii = new TextDecoder()
const digits = new TextEncoder().encode(alphabet)

function digit(bits: number): number {
  return digits[bits & 63] ?? padding
}

function malformed(reason: string): CodedError {
  return new CodedError('base64-malformed', `not strict base64: ${reason}`)
}
