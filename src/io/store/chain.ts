// The arithmetic of the chain: each entry's hash covers the one before it, so that nothing can be changed, left out or
// put in between without all that follows being made anew; a note of the last hash kept elsewhere then tells.

import { hash } from 'node:crypto'

export interface EntryHead {
  readonly seq: number
  /** SHA-256, hex. */
  readonly hash: string
}

/** What an entry's hash is made of, besides the one before it. Texts as they stand in the file. */
export interface EntryParts {
  readonly seq: number | string
  readonly kind: string
  readonly at: number | string
  readonly id: string
  readonly content: string | Uint8Array
}

/** Before the first entry. */
export function genesis(chain: string): EntryHead {
  return { seq: 0, hash: sha256(`sealward decisions 1 ${chain}`) }
}

/** None of the parts before the line end can hold a space or a line end of its own; a reader insists on that. */
export function entryHash(before: string, { seq, kind, at, id, content }: EntryParts): string {
  const head = `${before} ${seq} ${kind} ${at} ${id}\n`
  if (typeof content === 'string') return sha256(head + content)
  return sha256(Buffer.concat([Buffer.from(head), content]))
}

/** Over the one row that says where the chain begins, which no entry covers. */
export function anchorSeal(chain: string, { seq, hash: at }: EntryHead): string {
  return sha256(`sealward anchor 1 ${chain} ${seq} ${at}`)
}

export function sha256(bytes: string | Uint8Array): string {
  return hash('sha256', bytes)
}
