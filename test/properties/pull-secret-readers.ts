// The readers of Secrets and service accounts, which tenants of a cluster write.

import fc from 'fast-check'
import { expect } from 'vitest'
import { isObjectName, maxPullSecrets } from '#core/admission/pull-secrets.ts'
import { parseStrictJsonBytes } from '#core/encoding/strict-json.ts'
import type { KubeAnswer } from '#io/kube/client.ts'
import { readAccountSecrets, readPullSecret } from '#io/kube/pull-secret.ts'
import { bytes } from './hostile.ts'
import { propertiesOf, type ReaderProperties } from './reader.ts'
import { host, json } from './words.ts'

const word = fc.stringMatching(/^[a-zA-Z0-9]{1,20}$/)
const login = fc.record({ username: word, password: word })
const types = fc.constantFrom('dockerconfigjson', 'dockercfg')
const encoded = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64')

const secret = fc.tuple(host, login, types).map(([registry, { username, password }, type]) => {
  const auths = { [registry]: { username, password } }
  return {
    input: json({
      type: `kubernetes.io/${type}`,
      data: { [`.${type}`]: encoded(type === 'dockercfg' ? auths : { auths }) },
    }),
    means: [{ kind: 'basic', username, password, origin: 'a secret' }],
  }
})

const name = fc.stringMatching(/^[a-z0-9]{1,20}$/)
const account = fc.uniqueArray(name, { maxLength: maxPullSecrets }).map((names) => ({
  input: json({ imagePullSecrets: names.map((each) => ({ name: each })) }),
  means: names,
}))

/** The client of the API server hands over objects only. */
function objectOf(content: Uint8Array): KubeAnswer {
  const value = parseStrictJsonBytes(content)
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as KubeAnswer) : {}
}

const refuses = ['json-malformed', 'json-duplicate', 'json-too-deep'] as const

export const pullSecretReaders: readonly ReaderProperties[] = [
  propertiesOf({
    of: ['src/io/kube/pull-secret.ts readPullSecret'],
    form: bytes('json', ['type', 'data', 'kubernetes.io/dockercfg', '.dockercfg', '.dockerconfigjson', 'e30=', '/w==']),
    read: (content) => readPullSecret(objectOf(content), 'a secret'),
    written: secret,
    meaningOf: (value) => (value.kind === 'usable' ? value.auths.map(({ credential }) => credential) : value),
    refuses,
    promises: (value) => {
      if (value.kind === 'unusable') expect(value.why.length).toBeLessThanOrEqual(300)
      else expect(value.auths.every(({ credential }) => credential.kind !== 'anonymous')).toBe(true)
    },
  }),
  propertiesOf({
    of: ['src/io/kube/pull-secret.ts readAccountSecrets'],
    form: bytes('json', ['imagePullSecrets', 'name', '..', '/', ',', '%2f']),
    read: (content) => readAccountSecrets(objectOf(content)),
    written: account,
    refuses,
    promises: (names) => {
      expect(names.length).toBeLessThanOrEqual(maxPullSecrets)
      expect(names.every(isObjectName)).toBe(true)
    },
  }),
]
