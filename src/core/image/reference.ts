// Image references by the grammar and the normalising of the distribution project (its packages `reference` and what
// containerd and Docker make of them), parsed once, at the edge. It resolves nothing and invents no tag.
// Where container runtimes would take a name for another place than it seems, it is refused rather than guessed.

import { printable } from '#core/encoding/printable.ts'
import { CodedError } from '#core/errors.ts'
import type { Digest } from './digest.ts'
import { toDigest } from './digest.ts'
import { dockerHub, looksLikeHost, normaliseRegistry } from './registry-host.ts'
import { endOfUserPart, withoutUserPart } from './user-part.ts'

export interface ImageReference {
  /** As it was written. */
  readonly text: string
  /** Host with port if any, normalised: `docker.io`, `127.0.0.1:5000`, `[::1]:5000`. */
  readonly registry: string
  /** Path inside the registry, normalised: `library/alpine`. */
  readonly repository: string
  readonly tag?: string
  readonly digest?: Digest
}

/** Room for a host (253), a path (255), a tag (128) and a sha512 digest (135), several times over. */
const maxTextLength = 4096
/** distribution: RepositoryNameTotalLengthMax. */
const maxRepositoryLength = 255
const maxTagLength = 128

/**
 * The parts of an image name, normalised as container runtimes do: `nginx` is `docker.io/library/nginx`. The host is
 * put in lower case, since host names compare without case. Tag and digest stay absent where they are not written.
 *
 * @throws CodedError `reference-malformed`, with the offset in the message
 */
export function parseReference(text: string): ImageReference {
  if (text === '') throw malformed(text, 'it is empty', 0)
  if (text.length > maxTextLength) throw malformed(text, `it is longer than ${maxTextLength} characters`, maxTextLength)
  refuseUserPart(text)
  refuseForeignCharacters(text)
  refuseWhatIsNoName(text)

  const at = text.indexOf('@')
  const nameEnd = at < 0 ? text.length : at
  const named = text.slice(0, nameEnd)
  const hostEnd = endOfHost(named)
  const pathStart = hostEnd < 0 ? 0 : hostEnd + 1
  const tagColon = named.indexOf(':', Math.max(named.lastIndexOf('/') + 1, pathStart))
  const pathEnd = tagColon < 0 ? nameEnd : tagColon

  const registry = hostEnd < 0 ? dockerHub : registryOf(text, hostEnd)
  const path = pathOf(text, pathStart, pathEnd)
  const tag = tagColon < 0 ? undefined : tagOf(text, tagColon + 1, nameEnd)
  const digest = at < 0 ? undefined : digestOf(text, at + 1)
  const repository = registry === dockerHub && !path.includes('/') ? `library/${path}` : path
  if (repository.length > maxRepositoryLength) {
    throw malformed(text, `its path is longer than ${maxRepositoryLength} characters`, pathStart + maxRepositoryLength)
  }
  return { text, registry, repository, ...(tag !== undefined && { tag }), ...(digest !== undefined && { digest }) }
}

/** The canonical text: every part written out, nothing added. `parseReference` of it gives the same parts. */
export function formatReference(reference: Omit<ImageReference, 'text'>): string {
  const tag = reference.tag === undefined ? '' : `:${reference.tag}`
  const digest = reference.digest === undefined ? '' : `@${reference.digest}`
  return `${repositoryName(reference)}${tag}${digest}`
}

export function repositoryName(at: { readonly registry: string; readonly repository: string }): string {
  return `${at.registry}/${at.repository}`
}

/** What a runtime would pull: the tag as written, `latest` if neither tag nor digest is, nothing if only a digest is. */
export function effectiveTag(reference: Pick<ImageReference, 'tag' | 'digest'>): string | undefined {
  return reference.tag ?? (reference.digest === undefined ? 'latest' : undefined)
}

/** The offset in `text` at which [start, end) stops being a path of lower-case components; -1 if it is one. */
export function pathProblem(text: string, start: number, end: number): number {
  let at = start
  for (;;) {
    const run = at
    while (at < end && isLowerAlphanumeric(text.charCodeAt(at))) at++
    if (at === run) return at
    if (at === end) return -1
    const separator = text.charAt(at)
    if (separator === '-') {
      while (text.charAt(at) === '-') at++
    } else if (separator === '_' && text.charAt(at + 1) === '_') {
      at += 2
    } else if (separator === '/' || separator === '.' || separator === '_') {
      at++
    } else {
      return at
    }
  }
}

/** The grammar of tags: `[\w][\w.-]{0,127}`. */
export function isTag(text: string): boolean {
  return /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$/.test(text)
}

function endOfHost(named: string): number {
  const slash = named.indexOf('/')
  return slash >= 0 && looksLikeHost(named.slice(0, slash)) ? slash : -1
}

function registryOf(text: string, hostEnd: number): string {
  const registry = normaliseRegistry(text.slice(0, hostEnd))
  if (typeof registry !== 'string') throw malformed(text, registry.problem, registry.offset)
  return registry
}

function pathOf(text: string, start: number, end: number): string {
  if (start === end) throw malformed(text, 'the name is missing', start)
  const offset = pathProblem(text, start, end)
  if (offset < 0) return text.slice(start, end)
  const found = text.charAt(offset)
  if (/[A-Z]/.test(found)) throw malformed(text, 'a path is written in lower case', offset)
  throw malformed(text, 'a path has components of a-z and 0-9, with single . _ __ or dashes between', offset)
}

function tagOf(text: string, start: number, end: number): string {
  const tag = text.slice(start, end)
  if (isTag(tag)) return tag
  if (tag === '') throw malformed(text, 'the tag is missing', start)
  if (tag.length > maxTagLength) throw malformed(text, `the tag is longer than ${maxTagLength} characters`, start)
  throw malformed(text, 'a tag has letters, digits, _ . and -, and begins with none of . and -', start)
}

function digestOf(text: string, start: number): Digest {
  const digest = toDigest(text.slice(start))
  if (digest === undefined) throw malformed(text, 'the digest is not sha256, sha384 or sha512 in lower-case hex', start)
  return digest
}

function isLowerAlphanumeric(unit: number): boolean {
  return (unit >= 0x61 && unit <= 0x7a) || (unit >= 0x30 && unit <= 0x39)
}

/** What container runtimes look up among the images that happen to lie on a node, before they think of a registry. */
function refuseWhatIsNoName(text: string): void {
  if (/^([0-9a-f]{64}|sha(256|384|512):[0-9a-f]+)$/.test(text)) {
    throw malformed(text, 'it is an image id, which container runtimes look up on the node', 0)
  }
  const scheme = /^[A-Za-z]+:\/\//.exec(text)
  if (scheme !== null) throw malformed(text, 'an image name has no scheme', 0)
}

/** Before anything else, so that no other reason tells a character of a password. */
function refuseUserPart(text: string): void {
  if (endOfUserPart(text) < 0) return
  throw malformed(text, 'an image name holds no user and no password; a docker config does', 0)
}

function refuseForeignCharacters(text: string): void {
  const offset = text.search(/[^A-Za-z0-9._\-/:@[\]]/)
  if (offset < 0) return
  const point = (text.codePointAt(offset) ?? 0).toString(16).toUpperCase().padStart(4, '0')
  throw malformed(text, `the character U+${point} cannot be part of one`, offset)
}

function malformed(text: string, reason: string, offset: number): CodedError {
  return new CodedError(
    'reference-malformed',
    `"${printable(withoutUserPart(text))}" is not an image name: ${reason} (offset ${offset})`,
    {
      where: `offset ${offset}`,
    },
  )
}
