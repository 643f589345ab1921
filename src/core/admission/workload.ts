// Where the images of a Kubernetes object are: one walk over a pod spec. Says nothing about which of them matter to a
// policy. A kind that is not in the table of workload-kinds.ts is judged by the pod specs found at the usual places.

import { type FurtherPath, furtherMembers, furtherValues } from './further-kinds.ts'
import { at, inside, isObject, item, type JsonObject, malformed, member, type Place, placeOf } from './object-place.ts'
import type { ImageUse } from './use.ts'
import { cronPath, type GroupKind, type Path, podPath, podSpecPath, templatePath } from './workload-kinds.ts'

interface PodSpecPlace {
  readonly place: Place
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
 * Every image of an object, in the order init containers, containers, ephemeral containers, image volumes; then those at
 * further places, as configured.
 *
 * @param further where else images or pod specs of this resource are
 * @returns `undefined` if the kind is unknown, nothing in the object looks like a pod spec and nothing is configured
 * @throws CodedError `workload-malformed` where something else stands than Kubernetes allows
 */
export function imageUses(
  object: unknown,
  kind: GroupKind,
  further: readonly FurtherPath[] = [],
): readonly ImageUse[] | undefined {
  const places = podSpecPlaces(object, kind)
  if (further.length === 0) return places?.length === 0 ? undefined : usesOfPodSpecs(places)
  const found = further.flatMap((path) => furtherValues(object, path))
  const specs = found.filter(({ value }) => typeof value !== 'string').map(configuredPodSpec)
  const uses = [...usesOfPodSpecs([...places, ...specs]), ...found.flatMap(configuredImage)]
  // What is configured may be a usual place.
  const distinct = [...new Map(uses.map((use) => [use.pointer, use])).values()]
  if (distinct.length > maxUses) throw malformed('the object', `has more images than the ${maxUses} that one may have`)
  return distinct
}

function usesOfPodSpecs(places: readonly PodSpecPlace[]): readonly ImageUse[] {
  const uses: ImageUse[] = []
  for (const place of places) addUsesOfPodSpec(uses, place)
  return uses
}

function configuredPodSpec({ place, value }: { readonly place: Place; readonly value: unknown }): PodSpecPlace {
  // An image in parts (`{repository, tag}`) must not pass as a pod spec without containers.
  if (!isObject(value) || ![...containerLists, 'volumes'].some((list) => Object.hasOwn(value, list)))
    throw malformed(place.field, 'is neither an image nor a pod spec')
  return { place, spec: value, demand: 'guess' }
}

function configuredImage({ place, value }: { readonly place: Place; readonly value: unknown }): readonly ImageUse[] {
  return typeof value === 'string' && value !== '' ? [{ ...place, list: 'field', name: '', image: value }] : []
}

/**
 * The pod specs of an object as they are, and where they are.
 *
 * @throws CodedError `workload-malformed` where a kind that has one lacks it
 */
export function podSpecs(
  object: unknown,
  kind: GroupKind,
  further: readonly FurtherPath[] = [],
): readonly { readonly path: string; readonly spec: unknown }[] {
  const found = further.flatMap((path) => furtherValues(object, path)).filter(({ value }) => isObject(value))
  return [
    ...podSpecPlaces(object, kind).map(({ place, spec }) => ({ path: place.pointer, spec })),
    ...found.map(({ place, value }) => ({ path: place.pointer, spec: value })),
  ]
}

/**
 * What an object is compared by with the one that it was: its pod specs, and what further places lie in, whatever is there.
 *
 * @throws CodedError `workload-malformed` where a kind that has a pod spec lacks it
 */
export function comparedParts(object: unknown, kind: GroupKind, further: readonly FurtherPath[]): readonly unknown[] {
  return [...podSpecs(object, kind), ...furtherMembers(object, further)]
}

/** No fewer than the images of an object, read or not, for sharing out room; 0 for one that is none. Throws nothing. */
export function mostImages(object: unknown, kind: GroupKind, further: readonly FurtherPath[] = []): number {
  const known = podSpecPath(kind)
  const specs: unknown[] = (known === undefined ? usualPaths : [known]).map((path) => at(object, path))
  let count = 0
  try {
    const values = further.flatMap((path) => furtherValues(object, path)).map(({ value }) => value)
    count += values.length
    specs.push(...values)
  } catch {
    // It will be refused where it is read.
  }
  for (const spec of specs) {
    for (const list of containerLists) count += listLength(member(spec, list), () => true)
    count += listLength(member(spec, 'volumes'), (volume) => member(volume, 'image') !== undefined)
  }
  return count
}

function listLength(list: unknown, counts: (value: unknown) => boolean): number {
  return Array.isArray(list) ? list.filter(counts).length : 0
}

function podSpecPlaces(object: unknown, kind: GroupKind): readonly PodSpecPlace[] {
  const known = podSpecPath(kind)
  if (known === undefined) return guessedPlaces(object)
  const spec = at(object, known)
  if (!isObject(spec)) throw malformed(known.join('.'), spec === undefined ? 'is missing' : 'is not an object')
  return [{ place: placeOf(known), spec, demand: known === podPath ? 'pod' : 'template' }]
}

/** A pod spec is recognised by a list of containers: an object stands in a list of that name. */
function guessedPlaces(object: unknown): readonly PodSpecPlace[] {
  const places: PodSpecPlace[] = []
  for (const path of usualPaths) {
    const spec = at(object, path)
    if (isObject(spec) && containerLists.some((list) => holdsObjects(member(spec, list)))) {
      places.push({ place: placeOf(path), spec, demand: 'guess' })
    }
  }
  return places
}

function holdsObjects(value: unknown): boolean {
  return Array.isArray(value) && value.some(isObject)
}

function addUsesOfPodSpec(uses: ImageUse[], { place: podSpec, spec, demand }: PodSpecPlace): void {
  for (const list of containerLists) {
    const place = inside(podSpec, list)
    const containers = listAt(spec, list, place)
    for (let index = 0; index < containers.length; index++) {
      const container = containers[index]
      const where = item(place, index)
      const image = text(member(container, 'image'), where, '.image')
      if (image !== '') addUse(uses, { list, owner: container, where, image, member: 'image' })
      else if (demand !== 'guess') throw malformed(`${where.field}.image`, 'is missing: every container needs an image')
    }
  }
  addImageVolumes(uses, { place: podSpec, spec, demand })
}

function addImageVolumes(uses: ImageUse[], { place: podSpec, spec, demand }: PodSpecPlace): void {
  const place = inside(podSpec, 'volumes')
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
