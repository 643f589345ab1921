// The flags that go with a key: annotations and identities.

import { printable } from '#core/encoding/printable.ts'
import { CodedError } from '#core/errors.ts'
import type { Identity } from '#core/policy/words.ts'
import type { Args } from './command.ts'
import type { KeyPolicy } from './key-policy.ts'

/** @throws CodedError `usage` */
export function annotationsOf(args: Args): Readonly<Record<string, string>> {
  const annotations = new Map<string, string>()
  for (const text of args.all('annotation')) {
    const equals = text.indexOf('=')
    const key = text.slice(0, Math.max(equals, 0))
    if (key === '') throw new CodedError('usage', `--annotation ${printable(text, 100)}: write key=value`)
    if (annotations.has(key)) throw new CodedError('usage', `--annotation: ${printable(key, 100)} is given twice`)
    annotations.set(key, text.slice(equals + 1))
  }
  return Object.fromEntries(annotations)
}

/** By type, the members that it takes. */
const identityMembers: Readonly<Record<Identity['type'], readonly string[]>> = {
  Any: [],
  MatchExact: [],
  MatchRepoDigestOrExact: [],
  MatchRepository: [],
  ExactReference: ['reference'],
  ExactRepository: ['repository'],
  RemapIdentity: ['prefix', 'signedPrefix'],
}

/** `Type`, `Type=value`, `RemapIdentity=prefix=signedPrefix`. @throws CodedError `usage` */
export function parseIdentity(text: string): KeyPolicy['identity'] {
  const [type = '', ...values] = text.split('=')
  if (!isIdentityType(type)) {
    const types = Object.keys(identityMembers).join(', ')
    throw new CodedError('usage', `--identity ${printable(text, 100)}: the types are ${types}`)
  }
  const wanted = identityMembers[type]
  if (values.length !== wanted.length || values.includes('')) {
    const form = [type, ...wanted.map((member) => member.toUpperCase())].join('=')
    throw new CodedError('usage', `--identity ${printable(text, 100)}: write ${form}`)
  }
  return { type, ...Object.fromEntries(wanted.map((member, index) => [member, values[index] ?? ''])) }
}

function isIdentityType(text: string): text is Identity['type'] {
  return Object.hasOwn(identityMembers, text)
}
