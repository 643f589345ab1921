// What judgements about different images have in common: a judgement with blanks where the image's own words stood. A
// thousand images that one key has signed share one template, and what is left of each is a few bytes. What differs is
// guessed here; whoever keeps the parts has to see first that they make the same judgement again.

import type { Judgement } from '#core/decision/judgement.ts'
import type { Digest } from '#core/image/digest.ts'

/** What can be told again from the key and the digest by which a judgement is asked for. */
export interface ImageWords {
  readonly reference: string
  readonly repository: string
  readonly digest: Digest
}

/** A judgement taken apart. */
export interface Filled {
  readonly template: Template
  /** What fills the blanks that the image's words do not. */
  readonly extras: string
  readonly validUntil: number
}

export interface Template {
  /** The form as text. Forms that differ in nothing but an absent and an `undefined` member may have one name. */
  readonly name: string
  readonly form: Form
}

/** `same` is one value in all judgements of a template. */
type Form =
  | { readonly kind: 'same'; readonly value: unknown }
  | { readonly kind: 'text'; readonly parts: readonly string[] }
  | { readonly kind: 'list'; readonly of: readonly Form[] }
  /** `like` has all members, and in their order; those `of` it differ. */
  | { readonly kind: 'object'; readonly like: object; readonly of: readonly (readonly [string, Form])[] }

/** Begins a blank. The letter after it is no hexadecimal digit, which would belong to the digest beside it. */
const mark = '\u0001'
const extra = `${mark}x`
const anyBlank = new RegExp(`(${mark}.)`)

/** Where names of other things than the image may stand: referrers by the beginning of their digest. */
const otherNames: ReadonlySet<string> = new Set(['place', 'detail'])

/** More is no summary any more: such a judgement is not worth taking apart. */
const maxExtras = 512
const maxTemplate = 32 * 1024

/** @returns `undefined` where it is not worth it */
export function takeApart(judgement: Judgement, words: ImageWords): Filled | undefined {
  const { validUntil, ...rest } = judgement
  if (validUntil === undefined) return undefined
  const found: string[] = []
  const form = formOf(rest, '', blanker(words, found))
  const extras = found.join(mark)
  const name = JSON.stringify(form)
  if (extras.length > maxExtras || name.length > maxTemplate) return undefined
  return { template: { name, form }, extras, validUntil }
}

export function putTogether({ template, extras, validUntil }: Filled, words: ImageWords): Judgement {
  const rest = fill(template.form, filler(words, extras)) as Omit<Judgement, 'validUntil'>
  return { ...rest, validUntil }
}

/** The blanks, and the words that fill them. The longer ones come first: they hold the others. */
function blanksOf({ reference, repository, digest }: ImageWords): readonly (readonly [string, string])[] {
  const start = digest.indexOf(':') + 1
  return [
    [`${mark}r`, reference],
    [`${mark}g`, digest],
    [`${mark}t`, digest.replace(':', '-')],
    [`${mark}n`, repository],
    [`${mark}s`, digest.slice(start, start + 12)],
  ]
}

/** @param member the name of the member whose text it is */
type Blanker = (text: string, member: string) => string

function blanker(words: ImageWords, extras: string[]): Blanker {
  const blanks = blanksOf(words)
  const own = new Set(blanks.map(([blank]) => blank))
  return (text, member) => {
    let left = text
    for (const [blank, word] of blanks) if (left.includes(word)) left = left.replaceAll(word, blank)
    if (member === 'signedAs' && !own.has(left)) {
      extras.push(text)
      return extra
    }
    if (!otherNames.has(member)) return left
    return left.replace(/[0-9a-f]{12,}/g, (name) => {
      extras.push(name)
      return extra
    })
  }
}

function formOf(value: unknown, member: string, blanked: Blanker): Form {
  if (typeof value === 'string') {
    const text = blanked(value, member)
    return text.includes(mark) ? { kind: 'text', parts: text.split(anyBlank) } : { kind: 'same', value }
  }
  if (typeof value !== 'object' || value === null) return { kind: 'same', value }
  if (Array.isArray(value)) {
    const of = value.map((item: unknown) => formOf(item, member, blanked))
    return of.every(isSame) ? { kind: 'same', value } : { kind: 'list', of }
  }
  const members = Object.entries(value).map(([name, inner]) => [name, formOf(inner, name, blanked)] as const)
  const of = members.filter(([, form]) => !isSame(form))
  if (of.length === 0) return { kind: 'same', value }
  const like = Object.fromEntries(members.map(([name, form]) => [name, form.kind === 'same' ? form.value : null]))
  return { kind: 'object', like, of }
}

function isSame({ kind }: Form): boolean {
  return kind === 'same'
}

type Filler = (part: string) => string

function filler(words: ImageWords, extras: string): Filler {
  const blanks = blanksOf(words)
  const rest = extras.split(mark)
  let used = 0
  return (part) => {
    if (!part.startsWith(mark)) return part
    if (part === extra) return rest[used++] ?? ''
    return blanks.find(([blank]) => blank === part)?.[1] ?? part
  }
}

function fill(form: Form, word: Filler): unknown {
  switch (form.kind) {
    case 'same':
      return form.value
    case 'text':
      return form.parts.map(word).join('')
    case 'list':
      return form.of.map((inner) => fill(inner, word))
    case 'object': {
      // Members that are there already are set as its own, whatever their names are.
      const made: Record<string, unknown> = { ...form.like }
      for (const [name, inner] of form.of) made[name] = fill(inner, word)
      return made
    }
  }
}
