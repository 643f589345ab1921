// Which image uses of a request are to be judged: all of a new object, the changed ones of an updated one, none where
// a request cannot bring an image in. Does not look at policies.

import { CodedError } from '#core/errors.ts'
import { type FurtherKinds, type FurtherPath, noFurtherKinds } from './further-kinds.ts'
import type { AdmissionRequest } from './review.ts'
import type { ImageUse } from './use.ts'
import { comparedParts, imageUses } from './workload.ts'

export type RequestUses =
  /** Nothing to judge; `because` is a label for the count of what was let pass. */
  | { readonly kind: 'none'; readonly because: 'operation' | 'subresource' | 'unknown-kind' }
  | {
      readonly kind: 'uses'
      /** All image uses of the object as it shall be. */
      readonly all: readonly ImageUse[]
      /** Those that the object did not have before, in the same order. */
      readonly changed: readonly ImageUse[]
    }

/**
 * @param kinds where else images are than in the kinds of Kubernetes
 * @throws CodedError `workload-malformed`
 */
export function usesOfRequest(request: AdmissionRequest, kinds: FurtherKinds = noFurtherKinds): RequestUses {
  if (request.operation !== 'CREATE' && request.operation !== 'UPDATE') return { kind: 'none', because: 'operation' }
  const isEphemeral = request.resource.resource === 'pods' && request.subResource === 'ephemeralcontainers'
  if (request.subResource !== undefined && !isEphemeral) return { kind: 'none', because: 'subresource' }
  const old = request.operation === 'UPDATE' ? request.oldObject : undefined
  const further = kinds.of(request.resource)
  try {
    const all = imageUses(request.object, request.kind, further)
    if (all === undefined) return { kind: 'none', because: 'unknown-kind' }
    return { kind: 'uses', all, changed: changedUses(all, usesOfOldObject(old, request, further)) }
  } catch (error) {
    // An object that was malformed before we came must still lose its finalizers.
    if (old !== undefined && hasSamePodSpecs(old, request, further)) return { kind: 'uses', all: [], changed: [] }
    throw error
  }
}

/**
 * The uses that are not in the old object: in the same list, with the same name and the same image. A swap of images
 * between containers, a new name, and one more of the same are changes.
 */
export function changedUses(uses: readonly ImageUse[], oldUses: readonly ImageUse[]): readonly ImageUse[] {
  if (oldUses.length === 0) return uses
  const left = new Map<string, number>()
  for (const use of oldUses) left.set(keyOf(use), (left.get(keyOf(use)) ?? 0) + 1)
  return uses.filter((use) => {
    const count = left.get(keyOf(use)) ?? 0
    // Without a name nothing says that it is the one of before.
    if (count === 0 || (use.name === '' && use.list !== 'field')) return true
    left.set(keyOf(use), count - 1)
    return false
  })
}

/** An old object that cannot be read vouches for nothing: then every use counts as changed. */
function usesOfOldObject(
  old: unknown,
  request: AdmissionRequest,
  further: readonly FurtherPath[],
): readonly ImageUse[] {
  if (old === undefined) return []
  try {
    return imageUses(old, request.kind, further) ?? []
  } catch (error) {
    if (error instanceof CodedError) return []
    throw error
  }
}

function hasSamePodSpecs(old: unknown, { object, kind }: AdmissionRequest, further: readonly FurtherPath[]): boolean {
  try {
    return JSON.stringify(comparedParts(object, kind, further)) === JSON.stringify(comparedParts(old, kind, further))
  } catch {
    return false
  }
}

/**
 * The list by its path, so that two pod specs of one object are kept apart, the name and the image. What stands by itself is
 * known by its place.
 */
function keyOf(use: ImageUse): string {
  const where = use.list === 'field' ? use.field : use.field.slice(0, use.field.lastIndexOf('['))
  return JSON.stringify([where, use.name, use.image])
}
