// What a rule requires, out of checked documents: nesting, thresholds, identities.

import { messageOf } from '#core/errors.ts'
import { formatReference, parseReference, pathProblem, repositoryName } from '#core/image/reference.ts'
import { looksLikeHost, normaliseRegistry } from '#core/image/registry-host.ts'
import type { Field, Report } from './problem.ts'
import { elements, entries, isGiven, member, oneOf, textMapOf, textOf } from './problem.ts'
import { readRepository } from './read-attestor.ts'
import { identityMembers, identityTypes, maxNesting } from './schema-policy.ts'
import type { Attestor, Identity, Requirement, SignatureDemand } from './words.ts'

export interface RequirementContext {
  readonly report: Report
  /** The attestor of this name; reports what is wrong with the name. */
  readonly attestor: (name: Field) => Attestor | undefined
}

interface Position {
  /** Groups around this one. */
  readonly depth: number
  readonly inAtLeast: boolean
}

export function readRequirement(field: Field, context: RequirementContext): Requirement | undefined {
  return requirementAt(field, { depth: 0, inAtLeast: false }, context)
}

function requirementAt(field: Field, position: Position, context: RequirementContext): Requirement | undefined {
  const read = entries(field)
    .filter(([, { value }]) => value !== undefined)
    .map(([kind, inside]) => oneRequirement(kind, inside, position, context))
  return read.length === 1 ? read[0] : undefined // that there is exactly one has been checked
}

function oneRequirement(
  kind: string,
  inside: Field,
  position: Position,
  context: RequirementContext,
): Requirement | undefined {
  switch (kind) {
    case 'signature':
      return readSignature(inside, context)
    case 'allOf':
    case 'anyOf': {
      const of = readBranches(inside, inside, position, context)
      return of && { kind, of }
    }
    case 'atLeast':
      return readAtLeast(inside, position, context)
    case 'deny':
    case 'insecureAcceptAnything':
      if (position.inAtLeast) {
        context.report(inside.path, 'cannot be counted; it may not stand inside atLeast')
        return undefined
      }
      return kind === 'deny' ? readDeny(inside) : { kind }
    default:
      return undefined
  }
}

function readDeny(inside: Field): Requirement {
  const message = textOf(member(inside, 'message'))
  return message === undefined ? { kind: 'deny' } : { kind: 'deny', message }
}

function readAtLeast(inside: Field, position: Position, context: RequirementContext): Requirement | undefined {
  const list = member(inside, 'of')
  const of = readBranches(inside, list, { ...position, inAtLeast: true }, context)
  const count = member(inside, 'count')
  const length = Array.isArray(list.value) ? list.value.length : undefined
  if (typeof count.value !== 'number' || length === undefined) return undefined
  if (count.value > length) {
    const hint = 'to ask for several keys of one attestor, list the attestor that many times'
    context.report(count.path, `asks for ${count.value} of ${length}; ${hint}`)
    return undefined
  }
  return of && { kind: 'atLeast', count: count.value, of }
}

function readBranches(
  group: Field,
  list: Field,
  position: Position,
  context: RequirementContext,
): readonly Requirement[] | undefined {
  const depth = position.depth + 1
  if (depth > maxNesting) {
    context.report(group.path, `allOf, anyOf and atLeast may be nested at most ${maxNesting} deep`)
    return undefined
  }
  const branches = elements(list)
  const read = branches.flatMap((branch) => requirementAt(branch, { ...position, depth }, context) ?? [])
  return read.length === branches.length && read.length > 0 ? read : undefined
}

function readSignature(inside: Field, context: RequirementContext): SignatureDemand | undefined {
  const name = member(inside, 'attestor')
  const attestor = textOf(name) === undefined ? undefined : context.attestor(name)
  const identity = readIdentity(member(inside, 'identity'), context.report)
  if (attestor === undefined || identity === undefined) return undefined
  return { kind: 'signature', attestor, annotations: textMapOf(member(inside, 'annotations')), identity }
}

function readIdentity(field: Field, report: Report): Identity | undefined {
  const type = oneOf(member(field, 'type'), identityTypes)
  if (type === undefined) return undefined
  const needed = identityMembers[type]
  let complete = true
  for (const name of ['reference', 'repository', 'prefix', 'signedPrefix']) {
    const given = isGiven(field, name)
    if (given === needed.includes(name)) continue
    complete = false
    report(member(field, name).path, given ? `means nothing with type: ${type}` : `is missing; ${type} needs it`)
  }
  return complete ? identityOf(type, field, report) : undefined
}

function identityOf(type: Identity['type'], field: Field, report: Report): Identity | undefined {
  switch (type) {
    case 'Any':
    case 'MatchExact':
    case 'MatchRepoDigestOrExact':
    case 'MatchRepository':
      return { type }
    case 'ExactReference': {
      const reference = exactReference(member(field, 'reference'), report)
      return reference === undefined ? undefined : { type, reference }
    }
    case 'ExactRepository': {
      const repository = readRepository(member(field, 'repository'), report)
      return repository && { type, repository: repositoryName(repository) }
    }
    case 'RemapIdentity': {
      const prefix = readPrefix(member(field, 'prefix'), report)
      const signedPrefix = readPrefix(member(field, 'signedPrefix'), report)
      return prefix === undefined || signedPrefix === undefined ? undefined : { type, prefix, signedPrefix }
    }
  }
}

function exactReference(field: Field, report: Report): string | undefined {
  try {
    const reference = parseReference(textOf(field) ?? '')
    if (reference.tag !== undefined || reference.digest !== undefined) return formatReference(reference)
    report(field.path, 'must name a tag or a digest; for a whole repository use ExactRepository')
  } catch (error) {
    report(field.path, messageOf(error))
  }
  return undefined
}

/** A host, or a host with the first components of a path; the host must be written, so that nothing is guessed. */
function readPrefix(field: Field, report: Report): string | undefined {
  const text = textOf(field) ?? ''
  const slash = text.indexOf('/')
  const host = slash === -1 ? text : text.slice(0, slash)
  const registry = looksLikeHost(host) ? normaliseRegistry(host) : { problem: 'it must begin with a host' }
  if (typeof registry !== 'string') {
    report(field.path, `is not a prefix of image names: ${registry.problem}`)
    return undefined
  }
  if (slash === -1) return registry
  if (pathProblem(text, slash + 1, text.length) !== -1) {
    report(field.path, 'is not a prefix of image names: after the host come whole components, without tag or digest')
    return undefined
  }
  return registry + text.slice(slash)
}
