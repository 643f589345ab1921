// What is allowed in policies, but seldom meant. Never about what would be refused anyway.

import type { ReadResult } from '#core/policy/read.ts'
import type { Attestor, Policy, Requirement } from '#core/policy/words.ts'

export function policyWarnings({ policies, attestors }: ReadResult): readonly string[] {
  const used = new Set(policies.flatMap((policy) => policy.rules.flatMap((rule) => attestorsIn(rule.require))))
  return [
    ...(policies.length === 0 ? ['there is no policy in these files: nothing is judged by them'] : []),
    ...policies.flatMap(warningsOf),
    ...attestors.filter(({ name }) => ![...used].some((each) => each.name === name)).map(unused),
  ]
}

function warningsOf(policy: Policy): readonly string[] {
  const name = `${policy.kind} ${policy.namespace === undefined ? '' : `${policy.namespace}/`}${policy.name}`
  const warnings: string[] = []
  if (policy.mode !== 'Enforce') warnings.push(`${name}: mode ${policy.mode} refuses nothing`)
  if (policy.otherwise === 'Accept') {
    warnings.push(`${name}: otherwise: Accept lets every image pass, unverified, that no rule covers`)
  }
  if (policy.whenUndetermined === 'InsecureAdmit') {
    warnings.push(`${name}: whenUndetermined: InsecureAdmit lets images pass, unverified, while a registry is away`)
  }
  if (policy.pin === 'InsecureNever') {
    warnings.push(
      `${name}: pin: InsecureNever leaves tags as they are: what runs may be another image than was verified`,
    )
  }
  for (const rule of policy.rules) {
    if (acceptsAnything(rule.require)) warnings.push(`${name}: ${rule.path}: insecureAcceptAnything verifies nothing`)
  }
  return warnings
}

function unused({ name }: Attestor): string {
  return `Attestor ${name}: no rule asks for it`
}

function acceptsAnything(requirement: Requirement): boolean {
  if (requirement.kind === 'insecureAcceptAnything') return true
  return 'of' in requirement && requirement.of.some(acceptsAnything)
}

function attestorsIn(requirement: Requirement): readonly Attestor[] {
  if (requirement.kind === 'signature') return [requirement.attestor]
  return 'of' in requirement ? requirement.of.flatMap(attestorsIn) : []
}
