// From the texts of files to the objects in them: YAML documents, and the items of Kubernetes Lists; or the objects that an
// API server has. Knows which kinds of objects there are, not what stands in them.

import { printable } from '#core/encoding/printable.ts'
import type { YamlPath } from '#core/encoding/yaml.ts'
import { parseYamlDocuments } from '#core/encoding/yaml.ts'
import type { ErrorCode } from '#core/errors.ts'
import type { Problem, Report } from './problem.ts'
import { isObject, renderPath } from './problem.ts'
import { apiVersion, kinds } from './schema.ts'
import { didYouMean } from './suggest.ts'

export interface PolicyFile {
  readonly name: string
  readonly text: string
}

/** An object of a cluster. */
export interface PolicyObject {
  /** Names the object in problems, where a file has its name. */
  readonly name: string
  readonly value: unknown
}

/** One object, with everything that is wrong with it. */
export interface Source {
  readonly file: string
  readonly kind: string
  readonly value: unknown
  /** Where the object stands inside its document; not empty for the item of a List. */
  readonly at: YamlPath
  readonly report: Report
  readonly lineOf: (path: YamlPath) => number
  /** How often `report` was called. */
  readonly count: () => number
}

export interface Opened {
  readonly sources: readonly Source[]
  readonly problems: Problem[]
}

/** 10,000 policies is what loading is built for; attestors and namespaces stand beside them. */
export const maxObjects = 20_000
/** Nobody reads on after so many in one object; what is hostile shall not fill the memory with messages. */
const maxProblemsPerObject = 100

/** @param ignoreForeign leaves out objects of other systems, as when a whole directory of manifests is given */
export function openDocuments(files: readonly PolicyFile[], ignoreForeign: boolean): Opened {
  const opened: { sources: Source[]; problems: Problem[] } = { sources: [], problems: [] }
  for (const file of files) {
    for (const document of parseYamlDocuments(file.text)) {
      for (const { line, path, message } of document.problems) {
        opened.problems.push({ code: 'yaml-malformed', file: file.name, line, path: renderPath(path), message })
      }
      if (document.value !== undefined)
        addObject(document.value, [], { file: file.name, document, opened, ignoreForeign })
      if (opened.sources.length > maxObjects) {
        const message = `more than ${maxObjects} objects in one load`
        return {
          sources: [],
          problems: [...opened.problems, { code: 'input-too-large', file: file.name, path: '', message }],
        }
      }
    }
  }
  return opened
}

/** The objects of a cluster, whose text nobody has seen. @param objects at most as many as are followed */
export function openObjects(objects: readonly PolicyObject[]): Opened {
  const opened: { sources: Source[]; problems: Problem[] } = { sources: [], problems: [] }
  for (const { name, value } of objects)
    addObject(value, [], { file: name, document: { problems: [] }, opened, ignoreForeign: false })
  return opened
}

interface Opening {
  readonly file: string
  readonly document: { readonly problems: readonly unknown[]; readonly lineOf?: (path: YamlPath) => number }
  readonly opened: { readonly sources: Source[]; readonly problems: Problem[] }
  readonly ignoreForeign: boolean
}

function addObject(value: unknown, at: YamlPath, opening: Opening): void {
  const source = sourceOf(value, at, opening)
  if (!isObject(value)) {
    source.report(at, 'must be an object with apiVersion and kind')
    return
  }
  const { apiVersion: version, kind } = value
  if (version === 'v1' && kind === 'List' && at.length === 0) {
    addItems(value, opening)
    return
  }
  const problem = kindProblem(version, kind, opening.ignoreForeign)
  if (problem === 'foreign') return
  if (problem === undefined) opening.opened.sources.push(source)
  else source.report([...at, problem.member], problem.message, problem.code)
}

function addItems(list: Readonly<Record<string, unknown>>, opening: Opening): void {
  const { items } = list
  if (!Array.isArray(items)) {
    sourceOf(list, [], opening).report(['items'], 'must be a list of objects')
    return
  }
  items.forEach((item: unknown, index) => {
    addObject(item, ['items', index], opening)
  })
}

interface KindProblem {
  readonly member: 'apiVersion' | 'kind'
  readonly message: string
  readonly code?: ErrorCode
}

function kindProblem(version: unknown, kind: unknown, ignoreForeign: boolean): KindProblem | 'foreign' | undefined {
  const [group] = apiVersion.split('/')
  if (typeof version !== 'string') return { member: 'apiVersion', message: `is missing; policies have ${apiVersion}` }
  if (typeof kind !== 'string') return { member: 'kind', message: 'is missing' }
  if (version === 'v1' && kind === 'Namespace') return undefined
  if (version !== apiVersion && version.split('/')[0] === group) {
    return { member: 'apiVersion', message: `must be ${apiVersion}, not "${printable(version, 80)}"` }
  }
  if (version !== apiVersion) {
    const message = `"${printable(version, 80)}" ${printable(kind, 80)} is no policy; only ${apiVersion} and Namespaces of v1 are read here${didYouMean(version, [apiVersion])}`
    return ignoreForeign ? 'foreign' : { member: 'apiVersion', message }
  }
  const known = Object.hasOwn(kinds, kind) ? kinds[kind] : undefined
  if (known?.spec) return undefined
  if (known) return { member: 'kind', message: `${kind} is not supported yet`, code: 'policy-unsupported' }
  const readable = Object.keys(kinds).filter((name) => kinds[name]?.spec)
  const written = printable(kind, 80)
  return {
    member: 'kind',
    message: `"${written}" is no kind of ${apiVersion}; known are ${readable.join(', ')}${didYouMean(kind, readable)}`,
  }
}

function sourceOf(value: unknown, at: YamlPath, opening: Opening): Source {
  const { file, document, opened } = opening
  const kind = isObject(value) && typeof value['kind'] === 'string' ? printable(value['kind'], 80) : ''
  const name = nameOf(value)
  // What the YAML reader found wrong counts: such an object is not read half.
  let count = document.problems.length
  const report: Report = (path, message, code = 'policy-invalid') => {
    count++
    if (count > maxProblemsPerObject) return
    opened.problems.push({
      code,
      file,
      ...(document.lineOf !== undefined && { line: document.lineOf(path) }),
      ...(kind !== '' && { kind }),
      ...(name !== undefined && { name }),
      path: renderPath(path),
      message: count < maxProblemsPerObject ? message : 'and more; problems after this one are not listed',
    })
  }
  return { file, kind, value, at, report, lineOf: (path) => document.lineOf?.(path) ?? 1, count: () => count }
}

function nameOf(value: unknown): string | undefined {
  const metadata = isObject(value) ? value['metadata'] : undefined
  if (!isObject(metadata) || typeof metadata['name'] !== 'string') return undefined
  const name = printable(metadata['name'], 80)
  return typeof metadata['namespace'] === 'string' ? `${printable(metadata['namespace'], 80)}/${name}` : name
}
