// How much a value holds: the characters and bytes of everything that can be reached from it.

/** A number, a boolean, a link from one object to another. */
const oneValue = 8

/** What is shared counts once. */
export function sizeOf(root: unknown): number {
  const seen = new Set<object>()
  const open: unknown[] = [root]
  let size = 0
  while (open.length > 0) {
    const value = open.pop()
    size += oneValue
    if (typeof value === 'string') size += value.length
    if (typeof value !== 'object' || value === null || seen.has(value)) continue
    seen.add(value)
    if (ArrayBuffer.isView(value)) size += value.byteLength
    else if (value instanceof Map) open.push(...value.keys(), ...value.values())
    else if (value instanceof Set) open.push(...value)
    else for (const [name, member] of Object.entries(value)) open.push(name, member)
  }
  return size
}
