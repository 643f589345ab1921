// What is told of a decision: which events, about which objects, in whose words.

import { controllerOf, objectMeta } from '#core/admission/object.ts'
import type { AdmissionRequest } from '#core/admission/review.ts'
import { type Decision, passes } from '#core/decision/decision.ts'
import { headline } from '#core/decision/explain.ts'
import { type Remark, remarksOn } from '#core/decision/remarks.ts'
import { printable } from '#core/encoding/printable.ts'
import { CodedError } from '#core/errors.ts'
import type { Language } from '#core/policy/words.ts'
import type { KubeEvent, Regarding } from './events.ts'

/** Of one object: who has more broken images mends these first. */
const maxOfOne = 5

const reasons: Readonly<Record<Remark['kind'], string>> = {
  softened: 'ImageNotVerified',
  unchanged: 'ImageNotTrustedAnyMore',
  warned: 'ImageWouldBeRefused',
  audited: 'ImageWouldBeRefused',
}

/** About the object, as far as it has a name, and about the controller that makes it. Of a dry run nothing is told. */
export function eventsOf(request: AdmissionRequest, decision: Decision): readonly KubeEvent[] {
  if (request.dryRun || request.namespace === undefined) return []
  const notes = notesOf(decision)
  if (notes.length === 0) return []
  const { namespace } = request
  const about = regarded(request, namespace)
  return notes.slice(0, maxOfOne).flatMap((note) => about.map((regarding) => ({ ...note, namespace, regarding })))
}

function notesOf(decision: Decision): readonly Pick<KubeEvent, 'reason' | 'note'>[] {
  const language = (policy: string | undefined): Language =>
    decision.policies.find(({ name }) => name === policy)?.language ?? decision.policies[0]?.language ?? 'en'
  if (!decision.allowed) {
    return decision.verdicts
      .filter(({ unchanged, outcome }) => !unchanged && !passes(outcome))
      .map((verdict) => ({
        reason: 'ImageRefused',
        note: `${headline(verdict, language(verdict.policy))} (${verdict.code})`,
      }))
  }
  return remarksOn(decision, language(undefined)).map(({ kind, text }) => ({ reason: reasons[kind], note: text }))
}

function regarded({ kind, object, name, operation }: AdmissionRequest, namespace: string): readonly Regarding[] {
  const apiVersion = kind.group === '' ? kind.version : `${kind.group}/${kind.version}`
  const own = name ?? nameIn(object)
  // The name that is generated for an object is another one at the next attempt.
  const uid = operation === 'UPDATE' ? uidIn(object) : undefined
  const self =
    own === undefined
      ? []
      : [{ apiVersion, kind: kind.kind, name: printable(own, 253), namespace, ...(uid !== undefined && { uid }) }]
  const owner = controllerOf(object)
  return owner === undefined ? self : [...self, { ...owner, namespace }]
}

function nameIn(object: unknown): string | undefined {
  try {
    return objectMeta(object).name
  } catch (error) {
    if (error instanceof CodedError) return undefined
    throw error
  }
}

function uidIn(object: unknown): string | undefined {
  const metadata = typeof object === 'object' && object !== null ? Reflect.get(object, 'metadata') : undefined
  const uid: unknown = typeof metadata === 'object' && metadata !== null ? Reflect.get(metadata, 'uid') : undefined
  return typeof uid === 'string' ? uid : undefined
}
