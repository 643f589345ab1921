// What is denied by a DenyList that is wrong as it is written: each entry that can be read, and what stood there before. To
// leave the list out would let in what somebody wanted kept out.

import { isObject } from './problem.ts'
import { maxDigests, maxKeys, maxReason } from './schema-deny-list.ts'
import type { TextFormat } from './shape.ts'
import { fingerprint, imageDigest, line } from './text-formats.ts'

/** @returns the same object with another spec; the reader finds it right if there is any entry in it */
export function salvagedList(value: unknown, before: unknown): unknown {
  if (!isObject(value)) return value
  const specs = [specOf(value), specOf(before)]
  const digests = entries(specs, 'digests', imageDigest).slice(0, maxDigests)
  const keys = entries(specs, 'keys', fingerprint).slice(0, maxKeys)
  const reasons = specs
    .map((spec) => spec['reason'])
    .filter((reason) => isText(reason, line) && reason.length <= maxReason)
  const [reason = 'its DenyList is wrong as it is written'] = reasons
  const spec = { ...(digests.length > 0 && { digests }), ...(keys.length > 0 && { keys }), reason }
  return { ...value, spec }
}

function specOf(value: unknown): Readonly<Record<string, unknown>> {
  const spec = isObject(value) ? value['spec'] : undefined
  return isObject(spec) ? spec : {}
}

function entries(
  specs: readonly Readonly<Record<string, unknown>>[],
  name: string,
  format: TextFormat,
): readonly string[] {
  const all = specs.flatMap((spec): readonly unknown[] => (Array.isArray(spec[name]) ? spec[name] : []))
  return [...new Set(all.filter((each) => isText(each, format)))]
}

function isText(value: unknown, { problem }: TextFormat): value is string {
  return typeof value === 'string' && problem?.(value) === undefined
}
