// What a Secret or a service account says about pulling images. Secrets never enter a message.

import { isObjectName, maxPullSecrets } from '#core/admission/pull-secrets.ts'
import { decodeBase64 } from '#core/encoding/base64.ts'
import { printable } from '#core/encoding/printable.ts'
import { CodedError } from '#core/errors.ts'
import type { DockerConfig } from '#io/registry/docker-config.ts'
import { parseDockerConfig, parseLegacyDockerConfig } from '#io/registry/docker-config.ts'
import type { KubeAnswer } from './client.ts'

export type PullSecret =
  | {
      readonly kind: 'usable'
      readonly auths: DockerConfig['auths']
      /** All that they come from, to tell one content from another. */
      readonly content: string
    }
  /** `why` is for people. */
  | { readonly kind: 'unusable'; readonly why: string }

/** The API server takes no larger one. */
const maxSecretBytes = 1024 * 1024

const members: Readonly<Record<string, { readonly member: string; readonly parse: (text: string) => DockerConfig }>> = {
  'kubernetes.io/dockerconfigjson': { member: '.dockerconfigjson', parse: parseDockerConfig },
  'kubernetes.io/dockercfg': { member: '.dockercfg', parse: parseLegacyDockerConfig },
}

/**
 * The credentials of a Secret; of the helpers that it may name nothing is kept, since they would be programs of ours that a
 * tenant has chosen.
 *
 * @param origin what it is called in a denial
 */
export function readPullSecret(secret: KubeAnswer, origin: string): PullSecret {
  const type = secret['type']
  const known = typeof type === 'string' && Object.hasOwn(members, type) ? members[type] : undefined
  if (known === undefined) return unusable(`its type is ${typeof type === 'string' ? printable(type, 60) : 'missing'}`)
  const encoded = memberOf(secret['data'], known.member)
  if (typeof encoded !== 'string') return unusable(`it has no ${known.member}`)
  if (encoded.length > (maxSecretBytes * 4) / 3 + 4) return unusable(`it is larger than ${maxSecretBytes} bytes`)
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(decodeBase64(encoded))
    const { auths } = known.parse(text)
    return {
      kind: 'usable',
      auths: auths.map(({ key, credential }) => ({ key, credential: { ...credential, origin } })),
      content: `${known.member} ${text}`,
    }
  } catch (error) {
    if (error instanceof CodedError && error.code === 'docker-config-malformed')
      return unusable(printable(error.message))
    return unusable(`its ${known.member} is not a text in base64`)
  }
}

/** The names in `imagePullSecrets` of a service account, as a Pod would get them. */
export function readAccountSecrets(account: KubeAnswer): readonly string[] {
  const list = account['imagePullSecrets']
  const names = (Array.isArray(list) ? list : []).map((entry: unknown) => memberOf(entry, 'name'))
  const valid = names.filter((name) => typeof name === 'string').filter(isObjectName)
  return [...new Set(valid)].slice(0, maxPullSecrets)
}

function unusable(why: string): PullSecret {
  return { kind: 'unusable', why }
}

function memberOf(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, name)
    ? (value as Readonly<Record<string, unknown>>)[name]
    : undefined
}
