// Warnings about the rules of one policy: those that never govern, and those that trust without a signature.

import type { YamlPath } from '#core/encoding/yaml.ts'
import type { ImagePattern } from '#core/image/pattern.ts'
import { compareSpecificity } from '#core/image/pattern.ts'
import { covers } from './cover.ts'
import type { Warn } from './lint-warning.ts'
import { renderPath } from './problem.ts'
import type { Policy, Requirement, Rule } from './words.ts'

/** Every pattern is compared with every other. */
const maxCompared = 512

export function lintRules(policy: Policy, warn: Warn): void {
  const count = policy.rules.reduce((sum, rule) => sum + rule.images.length, 0)
  if (count <= maxCompared) lintReach(policy.rules, warn)
  policy.rules.forEach((rule, index) => {
    const path = ['spec', 'rules', index]
    lintTags(rule, path, warn)
    lintRequirement(rule.require, [...path, 'require'], { images: rule.images, warn })
  })
}

interface Placed {
  readonly pattern: ImagePattern
  readonly path: YamlPath
  readonly rule: Rule
}

function lintReach(rules: readonly Rule[], warn: Warn): void {
  const all = rules.flatMap((rule, at): readonly Placed[] =>
    rule.images.map((pattern, index) => ({ pattern, path: ['spec', 'rules', at, 'images', index], rule })),
  )
  for (const { pattern, path, rule } of all) {
    const except = rule.exceptImages.find((each) => covers(each, pattern))
    if (except) warn('rule-unreachable', path, `exceptImages ("${except.text}") takes out all that it matches`)
    // Of equally specific patterns one covers the other only if they are the same, and no two rules have the same one.
    const winner = all.find(
      (other) =>
        other.rule !== rule &&
        other.rule.exceptImages.length === 0 &&
        compareSpecificity(other.pattern, pattern) > 0 &&
        covers(other.pattern, pattern),
    )
    if (winner) {
      const where = `${renderPath(winner.path)} ("${winner.pattern.text}")`
      warn('rule-unreachable', path, `never governs: ${where} goes before it and matches all that it matches`)
    }
  }
}

function lintTags({ images }: Rule, path: YamlPath, warn: Warn): void {
  images.forEach(({ tag }, index) => {
    if (tag === undefined) return
    const message =
      'chooses by tag: whoever deploys the same image under another tag or by digest meets another rule, or none'
    warn('trust-by-tag', [...path, 'images', index], message)
  })
}

interface RequirementLint {
  readonly images: readonly ImagePattern[]
  readonly warn: Warn
}

function lintRequirement(require: Requirement, path: YamlPath, context: RequirementLint): void {
  const { images, warn } = context
  switch (require.kind) {
    case 'signature':
      return
    case 'deny':
      if (require.message === undefined) {
        warn('deny-without-message', [...path, 'deny'], 'a message would tell whoever is refused what to do instead')
      }
      return
    case 'insecureAcceptAnything': {
      const broad = images.find(isBroad)
      if (broad)
        warn(
          'accepts-broadly',
          path,
          `lets in unverified whatever "${broad.text}" matches, which is a whole registry or more`,
        )
      return
    }
    case 'allOf':
      if (require.of.some(({ kind }) => kind === 'deny') && require.of.length > 1) {
        warn('denies-anyway', [...path, 'allOf'], 'always denies: deny is one of its parts')
      }
      break
    case 'anyOf':
      if (require.of.some(({ kind }) => kind === 'insecureAcceptAnything')) {
        warn('accepts-anyway', [...path, 'anyOf'], 'always accepts: insecureAcceptAnything is one of its parts')
      }
      break
    case 'atLeast':
      break
  }
  const list = require.kind === 'atLeast' ? ['atLeast', 'of'] : [require.kind]
  require.of.forEach((each, index) => {
    lintRequirement(each, [...path, ...list, index], context)
  })
}

function isBroad({ host, path }: ImagePattern): boolean {
  return host.kind !== 'literal' || path[0]?.kind !== 'literal'
}
