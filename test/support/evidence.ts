// Gathers evidence for one format through the real registry client and verifies it through the door, as the engine
// does: question after question, nothing decided.

import type { Format, Gathering, SignedSubject, Verification } from '#core/decision/format.ts'
import type { AnswerTo, Fact, Facts, FetchQuestion, Question } from '#core/decision/question.ts'
import { questionKey, unknownBecause } from '#core/decision/question.ts'
import { parseDigest } from '#core/image/digest.ts'
import type { Attestor, AttestorKey } from '#core/policy/words.ts'
import type { RegistryClient } from '#io/registry/client.ts'
import { readPublicKey } from '#signature/keys/public-key.ts'
import { verifyMaterial } from '#signature/verify.ts'

export function attestorOf(...pems: readonly string[]): Attestor {
  const keys: AttestorKey[] = pems.map((pem, index) => ({ name: `key ${index + 1}`, ...readPublicKey(pem) }))
  return { kind: 'key', name: 'release', revision: '1', keys, storage: { layouts: ['Tag', 'Bundle'] } }
}

export function subjectAt(host: string, repository: string, digest: string): SignedSubject {
  const at = { registry: host, repository }
  return { digest: parseDigest(digest), image: at, signatures: at }
}

/** Facts that somebody wrote down: what is not there has not been asked. */
export class WrittenFacts implements Facts {
  readonly #facts = new Map<string, Fact<unknown>>()

  set<Q extends Question>(question: Q, fact: Fact<AnswerTo<Q>>): this {
    this.#facts.set(questionKey(question), fact)
    return this
  }

  about<Q extends Question>(question: Q): Fact<AnswerTo<Q>> | undefined {
    return this.#facts.get(questionKey(question)) as Fact<AnswerTo<Q>> | undefined
  }
}

const context = { signal: new AbortController().signal, scope: 'tests' }

async function answer(client: RegistryClient, facts: WrittenFacts, question: FetchQuestion): Promise<void> {
  const known = async <Q extends FetchQuestion>(asked: Q, value: Promise<AnswerTo<Q>>) => {
    facts.set(
      asked,
      await value
        .then((found) => ({ known: true, value: found }) as const)
        .catch((error: unknown) => unknownBecause(error)),
    )
  }
  switch (question.kind) {
    case 'tagged':
      return known(question, client.tagged(question.at, question.tag, context))
    case 'manifest':
      return known(question, client.manifest(question.at, question.digest, context))
    case 'referrers':
      return known(question, client.referrers(question.at, question.digest, context))
    case 'blob':
      return known(question, client.blob(question.at, question.digest, question.maxBytes, context))
    default:
      throw new Error(`no format asks ${question.kind}`)
  }
}

export async function gather(client: RegistryClient, format: Format, subject: SignedSubject): Promise<Gathering> {
  const facts = new WrittenFacts()
  for (let round = 0; round < 6; round += 1) {
    const gathering = format.ask(subject, facts)
    if (gathering.questions.length === 0) return gathering
    await Promise.all(gathering.questions.map((question) => answer(client, facts, question)))
  }
  throw new Error(`${format.name} keeps asking`)
}

/** What became of every signature found; and of what else was found, the codes. */
export async function judge(
  client: RegistryClient,
  format: Format,
  subject: SignedSubject,
  attestor: Attestor,
): Promise<{ readonly verifications: readonly Verification[]; readonly oddities: string[]; readonly gaps: string[] }> {
  const { materials, oddities, gaps } = await gather(client, format, subject)
  const verifications = await Promise.all(
    materials.map((material) => verifyMaterial({ format: format.name, material, attestor, subject })),
  )
  return { verifications, oddities: oddities.map(({ code }) => code), gaps: gaps.map(({ code }) => code) }
}

/** `accepted`, or the code: easy to compare. */
export function outcome(verification: Verification | undefined): string {
  if (verification === undefined) return 'nothing found'
  return verification.accepted ? 'accepted' : verification.code
}
