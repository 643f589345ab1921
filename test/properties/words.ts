// What many formats are made of: digests, hosts, components of names, bytes of JSON.

import fc from 'fast-check'
import { parseDigest } from '#core/image/digest.ts'

const hex = (length: number) =>
  fc.string({ unit: fc.constantFrom(...'0123456789abcdef'), minLength: length, maxLength: length })

export const digest = fc
  .oneof(
    hex(64).map((text) => `sha256:${text}`),
    hex(96).map((text) => `sha384:${text}`),
    hex(128).map((text) => `sha512:${text}`),
  )
  .map(parseDigest)

const label = fc.stringMatching(/^[a-z0-9]([a-z0-9-]{0,6}[a-z0-9])?$/)

/** In the form that everything else is brought into. */
export const host = fc.oneof(
  fc.constantFrom('docker.io', 'localhost', 'localhost:5000', '127.0.0.1:5000', '[::1]', '[2001:db8::1]:5000'),
  fc.tuple(label, label).map(([a, b]) => `${a}.${b}.example`),
  fc.tuple(label, fc.integer({ min: 1, max: 65535 })).map(([a, port]) => `h${a}:${port}`),
)

export const component = fc.stringMatching(/^[a-z0-9]{1,4}((\.|_|__|-{1,3})[a-z0-9]{1,3}){0,2}$/)
export const tag = fc.stringMatching(/^[A-Za-z0-9_][A-Za-z0-9_.-]{0,20}$/)

export function json(value: unknown): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(value))
}
