// Facts that are all known at once, about signatures in the toy format: for judging without an engine. What lies in which
// repository is given; every fact is computed when it is asked for.

import type { Knowledge, Proof } from '#core/decision/inquiry.ts'
import type { AnswerTo, Fact, Question } from '#core/decision/question.ts'
import type { ErrorCode } from '#core/errors.ts'
import type { Digest } from '#core/image/digest.ts'
import { repositoryName } from '#core/image/reference.ts'
import { digestOf } from './memory-registry.ts'
import type { ToyClaims } from './toy-format.ts'
import { checkToy, toyKey, toySignature } from './toy-format.ts'

export interface Shelf {
  /** Who has signed; none: nothing lies there. */
  readonly signed?: readonly string[]
  readonly claims?: Omit<ToyClaims, 'digest'>
  /** One more signature is named there, which could not be read. */
  readonly unread?: ErrorCode
  /** Nobody has answered yet. */
  readonly open?: boolean
  /** What is remembered of those who have signed. */
  readonly remembered?: readonly string[]
}

export function toyKnowledge(digest: Digest, shelves: Readonly<Record<string, Shelf>>): Knowledge {
  const unread = digestOf('what cannot be read')
  const shelfAt = (at: { registry: string; repository: string }): Shelf => shelves[repositoryName(at)] ?? {}
  const answer = (question: Question): Fact<unknown> | undefined => {
    switch (question.kind) {
      case 'access':
        return { known: true, value: true }
      case 'tagged': {
        const shelf = shelfAt(question.at)
        if (shelf.open) return undefined
        const lines = (shelf.signed ?? []).map((name) => toySignature(name, { digest, ...shelf.claims }))
        if (shelf.unread !== undefined) lines.push(`see:${unread}`)
        if (lines.length === 0) return { known: true, value: null }
        const bytes = new TextEncoder().encode(lines.join('\n'))
        return { known: true, value: { digest: digestOf(bytes), mediaType: 'text/plain', bytes } }
      }
      case 'blob':
        return { known: false, code: shelfAt(question.at).unread ?? 'content-missing', detail: 'gone' }
      case 'verify':
        return { known: true, value: checkToy(question.material, question.attestor, question.subject) }
      default:
        return { known: false, code: 'internal-error', detail: `nobody answers ${question.kind}` }
    }
  }
  return {
    about: <Q extends Question>(question: Q) => answer(question) as Fact<AnswerTo<Q>> | undefined,
    proven: ({ signatures }, attestor): readonly Proof[] =>
      (shelfAt(signatures).remembered ?? []).flatMap((name) => {
        const key = attestor.keys.find(({ fingerprint }) => fingerprint === toyKey(name))
        const signer = key && { attestor: attestor.name, key: name, fingerprint: key.fingerprint }
        const claims = signer && { signer, digest, annotations: {}, provenTimes: [] }
        return claims === undefined ? [] : [{ claims, until: Number.MAX_SAFE_INTEGER }]
      }),
    settled: () => undefined,
    mayRead: () => true,
    last: () => undefined,
  }
}
