// Which image uses of a request are to be judged: all of a new object, the changed ones of an updated one, none where
// a request cannot bring an image in. Does not look at policies.

import { CodedError } from '#core/errors.ts'
import type { AdmissionRequest } from './review.ts'
import type { ImageUse } from './use.ts'
import { imageUses, podSpecs } from './workload.ts'

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

/** @throws CodedError `workload-malformed` */
export function usesOfRequest(request: AdmissionRequest): RequestUses {
  if (request.operation !== 'CREATE' && request.operation !== 'UPDATE') return { kind: 'none', because: 'operation' }
  const isEphemeral = request.resource.resource === 'pods' && request.subResource === 'ephemeralcontainers'
  if (request.subResource !== undefined && !isEphemeral) return { kind: 'none', because: 'subresource' }
  const old = request.operation === 'UPDATE' ? request.oldObject : undefined
  try {
    const all = imageUses(request.object, request.kind)
    if (all === undefined) return { kind: 'none', because: 'unknown-kind' }
    return { kind: 'uses', all, changed: changedUses(all, usesOfOldObject(old, request)) }
  } catch (error) {
    // An object that was malformed before we came must still lose its finalizers.
    if (old !== undefined && hasSamePodSpecs(request.object, old, request))
      return { kind: 'uses', all: [], changed: [] }
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
    if (count === 0 || use.name === '') return true
    left.set(keyOf(use), count - 1)
    return false
  })
}

/** An old object that cannot be read vouches for nothing: then every use counts as changed. */
function usesOfOldObject(old: unknown, request: AdmissionRequest): readonly ImageUse[] {
  if (old === undefined) return []
  try {
    return imageUses(old, request.kind) ?? []
  } catch (error) {
    if (error instanceof CodedError) return []
    throw error
  }
}

function hasSamePodSpecs(object: unknown, old: unknown, request: AdmissionRequest): boolean {
  try {
    const specs = podSpecs(object, request.kind)
    return specs !== undefined && JSON.stringify(specs) === JSON.stringify(podSpecs(old, request.kind))
  } catch {
    return false
  }
}

/** The list by its path, so that two pod specs of one object are kept apart, the name and the image. */
function keyOf(use: ImageUse): string {
  return JSON.stringify([use.field.slice(0, use.field.indexOf('[')), use.name, use.image])
}
