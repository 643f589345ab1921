// One place in an object, written for programs (RFC 6901) and for people, and the ways to get there. Reads own members only.

import { CodedError } from '#core/errors.ts'
import type { Path } from './workload-kinds.ts'

export type JsonObject = Readonly<Record<string, unknown>>

export interface Place {
  readonly pointer: string
  readonly field: string
}

export function placeOf(path: Path): Place {
  return { pointer: path.map((name) => `/${name}`).join(''), field: path.join('.') }
}

/** A member whose name needs no escaping. */
export function inside(place: Place, name: string): Place {
  return { pointer: `${place.pointer}/${name}`, field: place.field === '' ? name : `${place.field}.${name}` }
}

export function item(place: Place, index: number): Place {
  return { pointer: `${place.pointer}/${index}`, field: `${place.field}[${index}]` }
}

/** A member of any name. */
export function entry(place: Place, name: string): Place {
  const escaped = name.replaceAll('~', '~0').replaceAll('/', '~1')
  return { pointer: `${place.pointer}/${escaped}`, field: `${place.field}[${JSON.stringify(name)}]` }
}

export function at(object: unknown, path: Path): unknown {
  let value = object
  for (const name of path) value = member(value, name)
  return value
}

export function member(value: unknown, name: string): unknown {
  return isObject(value) && Object.hasOwn(value, name) ? value[name] : undefined
}

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

export function malformed(field: string, problem: string): CodedError {
  return new CodedError('workload-malformed', `${field} ${problem}`, { where: field })
}
