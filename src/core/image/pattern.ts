// Image patterns: which images a rule is about. Host and path are apart, so that no wildcard of one can reach into the
// other; a pattern is normalised as a reference is. It knows nothing of policies.

import { printable } from '#core/encoding/printable.ts'
import { CodedError } from '#core/errors.ts'
import type { Glob } from './glob.ts'
import { globLength, globMatches, parseGlob } from './glob.ts'
import type { ImageReference } from './reference.ts'
import { effectiveTag, isTag, pathProblem } from './reference.ts'
import { dockerHub, looksLikeHost, normaliseRegistry, splitPort } from './registry-host.ts'
import { withoutUserPart } from './user-part.ts'

/** `*` inside a segment, `**` for any number of segments; see `parseImagePattern`. Plain data, made only there. */
export interface ImagePattern {
  /** As it was written. */
  readonly text: string
  readonly host: HostPattern
  readonly path: readonly PathPart[]
  readonly tag?: Glob
}

type HostPattern =
  | { readonly kind: 'any' }
  | { readonly kind: 'literal'; readonly registry: string }
  | { readonly kind: 'glob'; readonly labels: readonly Glob[]; readonly port: string }

type PathPart = Glob | { readonly kind: 'segments' }

/** A host, a path and a tag of the longest kind are 640; what people write is below 200. */
export const maxPatternLength = 512
/** Names have few parts; more wildcards than this are a mistake or an attack on the matcher. */
export const maxWildcards = 16

const defaultPort = ':443'

/**
 * `[host[:port]/]path[:tag]`, where `*` is any run of characters inside one path segment, one label of the host, or the
 * tag; `**` as a whole segment is any number of segments, none included; `**` at the start is any host too. A port must
 * be written: `:5000`, or `:*` for any or none; `:443` is the same as none.
 *
 * @throws CodedError `pattern-malformed`
 */
export function parseImagePattern(text: string): ImagePattern {
  refuseByText(text)
  const lastSlash = text.lastIndexOf('/')
  const colon = text.indexOf(':', lastSlash + 1)
  const components = (colon < 0 ? text : text.slice(0, colon)).split('/')
  for (const component of components) refuseComponent(text, component)
  if (`/${components.join('/')}/`.includes('/**/**/'))
    throw malformed(text, 'two ** one after the other say no more than one')
  const tag = colon < 0 ? undefined : tagPattern(text, text.slice(colon + 1))
  const { host, path } = splitHost(text, components)
  return { text, host, path: path.map((segment) => pathPart(text, segment)), ...(tag !== undefined && { tag }) }
}

/** Does the pattern match the image as written? At most segments times path parts comparisons, none of which backtracks. */
export function matchesPattern(pattern: ImagePattern, reference: ImageReference): boolean {
  if (!hostMatches(pattern.host, reference.registry)) return false
  if (pattern.tag !== undefined) {
    const tag = effectiveTag(reference)
    if (tag === undefined || !globMatches(pattern.tag, tag)) return false
  }
  return pathMatches(pattern.path, reference.repository.split('/'))
}

/**
 * Positive if `a` is the more specific: position by position from host to path a literal beats a partial wildcard beats
 * `*` beats `**`; then a pattern with a tag beats one without; then more literal characters win. A total preorder.
 */
export function compareSpecificity(a: ImagePattern, b: ImagePattern): number {
  const left = ranks(a)
  const right = ranks(b)
  for (let position = 0; position < Math.max(left.length, right.length); position++) {
    const difference = (left[position] ?? rank.end) - (right[position] ?? rank.end)
    if (difference !== 0) return difference
  }
  return tagRank(a) - tagRank(b) || literalLength(a) - literalLength(b)
}

/** The leading components without wildcards, registry first, for an index; empty if the host has a wildcard. */
export function literalPrefix(pattern: ImagePattern): readonly string[] {
  if (pattern.host.kind !== 'literal') return []
  const prefix = [pattern.host.registry]
  for (const part of pattern.path) {
    if (part.kind !== 'literal') break
    prefix.push(part.text)
  }
  return prefix
}

/** The registry and the path segments of an image, in the same form as `literalPrefix`. */
export function segmentsOf(reference: Pick<ImageReference, 'registry' | 'repository'>): readonly string[] {
  return [withoutDefaultPort(reference.registry), ...reference.repository.split('/')]
}

function refuseByText(text: string): void {
  if (text === '') throw malformed(text, 'it is empty')
  if (text.length > maxPatternLength) throw malformed(text, `it is longer than ${maxPatternLength} characters`)
  if (text.includes('@')) throw malformed(text, 'a pattern names no digest')
  if (/[^A-Za-z0-9._\-/:*[\]]/.test(text))
    throw malformed(text, 'only * and ** are special, and names have no such character')
  if ((text.match(/\*+/g) ?? []).length > maxWildcards)
    throw malformed(text, `it has more than ${maxWildcards} wildcards`)
}

function refuseComponent(text: string, component: string): void {
  if (component === '') throw malformed(text, 'a segment is empty; for everything below a name, end it with /**')
  if (component.includes('**') && component !== '**') throw malformed(text, '** must stand alone between slashes')
}

function splitHost(text: string, components: readonly string[]): { host: HostPattern; path: readonly string[] } {
  const [first = '', ...rest] = components
  if (first === '**') return { host: { kind: 'any' }, path: components }
  if (rest.length === 0) return { host: hub, path: ['library', single(text, first)] }
  if (looksLikeHost(first)) {
    const host = hostPattern(text, first)
    const official = host.kind === 'literal' && host.registry === dockerHub
    return { host, path: official && rest.length === 1 && rest[0] !== '**' ? ['library', ...rest] : rest }
  }
  if (first.includes('*')) {
    throw malformed(text, `"${first}" could be a host or a path of Docker Hub; write the host, as docker.io/${text}`)
  }
  return { host: hub, path: components }
}

const hub: HostPattern = { kind: 'literal', registry: dockerHub }

function single(text: string, name: string): string {
  if (name === '*') throw malformed(text, 'write ** for every image')
  if (looksLikeHost(name)) throw malformed(text, `for all images of a host write ${name}/**`)
  return name
}

function hostPattern(text: string, written: string): HostPattern {
  if (!written.includes('*')) {
    const registry = normaliseRegistry(written)
    if (typeof registry !== 'string') throw malformed(text, registry.problem)
    return { kind: 'literal', registry: withoutDefaultPort(registry) }
  }
  const { name, port } = splitPort(written.toLowerCase())
  if (port !== ':*' && port.includes('*')) throw malformed(text, 'a port is a number, or * for any')
  if (name.startsWith('[') && name.includes('*')) throw malformed(text, 'an IPv6 address has no wildcards')
  if (port === '' && !name.includes('.')) throw malformed(text, `write the port of the host, or :* for any`)
  const problem = sampleProblem(name, port)
  if (problem !== undefined) throw malformed(text, problem)
  return { kind: 'glob', labels: labelsOf(name).map(parseGlob), port: port === defaultPort ? '' : port }
}

/** Is there any host that the pattern could match? Tried with a letter and with a digit for each wildcard. */
function sampleProblem(name: string, port: string): string | undefined {
  let problem: string | undefined
  for (const filler of ['x', '1']) {
    const sample = normaliseRegistry(`${name.replaceAll('*', filler)}${port.replace('*', '1')}`)
    if (typeof sample === 'string') return undefined
    problem ??= sample.problem
  }
  return problem
}

function labelsOf(name: string): readonly string[] {
  return name.startsWith('[') ? [name] : name.split('.')
}

function pathPart(text: string, segment: string): PathPart {
  if (segment === '**') return { kind: 'segments' }
  if (/[A-Z]/.test(segment)) throw malformed(text, 'a path is written in lower case')
  // If anything that a wildcard may stand for makes a segment of it, a letter does.
  const sample = segment.replaceAll('*', 'x')
  if (pathProblem(sample, 0, sample.length) >= 0) throw malformed(text, `"${segment}" cannot be a segment of a path`)
  return parseGlob(segment)
}

function tagPattern(text: string, tag: string): Glob {
  if (tag.includes('**')) throw malformed(text, '** is for segments of the path; a tag has *')
  if (!isTag(tag.replaceAll('*', 'x'))) throw malformed(text, `"${tag}" cannot be a tag`)
  return parseGlob(tag)
}

function hostMatches(host: HostPattern, registry: string): boolean {
  switch (host.kind) {
    case 'any':
      return true
    case 'literal':
      return host.registry === withoutDefaultPort(registry)
    case 'glob': {
      const { name, port } = splitPort(withoutDefaultPort(registry))
      if (host.port !== ':*' && host.port !== port) return false
      const labels = labelsOf(name)
      return (
        labels.length === host.labels.length && host.labels.every((glob, at) => globMatches(glob, labels[at] ?? ''))
      )
    }
  }
}

/** Greedy: only the last `**` can need another try, since an earlier one could not have matched less. */
function pathMatches(parts: readonly PathPart[], segments: readonly string[]): boolean {
  let part = 0
  let segment = 0
  let retryPart = -1
  let retrySegment = 0
  while (segment < segments.length) {
    const wanted = parts[part]
    if (wanted?.kind === 'segments') {
      retryPart = ++part
      retrySegment = segment
    } else if (wanted !== undefined && globMatches(wanted, segments[segment] ?? '')) {
      part++
      segment++
    } else if (retryPart >= 0) {
      part = retryPart
      segment = ++retrySegment
    } else {
      return false
    }
  }
  while (parts[part]?.kind === 'segments') part++
  return part === parts.length
}

/** Where one path ends before the other, it beats `**` and loses to anything that demands one more segment. */
const rank = { segments: 0, end: 1, star: 2, partial: 3, literal: 4 } as const

function ranks(pattern: ImagePattern): readonly number[] {
  return [
    ...hostRanks(pattern.host),
    ...pattern.path.map((part) => (part.kind === 'segments' ? rank.segments : globRank(part))),
  ]
}

/** Two positions: the name and the port. */
function hostRanks(host: HostPattern): readonly number[] {
  if (host.kind === 'any') return [rank.segments, rank.segments]
  if (host.kind === 'literal') return [rank.literal, rank.literal]
  const labels = host.labels.map(globRank)
  const whole = labels.every((each) => each === rank.literal)
    ? rank.literal
    : labels.every((each) => each === rank.star)
      ? rank.star
      : rank.partial
  return [whole, host.port === ':*' ? rank.star : rank.literal]
}

function globRank(glob: Glob): number {
  if (glob.kind === 'literal') return rank.literal
  return globLength(glob) > 0 ? rank.partial : rank.star
}

function tagRank(pattern: ImagePattern): number {
  return pattern.tag === undefined ? rank.end : globRank(pattern.tag)
}

/** Of the normal form, so that two ways to write one pattern are equal. */
function literalLength({ host, path, tag }: ImagePattern): number {
  let length = host.kind === 'literal' ? host.registry.length : 0
  if (host.kind === 'glob') length += host.port.length + totalLength(host.labels)
  for (const part of path) length += part.kind === 'segments' ? 0 : globLength(part)
  return length + (tag === undefined ? 0 : globLength(tag))
}

function totalLength(globs: readonly Glob[]): number {
  return globs.reduce((sum, glob) => sum + globLength(glob), 0)
}

function withoutDefaultPort(registry: string): string {
  return registry.endsWith(defaultPort) ? registry.slice(0, -defaultPort.length) : registry
}

function malformed(text: string, reason: string): CodedError {
  return new CodedError('pattern-malformed', `"${printable(withoutUserPart(text))}" is not an image pattern: ${reason}`)
}
