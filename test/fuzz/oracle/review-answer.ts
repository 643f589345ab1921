// What the answer to an AdmissionReview must be, read from the review by nothing of ours: who can be answered, which
// images the object would run, and whether what the answer lets run is good.

import { hasRepeatedMember, isWholeUnicode, jsonDepth, jsonValue, parseJsonText } from '../json-text.ts'
import { list } from './signed-by.ts'

type Json = Readonly<Record<string, unknown>>

/** What is an image here, and where it stands. */
export interface WrittenImage {
  /** RFC 6901. */
  readonly pointer: string
  readonly image: string
  /** The old object names it somewhere: what stood there before is somebody else's fault. */
  readonly stoodBefore: boolean
}

export interface ReadableReview {
  readonly apiVersion: string
  readonly uid: string
  readonly request: Json
}

const deepest = 256

/** A review that two readers read alike, and whose uid can be echoed; `undefined` for any other bytes. */
export function readableReview(bytes: Uint8Array): ReadableReview | undefined {
  const text = Buffer.from(bytes).toString('utf8')
  const node = Buffer.from(text, 'utf8').equals(bytes) ? parseJsonText(text) : undefined
  if (node === undefined || hasRepeatedMember(node) || !isWholeUnicode(node) || jsonDepth(node) > deepest)
    return undefined
  const review = json(jsonValue(node))
  const apiVersion = own(review, 'apiVersion')
  const request = own(review, 'request')
  if (apiVersion !== 'admission.k8s.io/v1' && apiVersion !== 'admission.k8s.io/v1beta1') return undefined
  if (own(review, 'kind') !== 'AdmissionReview' || !isJson(request)) return undefined
  const uid = own(request, 'uid')
  if (typeof uid !== 'string' || !/^[\x21-\x7e]{1,128}$/.test(uid)) return undefined
  return { apiVersion, uid, request }
}

const templated = ['spec', 'template', 'spec']

const places: Readonly<Record<string, readonly string[]>> = {
  '/Pod': ['spec'],
  '/PodTemplate': ['template', 'spec'],
  '/ReplicationController': templated,
  'apps/Deployment': templated,
  'apps/ReplicaSet': templated,
  'apps/StatefulSet': templated,
  'apps/DaemonSet': templated,
  'extensions/Deployment': templated,
  'extensions/ReplicaSet': templated,
  'extensions/DaemonSet': templated,
  'batch/Job': templated,
  'batch/CronJob': ['spec', 'jobTemplate', 'spec', 'template', 'spec'],
}

const usual: readonly (readonly string[])[] = [['spec'], templated, ['spec', 'jobTemplate', 'spec', 'template', 'spec']]
const lists = ['initContainers', 'containers', 'ephemeralContainers'] as const

/** The images of a request; for those that it brings into the cluster somebody must have vouched. */
export function imagesAsked(request: Json): readonly WrittenImage[] {
  const operation = own(request, 'operation')
  if (operation !== 'CREATE' && operation !== 'UPDATE') return []
  const subResource = own(request, 'subResource')
  const isEphemeral =
    own(json(own(request, 'resource')), 'resource') === 'pods' && subResource === 'ephemeralcontainers'
  if (typeof subResource === 'string' && subResource !== '' && !isEphemeral) return []
  const kind = json(own(request, 'kind'))
  const known = `${own(kind, 'group') ?? ''}/${own(kind, 'kind')}`
  const object = own(request, 'object')
  const paths = Object.hasOwn(places, known)
    ? [places[known] ?? []]
    : usual.filter((path) => looksLikePod(at(object, path)))
  const all = paths.flatMap((path) => imagesOf(at(object, path), `/${path.join('/')}`))
  const before = operation === 'CREATE' ? '' : JSON.stringify(own(request, 'oldObject') ?? null)
  return all.map((each) => ({ ...each, stoodBefore: before.includes(JSON.stringify(each.image)) }))
}

function looksLikePod(spec: unknown): boolean {
  return lists.some((name) => list(own(json(spec), name)).some(isJson))
}

function imagesOf(spec: unknown, pointer: string): readonly Omit<WrittenImage, 'stoodBefore'>[] {
  const found: Omit<WrittenImage, 'stoodBefore'>[] = []
  const add = (image: unknown, where: string) => {
    if (typeof image === 'string' && image !== '') found.push({ pointer: `${pointer}/${where}`, image })
  }
  for (const name of lists) {
    for (const [index, container] of list(own(json(spec), name)).entries())
      add(own(json(container), 'image'), `${name}/${index}/image`)
  }
  for (const [index, volume] of list(own(json(spec), 'volumes')).entries()) {
    add(own(json(own(json(volume), 'image')), 'reference'), `volumes/${index}/image/reference`)
  }
  return found
}

function at(value: unknown, path: readonly string[]): unknown {
  return path.reduce((inside, name) => own(json(inside), name), value)
}

export function own(object: Json, name: string): unknown {
  return Object.hasOwn(object, name) ? object[name] : undefined
}

export function json(value: unknown): Json {
  return isJson(value) ? value : {}
}

function isJson(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
