// Kinds that Kubernetes does not have, and where their images or pod specs are: told by whoever runs the webhook, for each
// resource in one version. What stands there decides: a text is an image, an object is a pod spec. Only adds to what is
// judged anyway.

import { printable } from '#core/encoding/printable.ts'
import { CodedError } from '#core/errors.ts'
import { entry, inside, isObject, item, malformed, member, type Place } from './object-place.ts'
import { workloadResources } from './workload-kinds.ts'

export interface FurtherResource {
  readonly group: string
  readonly version: string
  /** In the plural. */
  readonly resource: string
}

export interface FurtherPlace {
  readonly resource: FurtherResource
  readonly path: FurtherPath
}

/** From the object on. */
export type FurtherPath = readonly FurtherStep[]

type FurtherStep =
  | { readonly kind: 'member'; readonly name: string }
  /** Every item of a list, or every member of an object. */
  | { readonly kind: 'each' }

/** Where images are, by resource. */
export interface FurtherKinds {
  readonly resources: readonly FurtherResource[]
  of(resource: FurtherResource): readonly FurtherPath[]
}

/** Each is a rule of the webhook and a walk over every object of its kind. */
const maxPlaces = 64
/** The deepest workloads that controllers make of others are half as deep. */
const maxSteps = 32
/** RFC 1123: names of groups, versions and resources in an API. */
const form = /^([a-z0-9][-a-z0-9.]{0,251}[a-z0-9])\/(v[a-z0-9]{1,62})\/([a-z][-a-z0-9]{0,62})=(.*)$/
const stepForm = /(?:^|\.)([A-Za-z_][-A-Za-z0-9_]{0,127})|\[\*\]/y

export const noFurtherKinds: FurtherKinds = { resources: [], of: () => [] }

/**
 * `GROUP/VERSION/RESOURCE=PATH`, as `argoproj.io/v1alpha1/rollouts=spec.template.spec` or
 * `example.com/v1/widgets=spec.images[*]`.
 *
 * @throws CodedError `usage`
 */
export function parseFurtherPlace(text: string): FurtherPlace {
  const [, group, version, resource, path] = form.exec(text) ?? []
  if (group === undefined || version === undefined || resource === undefined || path === undefined)
    throw refused(text, 'write GROUP/VERSION/RESOURCE=PATH, as in argoproj.io/v1alpha1/rollouts=spec.template.spec')
  if (workloadResources.some((known) => known.group === group && known.resource === resource))
    throw refused(text, 'that kind is judged by itself')
  return { resource: { group, version, resource }, path: parsePath(path, text) }
}

/** @throws CodedError `usage` */
export function furtherKinds(places: readonly FurtherPlace[]): FurtherKinds {
  if (places.length > maxPlaces) throw new CodedError('usage', `no more than ${maxPlaces} further places can be judged`)
  const byResource = Map.groupBy(places, ({ resource }) => keyOf(resource))
  return {
    resources: [...byResource.values()].flatMap(([first]) => (first === undefined ? [] : [first.resource])),
    of: (resource) => byResource.get(keyOf(resource))?.map(({ path }) => path) ?? [],
  }
}

/**
 * What stands at the path, and where; nothing where it is absent or null.
 *
 * @throws CodedError `workload-malformed` where the way there is another than the path says
 */
export function furtherValues(
  object: unknown,
  path: FurtherPath,
): readonly { readonly place: Place; readonly value: unknown }[] {
  let found: readonly { readonly place: Place; readonly value: unknown }[] = [
    { place: { pointer: '', field: '' }, value: object },
  ]
  for (const step of path) {
    found = found
      .flatMap(({ place, value }) => (step.kind === 'each' ? each(place, value) : [one(place, value, step.name)]))
      .filter(({ value }) => value !== undefined && value !== null)
  }
  return found
}

/** The members of the object that the paths begin with, whatever is in them. */
export function furtherMembers(object: unknown, paths: readonly FurtherPath[]): readonly unknown[] {
  const names = paths.flatMap(([first]) => (first?.kind === 'member' ? [first.name] : []))
  return names.map((name) => ({ path: `/${name}`, spec: member(object, name) }))
}

function one(place: Place, value: unknown, name: string) {
  if (!isObject(value)) throw malformed(shown(place), 'is not an object')
  return { place: inside(place, name), value: member(value, name) }
}

function each(place: Place, value: unknown) {
  if (Array.isArray(value)) return value.map((each: unknown, index) => ({ place: item(place, index), value: each }))
  if (!isObject(value)) throw malformed(shown(place), 'is neither a list nor an object')
  return Object.entries(value).map(([name, each]) => ({ place: entry(place, name), value: each }))
}

function shown({ field }: Place): string {
  return field === '' ? 'the object' : printable(field, 500)
}

function parsePath(path: string, text: string): FurtherPath {
  const steps: FurtherStep[] = []
  let end = 0
  while (end < path.length && steps.length < maxSteps) {
    stepForm.lastIndex = end
    const [whole, name] = stepForm.exec(path) ?? []
    // From the object on: neither a dot nor all of it comes first.
    if (whole === undefined || (steps.length === 0 && whole !== name)) break
    steps.push(name === undefined ? { kind: 'each' } : { kind: 'member', name })
    end += whole.length
  }
  if (end < path.length || steps.length === 0)
    throw refused(text, 'the path is names with dots between them and [*] for all of a list, as in spec.images[*]')
  return steps
}

function keyOf({ group, version, resource }: FurtherResource): string {
  return `${group}/${version}/${resource}`
}

function refused(text: string, why: string): CodedError {
  return new CodedError('usage', `--also-judge ${printable(text, 200)}: ${why}`)
}
