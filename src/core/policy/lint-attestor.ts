// Warnings about attestors: who is never asked, and whose keys are at their end.

import type { YamlPath } from '#core/encoding/yaml.ts'
import type { Warning } from './lint-warning.ts'
import { warningOf } from './lint-warning.ts'
import type { ReadResult } from './read.ts'
import type { Attestor, AttestorKey, DenyList, Policy, Requirement } from './words.ts'

/** Long enough to make a key, have it trusted everywhere, and sign again what runs. */
const soon = 30 * 24 * 3_600_000

export function lintAttestors(read: ReadResult, now: number, warnings: Warning[]): void {
  const used = new Set<Attestor>()
  for (const policy of read.policies) {
    for (const attestor of attestorsOf(policy)) used.add(attestor)
  }
  for (const attestor of read.attestors) {
    if (!used.has(attestor)) {
      warnings.push(
        warningOf(read, attestor, {
          code: 'attestor-unused',
          path: ['metadata', 'name'],
          message: 'no policy asks for it',
        }),
      )
    }
    lintKeys(read, { attestor, about: attestor, path: ['spec', 'key', 'keys'] }, now, warnings)
  }
  for (const policy of read.policies) {
    const inline = [...attestorsOf(policy)].filter((attestor) => !read.attestors.includes(attestor))
    for (const attestor of inline) {
      const path = ['spec', 'attestors', attestor.name]
      if (read.attestors.some(({ name }) => name === attestor.name)) {
        const message = 'has the name of an Attestor of the cluster, and is meant instead of it in this policy'
        warnings.push(warningOf(read, policy, { code: 'attestor-shadowed', path, message }))
      }
      lintKeys(read, { attestor, about: policy, path: [...path, 'key', 'keys'] }, now, warnings)
    }
  }
}

interface KeyList {
  readonly attestor: Attestor
  /** Whose document the keys stand in. */
  readonly about: Attestor | Policy
  readonly path: YamlPath
}

function lintKeys(read: ReadResult, { attestor, about, path }: KeyList, now: number, warnings: Warning[]): void {
  const denying = (key: AttestorKey) => read.denyLists.find(({ keys }) => keys.includes(key.fingerprint))
  attestor.keys.forEach((key, index) => {
    const remark = deniedRemark(key, denying(key)) ?? keyRemark(key, now)
    if (remark) warnings.push(warningOf(read, about, { ...remark, path: [...path, index, remark.member] }))
  })
  if (!attestor.keys.some((key) => isValid(key, now) && denying(key) === undefined)) {
    warnings.push(
      warningOf(read, about, {
        code: 'no-valid-key',
        path,
        message: 'none of the keys is valid now: nothing new can be signed',
      }),
    )
  }
}

type KeyRemark = Pick<Warning, 'code' | 'message'> & { readonly member: string }

function deniedRemark({ name }: AttestorKey, list: DenyList | undefined): KeyRemark | undefined {
  if (list === undefined) return undefined
  return { code: 'key-denied', member: 'name', message: `the key "${name}" is on the DenyList "${list.name}"` }
}

function keyRemark(key: AttestorKey, now: number): KeyRemark | undefined {
  const { notBefore, notAfter, revoked } = key
  const named = `the key "${key.name}"`
  if (revoked && revoked.at <= now) {
    return { code: 'key-revoked', member: 'revoked', message: `${named} is revoked (${revoked.reason})` }
  }
  if (notAfter !== undefined && notAfter <= now)
    return { code: 'key-expired', member: 'notAfter', message: `${named} has expired` }
  if (notBefore !== undefined && notBefore > now) {
    return { code: 'key-not-yet-valid', member: 'notBefore', message: `${named} is not valid yet` }
  }
  if (notAfter === undefined || notAfter - now > soon) return undefined
  const days = Math.ceil((notAfter - now) / (24 * 3_600_000))
  return {
    code: 'key-expires-soon',
    member: 'notAfter',
    message: `${named} expires in ${days} ${days === 1 ? 'day' : 'days'}`,
  }
}

function isValid({ notBefore, notAfter, revoked }: AttestorKey, now: number): boolean {
  return (notBefore ?? now) <= now && (notAfter ?? now + 1) > now && !(revoked && revoked.at <= now)
}

export function attestorsOf(policy: Policy): ReadonlySet<Attestor> {
  const found = new Set<Attestor>()
  const visit = (requirement: Requirement) => {
    if (requirement.kind === 'signature') found.add(requirement.attestor)
    else if ('of' in requirement) requirement.of.forEach(visit)
  }
  for (const { require } of policy.rules) visit(require)
  return found
}
