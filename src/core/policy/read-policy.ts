// ClusterTrustPolicy and TrustPolicy out of checked documents: rules, and what its members must fulfil together.

import { printable } from '#core/encoding/printable.ts'
import type { YamlPath } from '#core/encoding/yaml.ts'
import { messageOf } from '#core/errors.ts'
import type { ImagePattern } from '#core/image/pattern.ts'
import { parseImagePattern } from '#core/image/pattern.ts'
import type { Field, Report } from './problem.ts'
import { elements, isGiven, member, oneOf, renderPath, textOf } from './problem.ts'
import { readMatch } from './read-match.ts'
import type { RequirementContext } from './read-requirement.ts'
import { readRequirement } from './read-requirement.ts'
import {
  languages,
  modes,
  otherwises,
  pins,
  platformKinds,
  referenceKinds,
  whenUndetermineds,
} from './schema-policy.ts'
import { parseDuration } from './text-formats.ts'
import type { Policy, Rule } from './words.ts'

export interface PolicyContext extends RequirementContext {
  readonly revision: (policy: Omit<Policy, 'revision'>) => string
}

export interface PolicyHead {
  readonly kind: Policy['kind']
  readonly name: string | undefined
  /** Of a TrustPolicy. */
  readonly namespace?: string | undefined
}

/** The policy, or `undefined` where something is wrong; everything wrong has been reported. */
export function readPolicy(head: PolicyHead, spec: Field, context: PolicyContext): Policy | undefined {
  const { report } = context
  const match = readMatch(member(spec, 'match'), head.namespace, report)
  const rules = readRules(member(spec, 'rules'), context)
  const mode = oneOf(member(spec, 'mode'), modes)
  const otherwise = oneOf(member(spec, 'otherwise'), otherwises)
  const pin = oneOf(member(spec, 'pin'), pins)
  const age = readLastVerdict(spec, report)
  const whenUndetermined = oneOf(member(spec, 'whenUndetermined'), whenUndetermineds)
  const denial = member(spec, 'denial')
  const language = denial.value === undefined ? 'en' : oneOf(member(denial, 'language'), languages)
  if (pin === 'Digest') refuseTagPatterns(member(spec, 'rules'), rules, report)
  if (head.name === undefined || match === undefined || rules === undefined || age === undefined) return undefined
  if (head.kind === 'TrustPolicy' && head.namespace === undefined) return undefined
  if (!mode || !otherwise || !pin || !whenUndetermined || !language) return undefined
  const policy = {
    kind: head.kind,
    name: head.name,
    ...(head.namespace !== undefined && { namespace: head.namespace }),
    mode,
    match,
    rules,
    otherwise,
    pin,
    whenUndetermined,
    ...age,
    language,
  }
  return { ...policy, revision: context.revision(policy) }
}

/** What lasts longer than a week is no outage, and what was trusted before it has to be looked at again. */
const longestAge = 7 * 24 * 3_600_000

function readLastVerdict(spec: Field, report: Report): Pick<Policy, 'lastVerdictMaxAge'> | undefined {
  const field = member(spec, 'lastVerdictMaxAge')
  const needed = member(spec, 'whenUndetermined').value === 'UseLastVerdict'
  if (needed !== (field.value !== undefined)) {
    report(
      field.path,
      needed ? 'is missing; UseLastVerdict needs it' : 'means nothing without whenUndetermined: UseLastVerdict',
    )
    return undefined
  }
  if (!needed) return {}
  const text = textOf(field) ?? ''
  const lastVerdictMaxAge = parseDuration(text)
  if (lastVerdictMaxAge !== undefined && lastVerdictMaxAge > 0 && lastVerdictMaxAge <= longestAge) {
    return { lastVerdictMaxAge }
  }
  const wrong =
    lastVerdictMaxAge === undefined ? 'is not a duration such as 24h, 30m or 1h30m' : 'is not between 1s and 168h'
  report(field.path, `"${printable(text, 32)}" ${wrong}`)
  return undefined
}

function readRules(field: Field, context: PolicyContext): readonly Rule[] | undefined {
  const fields = elements(field)
  const patterns = fields.map((rule) => ({
    images: readPatterns(member(rule, 'images'), context.report),
    exceptImages: readPatterns(member(rule, 'exceptImages'), context.report),
  }))
  refuseSamePattern(fields, patterns, context.report)
  const rules = fields.flatMap((rule, index) => readRule(rule, index, patterns[index], context) ?? [])
  return rules.length === fields.length ? rules : undefined
}

interface Patterns {
  readonly images: readonly ImagePattern[] | undefined
  readonly exceptImages: readonly ImagePattern[] | undefined
}

function readRule(
  field: Field,
  index: number,
  patterns: Patterns | undefined,
  context: PolicyContext,
): Rule | undefined {
  const references = oneOf(member(field, 'references'), referenceKinds)
  const platforms = oneOf(member(field, 'platforms'), platformKinds)
  const require = readRequirement(member(field, 'require'), context)
  if (!patterns?.images || !patterns.exceptImages || !references || !platforms || !require) return undefined
  const { images, exceptImages } = patterns
  return { path: `rules[${index}]`, images, exceptImages, references, platforms, require }
}

function readPatterns(field: Field, report: Report): readonly ImagePattern[] | undefined {
  const fields = elements(field)
  const patterns = fields.flatMap((each) => readPattern(each, report) ?? [])
  return patterns.length === fields.length ? patterns : undefined
}

function readPattern(field: Field, report: Report): ImagePattern | undefined {
  const text = textOf(field)
  if (text === undefined) return undefined
  try {
    return parseImagePattern(text)
  } catch (error) {
    report(field.path, messageOf(error))
    return undefined
  }
}

/** Two spellings of one pattern have one name. */
export function patternKey({ host, path, tag }: ImagePattern): string {
  return JSON.stringify([host, path, tag])
}

/** Indexes are only known where every pattern of a list could be read. */
function refuseSamePattern(fields: readonly Field[], rules: readonly Patterns[], report: Report): void {
  const first = new Map<string, YamlPath>()
  rules.forEach(({ images = [], exceptImages = [] }, index) => {
    const excepted = new Set(exceptImages.map(patternKey))
    images.forEach((pattern, at) => {
      const key = patternKey(pattern)
      const path = [...(fields[index]?.path ?? []), 'images', at]
      const earlier = first.get(key)
      if (earlier) report(path, `is the same pattern as ${renderPath(earlier)}; a pattern stands in one rule only`)
      else first.set(key, path)
      if (excepted.has(key)) report(path, 'stands in exceptImages of the same rule as well')
    })
  })
}

/** After pinning, the tag is gone, and the rule would not be found again by whoever looks at the pinned object. */
function refuseTagPatterns(field: Field, rules: readonly Rule[] | undefined, report: Report): void {
  rules?.forEach((rule, index) => {
    for (const name of ['images', 'exceptImages'] as const) {
      rule[name].forEach((pattern, at) => {
        if (pattern.tag === undefined) return
        report(
          [...field.path, index, name, at],
          'names a tag, which pin: Digest removes from the object; use pin: TagAndDigest',
        )
      })
    }
  })
}

/** A policy that says nothing is more likely a mistake than a wish to refuse everything. */
export function refuseSilence(written: Field, report: Report): void {
  if (!isGiven(written, 'rules') && !isGiven(written, 'otherwise') && !isGiven(written, 'policyJson')) {
    report(written.path, 'needs rules; to refuse everything in scope, write otherwise: Deny')
  }
}
