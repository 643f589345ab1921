// Verified digests → the JSON Patch (RFC 6902) that writes them into the object. One place makes patches.

import { CodedError } from '#core/errors.ts'

export interface JsonPatchOperation {
  readonly op: 'replace' | 'add'
  readonly path: string
  readonly value: unknown
}

/** One image string to be replaced. */
export interface Pin {
  /** RFC 6901 pointer to the image string. */
  readonly pointer: string
  readonly from: string
  readonly to: string
}

/**
 * One `replace` for each pin that changes something, sorted by pointer: the same pins give the same bytes, and an
 * object that is pinned already gives an empty patch.
 *
 * @throws CodedError `internal-error` if two pins want different images at one place
 */
export function pinPatch(pins: readonly Pin[]): readonly JsonPatchOperation[] {
  const targets = new Map<string, Pin>()
  for (const pin of pins) {
    const other = targets.get(pin.pointer)
    if (other !== undefined && other.to !== pin.to) {
      throw new CodedError('internal-error', `two different images were verified for ${pin.pointer}`, {
        where: pin.pointer,
      })
    }
    targets.set(pin.pointer, pin)
  }
  return [...targets.values()]
    .filter((pin) => pin.from !== pin.to)
    .sort((a, b) => (a.pointer < b.pointer ? -1 : 1))
    .map((pin) => ({ op: 'replace', path: pin.pointer, value: pin.to }))
}
