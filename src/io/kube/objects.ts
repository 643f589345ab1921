// Objects as the API server lists them and as a watch tells them. Names and versions go into paths and questions, so they
// are looked at; what else stands in an object is for those who know its kind.

import { printable } from '#core/encoding/printable.ts'
import { parseStrictJsonBytes } from '#core/encoding/strict-json.ts'
import { CodedError, type ErrorCode } from '#core/errors.ts'
import { isRecord, type KubeAnswer, maxDepth } from './answer.ts'

export interface KubeObject extends KubeAnswer {
  readonly metadata: Readonly<Record<string, unknown>> & {
    readonly name: string
    /** Absent: the kind has no namespaces. */
    readonly namespace?: string
    readonly resourceVersion: string
  }
}

export interface ObjectPage {
  readonly objects: readonly KubeObject[]
  /** Where the next page begins; absent: this was the last. */
  readonly next?: string
  /** Of the list as a whole. */
  readonly version: string
}

export type WatchEvent =
  | { readonly kind: 'changed' | 'deleted'; readonly object: KubeObject; readonly version: string }
  /** Nothing is new until this version. */
  | { readonly kind: 'nothing'; readonly version: string }
  /** The watch is over. */
  | { readonly kind: 'over'; readonly code: ErrorCode; readonly why: string }

/** Opaque; in practice a number of 64 bits. */
const maxVersion = 128
/** Holds a version and the name after which the page begins. */
const maxToken = 8_192
const maxShown = 500

/** @param path as messages name what is followed @throws CodedError `kube-failing` */
export function readPage(answer: KubeAnswer, path: string): ObjectPage {
  const { items, metadata } = answer
  if (!Array.isArray(items) || !isRecord(metadata)) throw malformed(path)
  const { continue: next, resourceVersion: version } = metadata
  if (!isText(version, maxVersion)) throw malformed(path)
  const objects = items.map((item: unknown) => {
    if (!isKubeObject(item)) throw malformed(path)
    return item
  })
  if (next === undefined || next === '') return { objects, version }
  if (!isText(next, maxToken)) throw malformed(path)
  return { objects, version, next }
}

/** @param path as messages name what is followed @throws CodedError `kube-failing` */
export function parseEvent(line: Uint8Array, path: string): WatchEvent {
  const { type, object } = eventIn(line, path)
  switch (type) {
    case 'ADDED':
    case 'MODIFIED':
    case 'DELETED':
      if (!isKubeObject(object)) throw malformed(path)
      return { kind: type === 'DELETED' ? 'deleted' : 'changed', object, version: object.metadata.resourceVersion }
    case 'BOOKMARK': {
      const version =
        isRecord(object) && isRecord(object['metadata']) ? object['metadata']['resourceVersion'] : undefined
      if (!isText(version, maxVersion)) throw malformed(path)
      return { kind: 'nothing', version }
    }
    case 'ERROR':
      return overOf(object)
    default:
      throw malformed(path)
  }
}

function eventIn(line: Uint8Array, path: string): KubeAnswer {
  let event: unknown
  try {
    event = parseStrictJsonBytes(line, { maxDepth })
  } catch (cause) {
    throw malformed(path, cause)
  }
  if (!isRecord(event)) throw malformed(path)
  return event
}

function overOf(status: unknown): WatchEvent {
  const { code, message } = isRecord(status) ? status : {}
  const why = typeof message === 'string' ? printable(message, maxShown) : 'the API server ended the watch'
  return { kind: 'over', code: code === 410 ? 'kube-expired' : 'kube-failing', why }
}

function isKubeObject(value: unknown): value is KubeObject {
  if (!isRecord(value) || !isRecord(value['metadata'])) return false
  const { name, namespace, resourceVersion } = value['metadata']
  return isSegment(name) && (namespace === undefined || isSegment(namespace)) && isText(resourceVersion, maxVersion)
}

/** What every name in Kubernetes is at least: a part of a path that means itself. */
function isSegment(value: unknown): value is string {
  return (
    isText(value, 253) && value !== '.' && value !== '..' && !/[/%?#\\]/.test(value) && printable(value, 253) === value
  )
}

function isText(value: unknown, max: number): value is string {
  return typeof value === 'string' && value !== '' && value.length <= max
}

function malformed(path: string, cause?: unknown): CodedError {
  return new CodedError(
    'kube-failing',
    `the API server told something of ${path} that is no list or watch of objects`,
    {
      cause,
    },
  )
}
