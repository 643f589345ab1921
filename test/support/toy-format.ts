// A signature format that exists only in tests: proof that a new one is one file and one row. A signature is a text
// under the tag `<digest>.toy`, one line each: `signed-by:NAME for:DIGEST [as:REFERENCE] [at:TIME] [KEY=VALUE …] sum:N`.
// The "key" of NAME is the fingerprint `toyKey(NAME)`; the checksum stands for the cryptography.

import type { Check, Format, Gathering, Material, SignedSubject, Verification } from '#core/decision/format.ts'
import type { Facts } from '#core/decision/question.ts'
import type { ErrorCode } from '#core/errors.ts'
import { fallbackTag, toDigest } from '#core/image/digest.ts'
import type { Attestor } from '#core/policy/words.ts'

export const toy: Format = {
  name: 'toy',
  layout: 'Tag',
  serves: (attestor) => attestor.kind === 'key',
  ask: askToy,
  verify: async (material, attestor, subject) => checkToy(material, attestor, subject),
}

export function toyTag(digest: string): string {
  const parsed = toDigest(digest)
  if (parsed === undefined) throw new Error(`${digest} is no digest`)
  return `${fallbackTag(parsed)}.toy`
}

export interface ToyClaims {
  readonly digest: string
  readonly as?: string
  readonly at?: number
  readonly annotations?: Readonly<Record<string, string>>
}

export function toySignature(name: string, { digest, as, at, annotations = {} }: ToyClaims): string {
  const words = [`signed-by:${name}`, `for:${digest}`]
  if (as !== undefined) words.push(`as:${as}`)
  if (at !== undefined) words.push(`at:${at}`)
  for (const [key, value] of Object.entries(annotations)) words.push(`${key}=${value}`)
  const text = words.join(' ')
  return `${text} sum:${checksum(text)}`
}

/** 64 hex digits, like the SHA-256 of a real key. */
export function toyKey(name: string): string {
  return [...name]
    .map((each) => each.charCodeAt(0).toString(16))
    .join('')
    .padEnd(64, '0')
    .slice(0, 64)
}

function checksum(text: string): number {
  let sum = 7
  for (const each of text) sum = (sum * 31 + (each.codePointAt(0) ?? 0)) % 1_000_003
  return sum
}

const nothing: Gathering = { questions: [], materials: [], oddities: [], gaps: [] }

function askToy(subject: SignedSubject, facts: Facts): Gathering {
  const question = { kind: 'tagged', at: subject.signatures, tag: toyTag(subject.digest) } as const
  const fact = facts.about(question)
  if (fact === undefined) return { ...nothing, questions: [question] }
  if (!fact.known) return { ...nothing, gaps: [{ place: 'the toy tag', code: fact.code, detail: fact.detail }] }
  if (fact.value === null) return nothing
  const lines = new TextDecoder()
    .decode(fact.value.bytes)
    .split('\n')
    .filter((line) => line !== '')
  const oddities: Gathering['oddities'][number][] = []
  const materials: Material[] = []
  const questions: Gathering['questions'][number][] = []
  const gaps: Gathering['gaps'][number][] = []
  for (const [index, line] of lines.entries()) {
    const place = `line ${index + 1} of the toy tag`
    const blob = /^see:(\S+)$/.exec(line)?.[1]
    if (blob === undefined && !line.startsWith('signed-by:')) {
      oddities.push({ place, code: 'layer-malformed', detail: `it says "${line}"` })
    } else if (blob === undefined) materials.push({ id: line, place, untrusted: line })
    else gatherBlob(blob, place, subject, facts, { materials, questions, gaps })
  }
  return { questions, materials, oddities, gaps }
}

/** A line `see:DIGEST` says that the signature is a blob of its own. */
function gatherBlob(
  text: string,
  place: string,
  subject: SignedSubject,
  facts: Facts,
  into: {
    readonly materials: Material[]
    readonly questions: Gathering['questions'][number][]
    readonly gaps: Gathering['gaps'][number][]
  },
): void {
  const digest = toDigest(text)
  if (digest === undefined) return
  const question = { kind: 'blob', at: subject.signatures, digest, maxBytes: 4096 } as const
  const fact = facts.about(question)
  if (fact === undefined) into.questions.push(question)
  else if (!fact.known) into.gaps.push({ place, code: fact.code, detail: fact.detail })
  else {
    const line = new TextDecoder().decode(fact.value)
    into.materials.push({ id: line, place, untrusted: line })
  }
}

export function checkToy(material: Material, attestor: Attestor, subject: SignedSubject): Verification {
  const line = String(material.untrusted)
  const [, text = '', sum] = /^(.*) sum:(\d+)$/.exec(line) ?? []
  if (Number(sum) !== checksum(text)) return refused('payload-malformed', 'the checksum is wrong')
  const words = text.split(' ').map((word) => word.split(/[:=](.*)/s))
  const value = (name: string) => words.find(([first]) => first === name)?.[1]
  const name = value('signed-by') ?? ''
  const key = attestor.keys.find(({ fingerprint }) => fingerprint === toyKey(name))
  if (key === undefined) return refused('signature-wrong-key', 'none of the keys is called so')
  if (value('for') !== subject.digest) return refused('payload-other-image', `it is made for ${value('for')}`)
  const reference = value('as')
  const time = value('at')
  const annotations = words.filter(([first = '']) => !['signed-by', 'for', 'as', 'at'].includes(first))
  return {
    accepted: true,
    checks: [
      { name: 'digest', passed: true },
      { name: 'signature', passed: true },
    ],
    claims: {
      signer: { attestor: attestor.name, key: key.name, fingerprint: key.fingerprint },
      digest: subject.digest,
      ...(reference === undefined ? {} : { reference }),
      annotations: Object.fromEntries(annotations.map(([first = '', second = '']) => [first, second])),
      provenTimes: time === undefined ? [] : [Number(time)],
    },
  }
}

function refused(code: ErrorCode, detail: string): Verification {
  const check: Check = { name: 'signature', passed: false, code, detail }
  return { accepted: false, checks: [check], code, detail }
}
