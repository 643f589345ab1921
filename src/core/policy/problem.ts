// What is wrong with policy files, all of it, each with its place; and the place itself while a document is read.

import { printable } from '#core/encoding/printable.ts'
import type { YamlPath } from '#core/encoding/yaml.ts'
import type { ErrorCode } from '#core/errors.ts'

export interface Problem {
  readonly code: ErrorCode
  readonly file: string
  readonly line?: number
  readonly kind?: string
  /** `namespace/name` of a namespaced object. */
  readonly name?: string
  /** `spec.rules[0].images[1]`; empty for the document as a whole. */
  readonly path: string
  readonly message: string
}

export type Report = (path: YamlPath, message: string, code?: ErrorCode) => void

/** A value inside an object, with where it stands. */
export interface Field {
  readonly value: unknown
  readonly path: YamlPath
}

export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** The member, with value `undefined` where it is not there. */
export function member(field: Field, name: string): Field {
  const value = isObject(field.value) && Object.hasOwn(field.value, name) ? field.value[name] : undefined
  return { value, path: [...field.path, name] }
}

export function isGiven(field: Field, name: string): boolean {
  return member(field, name).value !== undefined
}

export function elements(field: Field): readonly Field[] {
  return Array.isArray(field.value)
    ? field.value.map((value: unknown, index) => ({ value, path: [...field.path, index] }))
    : []
}

export function entries(field: Field): readonly (readonly [string, Field])[] {
  return isObject(field.value)
    ? Object.entries(field.value).map(([name, value]) => [name, { value, path: [...field.path, name] }])
    : []
}

export function textOf(field: Field): string | undefined {
  return typeof field.value === 'string' ? field.value : undefined
}

export function textsOf(field: Field): readonly string[] {
  return elements(field).flatMap((element) => textOf(element) ?? [])
}

/** The text-valued members of an object. */
export function textMapOf(field: Field): Readonly<Record<string, string>> {
  return Object.fromEntries(
    entries(field).flatMap(([name, { value }]) => (typeof value === 'string' ? [[name, value]] : [])),
  )
}

/** The value as one of the names of a table; the table is that of the schema, so that both know the same names. */
export function oneOf<T extends string>(field: Field, table: Readonly<Record<T, unknown>>): T | undefined {
  const name = textOf(field)
  return name !== undefined && Object.hasOwn(table, name) ? (name as T) : undefined
}

/** `spec.match.namespaceSelector.matchLabels["a.b/c"]` */
export function renderPath(path: YamlPath): string {
  let text = ''
  for (const step of path) {
    if (typeof step === 'number') text += `[${step}]`
    else if (/^[A-Za-z][A-Za-z0-9]*$/.test(step)) text += text === '' ? step : `.${step}`
    else text += `[${JSON.stringify(printable(step, 80))}]`
  }
  return text
}

/** One line for people: `file:line: Kind name: path: message`. */
export function renderProblem(problem: Omit<Problem, 'code'>): string {
  const file = printable(problem.file, 500)
  const place = problem.line === undefined ? file : `${file}:${problem.line}`
  const about = problem.kind === undefined ? '' : `${problem.kind} ${problem.name ?? 'without name'}: `
  return `${place}: ${about}${problem.path === '' ? '' : `${problem.path}: `}${problem.message}`
}
