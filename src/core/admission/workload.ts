// Where the images of a Kubernetes object are: one walk over a pod spec. Says nothing about which of them matter to a
// policy. A kind that is not in the table of workload-kinds.ts is judged by the pod specs found at the usual places.

import { CodedError } from '#core/errors.ts'
import type { ImageUse } from './use.ts'
import { cronPath, type GroupKind, type Path, podPath, podSpecPath, templatePath } from './workload-kinds.ts'

type JsonObject = Readonly<Record<string, unknown>>

interface PodSpecPlace {
  readonly path: Path
  readonly spec: unknown
  /**
   * How much is demanded. `pod`: all that Kubernetes demands of a Pod. `template`: an image volume may leave its
   * reference open (core/v1 ImageVolumeSource). `guess`: a kind we do not know may leave images to its controller,
   * as Prometheus does; the Pods that come of it are judged with all their images.
   */
  readonly demand: 'pod' | 'template' | 'guess'
}

/** Where a kind that is not in the table may have one. */
const usualPaths: readonly Path[] = [podPath, templatePath, cronPath]

const containerLists = ['initContainers', 'containers', 'ephemeralContainers'] as const

/**
 * More uses in one object than any real one has: 10,000 containers of the shortest kind are already larger than what
 * etcd accepts (1.5 MiB by default).
 */
export const maxUses = 10_000

/**
 * Every image of an object, in the order init containers, containers, ephemeral containers, image volumes.
 *
 * @returns `undefined` if the kind is unknown and nothing in the object looks like a pod spec
 * @throws CodedError `workload-malformed` where something else stands than Kubernetes allows
 */
export function imageUses(object: unknown, kind: GroupKind): readonly ImageUse[] | undefined {
  const places = podSpecPlaces(object, kind)
  if (places === undefined) return undefined
  const uses: ImageUse[] = []
  for (const place of places) addUsesOfPodSpec(uses, place)
  return uses
}

/**
 * The pod specs of an object as they are and where they are, to compare two objects by.
 *
 * @throws CodedError `workload-malformed` where a kind that has one lacks it
 */
export function podSpecs(
  object: unknown,
  kind: GroupKind,
): readonly { readonly path: readonly string[]; readonly spec: unknown }[] | undefined {
  return podSpecPlaces(object, kind)?.map(({ path, spec }) => ({ path, spec }))
}

/** No fewer than the images of an object, read or not, for sharing out room; 0 for one that is none. Throws nothing. */
export function mostImages(object: unknown, kind: GroupKind): number {
  const known = podSpecPath(kind)
  let count = 0
  for (const path of known === undefined ? usualPaths : [known]) {
    const spec = at(object, path)
    for (const list of containerLists) count += listLength(member(spec, list), () => true)
    count += listLength(member(spec, 'volumes'), (volume) => member(volume, 'image') !== undefined)
  }
  return count
}

function listLength(list: unknown, counts: (value: unknown) => boolean): number {
  return Array.isArray(list) ? list.filter(counts).length : 0
}

function podSpecPlaces(object: unknown, kind: GroupKind): readonly PodSpecPlace[] | undefined {
  const known = podSpecPath(kind)
  if (known === undefined) return guessedPlaces(object)
  const spec = at(object, known)
  if (!isObject(spec)) throw malformed(known.join('.'), spec === undefined ? 'is missing' : 'is not an object')
  return [{ path: known, spec, demand: known === podPath ? 'pod' : 'template' }]
}

/** A pod spec is recognised by a list of containers: an object stands in a list of that name. */
function guessedPlaces(object: unknown): readonly PodSpecPlace[] | undefined {
  const places: PodSpecPlace[] = []
  for (const path of usualPaths) {
    const spec = at(object, path)
    if (isObject(spec) && containerLists.some((list) => holdsObjects(member(spec, list)))) {
      places.push({ path, spec, demand: 'guess' })
    }
  }
  return places.length === 0 ? undefined : places
}

function holdsObjects(value: unknown): boolean {
  return Array.isArray(value) && value.some(isObject)
}

function addUsesOfPodSpec(uses: ImageUse[], { path, spec, demand }: PodSpecPlace): void {
  for (const list of containerLists) {
    const place = inside(placeOf(path), list)
    const containers = listAt(spec, list, place)
    for (let index = 0; index < containers.length; index++) {
      const container = containers[index]
      const where = item(place, index)
      const image = text(member(container, 'image'), where, '.image')
      if (image !== '') addUse(uses, { list, owner: container, where, image, member: 'image' })
      else if (demand !== 'guess') throw malformed(`${where.field}.image`, 'is missing: every container needs an image')
    }
  }
  addImageVolumes(uses, { path, spec, demand })
}

function addImageVolumes(uses: ImageUse[], { path, spec, demand }: PodSpecPlace): void {
  const place = inside(placeOf(path), 'volumes')
  const volumes = listAt(spec, 'volumes', place)
  for (let index = 0; index < volumes.length; index++) {
    const volume = volumes[index]
    const source = member(volume, 'image')
    if (source === undefined || source === null) continue
    const where = item(place, index)
    if (!isObject(source)) throw malformed(`${where.field}.image`, 'is not an object')
    const image = text(member(source, 'reference'), where, '.image.reference')
    if (image !== '') addUse(uses, { list: 'volumes', owner: volume, where, image, member: 'image/reference' })
    else if (demand === 'pod')
      throw malformed(`${where.field}.image.reference`, 'is missing: an image volume needs one')
  }
}

interface FoundImage {
  readonly list: ImageUse['list']
  /** The container or volume, and where it is. */
  readonly owner: unknown
  readonly where: Place
  readonly member: 'image' | 'image/reference'
  readonly image: string
}

function addUse(uses: ImageUse[], found: FoundImage): void {
  const { list, owner, where, image } = found
  const field = `${where.field}.${found.member.replace('/', '.')}`
  if (uses.length === maxUses) {
    throw malformed(field, `is one image more than the ${maxUses} that one object may have`)
  }
  const name = text(member(owner, 'name'), where, '.name')
  uses.push({ pointer: `${where.pointer}/${found.member}`, field, list, name, image })
}

/**
 * One place, written for programs (RFC 6901) and for people. No name on the way to an image holds a character that a
 * pointer would have to escape.
 */
interface Place {
  readonly pointer: string
  readonly field: string
}

function placeOf(path: Path): Place {
  return { pointer: path.map((name) => `/${name}`).join(''), field: path.join('.') }
}

function inside(place: Place, name: string): Place {
  return { pointer: `${place.pointer}/${name}`, field: place.field === '' ? name : `${place.field}.${name}` }
}

function item(place: Place, index: number): Place {
  return { pointer: `${place.pointer}/${index}`, field: `${place.field}[${index}]` }
}

/** A list that is absent or null is empty, as it is to the API server. */
function listAt(spec: unknown, name: string, place: Place): readonly JsonObject[] {
  const list = member(spec, name)
  if (list === undefined || list === null) return []
  if (!Array.isArray(list)) throw malformed(place.field, 'is not a list')
  const stray = list.findIndex((value) => !isObject(value))
  if (stray >= 0) throw malformed(item(place, stray).field, 'is not an object')
  return list
}

/** The text at `where` and `below`; empty if there is none. */
function text(value: unknown, where: Place, below: string): string {
  if (value === undefined || value === null) return ''
  if (typeof value !== 'string') throw malformed(`${where.field}${below}`, 'is not a string')
  return value
}

function at(object: unknown, path: Path): unknown {
  let value = object
  for (const name of path) value = member(value, name)
  return value
}

function member(value: unknown, name: string): unknown {
  return isObject(value) && Object.hasOwn(value, name) ? value[name] : undefined
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function malformed(field: string, problem: string): CodedError {
  return new CodedError('workload-malformed', `${field} ${problem}`, { where: field })
}
