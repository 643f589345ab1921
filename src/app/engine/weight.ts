// About how many bytes a plain value takes on the heap: for bounds, not for accounts.

/** Header, hidden class and slots of V8's 64-bit heap, rounded up. */
const perObject = 56
const perMember = 8
const perText = 24

/** Values here are trees, a few levels deep; of a map, its values and keys. */
export function weightOf(value: unknown): number {
  if (typeof value === 'string') return perText + value.length
  if (typeof value !== 'object' || value === null) return perMember
  if (ArrayBuffer.isView(value)) return perObject + value.byteLength
  let weight = perObject
  for (const member of value instanceof Map ? value : Object.values(value)) weight += perMember + weightOf(member)
  return weight
}
