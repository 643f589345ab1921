// Holds a value against its shape: types, members, choices, limits. Reports everything that is wrong, and gives back
// what is right with the defaults filled in. What members must fulfil together is judged by the readers.

import { printable } from '#core/encoding/printable.ts'
import type { YamlPath } from '#core/encoding/yaml.ts'
import type { Report } from './problem.ts'
import { isObject } from './problem.ts'
import type { ObjectShape, Shape, Word } from './shape.ts'
import { didYouMean } from './suggest.ts'

/** The value with defaults; parts that are wrong are `undefined`, and have been reported. */
export function checkShape(shape: Shape, value: unknown, path: YamlPath, report: Report): unknown {
  switch (shape.kind) {
    case 'text':
      return checkText(shape, value, path, report)
    case 'choice':
      return checkChoice(shape, value, path, report)
    case 'integer':
      return checkInteger(shape, value, path, report)
    case 'list':
      return checkList(shape, value, path, report)
    case 'names':
      return checkNames(shape, value, path, report)
    case 'object':
      return checkObject(shape, value, path, report)
    case 'again':
      return checkShape(shape.shape(), value, path, report)
    case 'ignored':
      return value
  }
}

type Of<K extends Shape['kind']> = Extract<Shape, { kind: K }>

function checkText(shape: Of<'text'>, value: unknown, path: YamlPath, report: Report): string | undefined {
  if (typeof value !== 'string') {
    const quoted = typeof value === 'number' || typeof value === 'boolean' ? `; write it in quotes: "${value}"` : ''
    report(path, `must be text (${shape.format.doc}), not ${typeName(value)}${quoted}`)
    return undefined
  }
  const problem = value.length > shape.max ? `is longer than ${shape.max} characters` : shape.format.problem?.(value)
  if (problem === undefined) return value
  report(path, problem)
  return undefined
}

function checkChoice(shape: Of<'choice'>, value: unknown, path: YamlPath, report: Report): string | undefined {
  const offered = Object.keys(shape.values).filter((name) => !shape.values[name]?.later)
  const known = typeof value === 'string' && Object.hasOwn(shape.values, value) ? shape.values[value] : undefined
  if (typeof value === 'string' && known?.later) {
    report(path, `"${value}" is not supported yet`, 'policy-unsupported')
    return undefined
  }
  if (typeof value === 'string' && known) return value
  const written = typeof value === 'string' ? `"${printable(value, 80)}"` : typeName(value)
  const hint = typeof value === 'string' ? didYouMean(value, offered) : ''
  report(path, `must be ${offered.length === 1 ? '' : 'one of '}${offered.join(', ')}, not ${written}${hint}`)
  return undefined
}

function checkInteger(shape: Of<'integer'>, value: unknown, path: YamlPath, report: Report): number | undefined {
  if (typeof value === 'number' && Number.isInteger(value) && value >= shape.min && value <= shape.max) return value
  const written = typeof value === 'number' ? String(value) : typeName(value)
  report(path, `must be a whole number from ${shape.min} to ${shape.max}, not ${written}`)
  return undefined
}

function checkList(shape: Of<'list'>, value: unknown, path: YamlPath, report: Report): unknown {
  if (!Array.isArray(value)) {
    report(path, `must be a list, not ${typeName(value)}`)
    return undefined
  }
  if (value.length < shape.min) report(path, 'must not be empty')
  if (value.length > shape.max) {
    report(path, `has ${value.length} entries; more than ${shape.max} are not read`)
    return undefined
  }
  const seen = new Map<unknown, number>()
  return value.map((element: unknown, index) => {
    const at = [...path, index]
    const first = shape.distinct ? seen.get(element) : undefined
    if (first !== undefined) report(at, `is the same as [${first}]`)
    seen.set(element, first ?? index)
    return checkShape(shape.of, element, at, report)
  })
}

function checkNames(shape: Of<'names'>, value: unknown, path: YamlPath, report: Report): unknown {
  if (!isObject(value)) {
    report(path, `must be an object of names and values, not ${typeName(value)}`)
    return undefined
  }
  const members = Object.entries(value)
  if (members.length > shape.max) {
    report(path, `has ${members.length} members; more than ${shape.max} are not read`)
    return undefined
  }
  const checked: Record<string, unknown> = {}
  for (const [name, each] of members) {
    const at = [...path, name]
    const problem = shape.format.problem?.(name)
    if (problem !== undefined) report(at, `the name ${problem}`)
    checked[name] = checkShape(shape.of, each, at, report)
  }
  return checked
}

function checkObject(shape: ObjectShape, value: unknown, path: YamlPath, report: Report): unknown {
  if (!isObject(value)) {
    report(path, `must be an object${exampleOf(shape, value)}, not ${typeName(value)}`)
    return undefined
  }
  for (const name of Object.keys(value)) {
    if (!Object.hasOwn(shape.members, name)) report([...path, name], `is not a word here${wordsHint(name, shape)}`)
  }
  checkExactlyOne(shape, value, path, report)
  const checked: Record<string, unknown> = {}
  for (const [name, word] of Object.entries(shape.members)) {
    const at = [...path, name]
    if (Object.hasOwn(value, name)) checked[name] = checkMember(word, value[name], at, report)
    else if (word.required) report(at, 'is missing')
    else if (word.default !== undefined) checked[name] = checkShape(word.shape, word.default, at, report)
  }
  return checked
}

function checkMember(word: Word, value: unknown, path: YamlPath, report: Report): unknown {
  if (!word.later) return checkShape(word.shape, value, path, report)
  report(path, 'is not supported yet', 'policy-unsupported')
  return undefined
}

function checkExactlyOne(shape: ObjectShape, value: object, path: YamlPath, report: Report): void {
  if (shape.exactlyOne === undefined) return
  const given = shape.exactlyOne.filter((name) => Object.hasOwn(value, name))
  if (given.length === 1) return
  // A misspelt member has been reported already, and is the better hint.
  if (given.length === 0 && Object.keys(value).some((name) => !Object.hasOwn(shape.members, name))) return
  const offered = shape.exactlyOne.filter((name) => !shape.members[name]?.later)
  report(
    path,
    given.length === 0
      ? `needs ${offered.length === 1 ? 'the member' : 'exactly one of'} ${offered.join(', ')}`
      : `${given.join(' and ')} contradict each other; exactly one of them may stand here`,
  )
}

function wordsHint(name: string, shape: ObjectShape): string {
  const known = Object.keys(shape.members).filter((each) => !shape.members[each]?.later)
  const near = didYouMean(name, known)
  if (near !== '') return near
  return known.length === 0 ? '; none is' : known.length > 12 ? '' : `; known are ${known.join(', ')}`
}

/** `identity: MatchRepository` is what people write for `identity: {type: MatchRepository}`. */
function exampleOf(shape: ObjectShape, value: unknown): string {
  if (value === null && !Object.values(shape.members).some((word) => word.required)) return ', at least {}'
  const type = shape.members['type']?.shape
  const fits = typeof value === 'string' && type?.kind === 'choice' && Object.hasOwn(type.values, value)
  return fits ? ` such as {type: ${value}}` : ''
}

function typeName(value: unknown): string {
  if (value === null) return 'nothing (null)'
  if (value === undefined) return 'nothing'
  if (Array.isArray(value)) return 'a list'
  if (typeof value === 'object') return 'an object'
  if (typeof value === 'string') return 'text'
  return typeof value === 'number' ? `the number ${value}` : `${String(value)}`
}
