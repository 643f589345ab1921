// The formats of texts inside policies: names and selectors as Kubernetes writes them, instants, durations. What image
// names and patterns are is decided in `core/image`.

import { printable } from '#core/encoding/printable.ts'
import { toDigest } from '#core/image/digest.ts'
import type { TextFormat } from './shape.ts'

function matching(doc: string, pattern: RegExp): TextFormat {
  const problem = (text: string) => (pattern.test(text) ? undefined : `"${printable(text, 80)}" is not ${doc}`)
  return { doc, problem, pattern: pattern.source }
}

const label = '[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?'
/** As an API server takes it: it bounds the whole, not each label. */
const labels = '[a-z0-9](?:[-a-z0-9]*[a-z0-9])?(?:\\.[a-z0-9](?:[-a-z0-9]*[a-z0-9])?)*'
const subdomain = new RegExp(`^(?=.{1,253}$)${labels}$`)
const qualifiedName = /^[A-Za-z0-9](?:[A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?$/

/** RFC 1123 subdomain, as the names of custom resources are. */
export const objectName: TextFormat = {
  ...matching('a name of lower-case letters, digits, "-" and "." (RFC 1123)', subdomain),
  // RE2 looks ahead nowhere; the length is bounded beside the pattern.
  pattern: `^${labels}$`,
}
export const namespaceName = matching(
  'a namespace name: lower-case letters, digits and "-", at most 63',
  new RegExp(`^${label}$`),
)
export const namespaceGlob = matching(
  'a namespace name, in which * is any run of characters',
  /^[a-z0-9*](?:[-a-z0-9*]{0,61}[a-z0-9*])?$/,
)
/** core/v1 Secret: a key of `data`. */
export const secretKey = matching('a key of a Secret', /^[-._a-zA-Z0-9]{1,253}$/)
/** Shown in messages and explanations: one line, nothing that cannot be seen. */
export const line: TextFormat = {
  doc: 'one line of text',
  problem: (text) =>
    text.trim() === ''
      ? 'is empty'
      : printable(text, text.length) === text
        ? undefined
        : 'must be one line of visible characters',
  // The same but for unassigned characters, of which the API servers that were built with Go before 1.25 know none.
  pattern: '^ *[^\\p{C}\\p{Z}](?:[^\\p{C}\\p{Z}]| )*$',
}
export const anyText: TextFormat = { doc: 'text' }

/** meta/v1 label keys: `[prefix/]name`. */
export const labelKey: TextFormat = {
  doc: 'a label key',
  problem: (text) => {
    const slash = text.indexOf('/')
    const fine = qualifiedName.test(text.slice(slash + 1)) && (slash === -1 || subdomain.test(text.slice(0, slash)))
    return fine ? undefined : `"${printable(text, 80)}" is not a label key`
  },
}
export const labelValue: TextFormat = {
  doc: 'a label value',
  problem: (text) =>
    text === '' || qualifiedName.test(text) ? undefined : `"${printable(text, 80)}" is not a label value`,
}

export const apiGroup: TextFormat = {
  doc: 'an API group, "" for the core group, or *',
  problem: (text) =>
    text === '' || text === '*' || subdomain.test(text) ? undefined : 'is no API group (nor "" or *)',
}
export const apiVersion = matching('an API version such as v1, or *', /^(?:\*|v[0-9]+(?:(?:alpha|beta)[0-9]+)?)$/)
/** A kind (`Pod`) or a singular here would never match anything, and nobody would notice. */
export const resource = matching(
  'a resource as pods, pods/ephemeralcontainers, *, pods/* or */*: plural and lower case',
  /^(?:\*|[a-z][a-z0-9-]{0,62})(?:\/(?:\*|[a-z][a-z0-9-]{0,62}))?$/,
)

export const imageDigest: TextFormat = {
  doc: 'a sha256, sha384 or sha512 digest in lower-case hex',
  problem: (text) =>
    toDigest(text) === undefined
      ? `"${printable(text, 150)}" is not a sha256, sha384 or sha512 digest in lower-case hex`
      : undefined,
  pattern: '^(?:sha256:[0-9a-f]{64}|sha384:[0-9a-f]{96}|sha512:[0-9a-f]{128})$',
}
export const fingerprint = matching('the SHA-256 of a public key: 64 digits of lower-case hex', /^[0-9a-f]{64}$/)

export const imagePattern: TextFormat = { doc: 'an image pattern' }
export const imageReference: TextFormat = { doc: 'an image name with a tag or digest' }
export const repository: TextFormat = { doc: 'a repository name, without tag and digest' }
export const prefix: TextFormat = { doc: 'a host, or the first components of a repository name' }
export const pem: TextFormat = { doc: 'a public key in PEM' }
export const filePath: TextFormat = { doc: 'a path, relative to this file' }

const instantParts =
  /^(\d{4})-(\d{2})-(\d{2})[Tt](\d{2}):(\d{2}):(\d{2})(?:\.(\d{1,9}))?(?:[Zz]|([+-])(\d{2}):(\d{2}))$/
const durationParts = /^(?:(\d{1,5})h)?(?:(\d{1,7})m)?(?:(\d{1,9})s)?$/

export const instant: TextFormat = {
  doc: 'an instant such as 2026-01-31T08:00:00Z (RFC 3339)',
  pattern: instantParts.source,
}
export const duration: TextFormat = { doc: 'a duration such as 24h, 30m or 1h30m', pattern: durationParts.source }

/**
 * RFC 3339 `date-time` as milliseconds; `undefined` where it is none or the day does not exist. Digits past the
 * millisecond are dropped; leap seconds are refused, since no clock of ours shows them.
 */
export function parseInstant(text: string): number | undefined {
  const parts = instantParts.exec(text)
  if (parts === null) return undefined
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = parts.slice(1, 7).map(Number)
  const offsetHour = Number(parts[9] ?? 0)
  const offsetMinute = Number(parts[10] ?? 0)
  if (month < 1 || month > 12 || day < 1 || day > daysIn(year, month)) return undefined
  if (hour > 23 || minute > 59 || second > 59 || offsetHour > 23 || offsetMinute > 59) return undefined
  if (year < 1970) return undefined
  const milliseconds = Number((parts[7] ?? '').slice(0, 3).padEnd(3, '0'))
  const offset = (offsetHour * 60 + offsetMinute) * 60_000 * (parts[8] === '-' ? -1 : 1)
  return Date.UTC(year, month - 1, day, hour, minute, second, milliseconds) - offset
}

function daysIn(year: number, month: number): number {
  if (month === 2) return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0) ? 29 : 28
  return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31
}

/** `24h`, `30m`, `90s`, `1h30m` as milliseconds; `undefined` for everything else, fractions and other units included. */
export function parseDuration(text: string): number | undefined {
  const parts = durationParts.exec(text)
  if (parts === null || text === '') return undefined
  const [hours = 0, minutes = 0, seconds = 0] = parts.slice(1, 4).map((part) => Number(part ?? 0))
  return ((hours * 60 + minutes) * 60 + seconds) * 1000
}
