// After a push: what lies in the registry is gathered and verified by the same formats that judge images, with the
// signer's own public key. Nothing is called signed before.

import type { Format, Gathering, SignedSubject } from '#core/decision/format.ts'
import type { AnswerTo, Fact, Facts, Question, Repository } from '#core/decision/question.ts'
import { questionKey } from '#core/decision/question.ts'
import { CodedError } from '#core/errors.ts'
import type { Digest } from '#core/image/digest.ts'
import type { Attestor } from '#core/policy/words.ts'
import type { Annotations } from '#signature/compose.ts'
import { bundle } from '#signature/formats/bundle.ts'
import { cosign } from '#signature/formats/cosign.ts'
import type { Signer } from '#signature/keys/signer.ts'
import { verifyMaterial } from '#signature/verify.ts'
import { Answers } from './engine/answers.ts'
import { Memory } from './engine/memory.ts'
import type { FetchContext, Sources } from './engine/sources.ts'

export type SignatureFormat = 'cosign' | 'bundle'

/** Whose signature, in which form, in which repository. */
export interface SignaturePlace {
  readonly image: Repository
  readonly digest: Digest
  readonly format: SignatureFormat
  readonly repository: Repository
}

export interface Reading {
  readonly registry: Sources
  readonly context: FetchContext
}

/** List, manifest, content: no format needs more; each costs a round trip. */
const maxRounds = 8

export interface SignedClaims {
  readonly annotations: Annotations
  readonly signer: Signer
  /** Other annotations than these must not be there either. */
  readonly exactly?: boolean
}

/** Why what lies in the registry does not prove what was signed; `undefined` if it does. */
export async function readBack(
  place: SignaturePlace,
  { annotations, signer, exactly = false }: SignedClaims,
  reading: Reading,
): Promise<string | undefined> {
  const format = place.format === 'cosign' ? cosign : bundle
  const subject = subjectOf(place)
  const gathering = await gather(format, subject, reading)
  const attestor = attestorOf(signer)
  for (const material of gathering.materials) {
    const { accepted, ...rest } = await verifyMaterial({ format: format.name, material, attestor, subject })
    const proven = accepted && 'claims' in rest ? rest.claims.annotations : undefined
    if (proven === undefined || (exactly && Object.keys(proven).length !== Object.keys(annotations).length)) continue
    if (Object.entries(annotations).every(([key, value]) => proven[key] === value)) return undefined
  }
  const gap = gathering.gaps[0]
  return gap === undefined ? 'no signature there verifies with the public half of the key' : gap.detail
}

/** Does the image have signatures in the other format? Unknown counts as no: this only feeds a warning. */
export async function holdsOtherFormat(place: SignaturePlace, reading: Reading): Promise<boolean> {
  const other = place.format === 'cosign' ? bundle : cosign
  try {
    return (await gather(other, subjectOf(place), reading)).materials.length > 0
  } catch {
    return false
  }
}

async function gather(format: Format, subject: SignedSubject, { registry, context }: Reading): Promise<Gathering> {
  // A memory of its own: nothing may come from before the push.
  const answers = new Answers(registry, verifyMaterial, new Memory())
  const known = new Map<string, Fact<unknown>>()
  const facts: Facts = {
    about: <Q extends Question>(question: Q) => known.get(questionKey(question)) as Fact<AnswerTo<Q>> | undefined,
  }
  for (let round = 0; round < maxRounds; round++) {
    const gathering = format.ask(subject, facts)
    if (gathering.questions.length === 0) return gathering
    await Promise.all(
      gathering.questions.map(async (question) => {
        known.set(questionKey(question), await answers.answer(question, context))
      }),
    )
  }
  throw new CodedError('readback-failed', `${format.name}: too many rounds of questions`)
}

function subjectOf({ image, digest, repository }: SignaturePlace): SignedSubject {
  return { digest, image, signatures: repository }
}

function attestorOf({ publicKey }: Signer): Attestor {
  return {
    kind: 'key',
    name: 'signer',
    revision: publicKey.fingerprint,
    keys: [{ name: 'own', ...publicKey }],
    storage: { layouts: ['Tag', 'Bundle'] },
  }
}
