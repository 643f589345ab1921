// What is a pull secret, and what of it is used.

import { describe, expect, test } from 'vitest'
import { readAccountSecrets, readPullSecret } from '#io/kube/pull-secret.ts'
import { credentialsFor } from '#io/registry/docker-config.ts'
import { secretAt } from './scripted-follow.ts'

const marker = 'marker-password-7f3a'
const login = { username: 'alice', password: marker }
const origin = 'the pull secret team/a'
const at = { registry: 'r.example', repository: 'team/app' }

function usedOf(secret: object) {
  const read = readPullSecret(secret as ReturnType<typeof secretAt>, origin)
  return read.kind === 'usable' ? credentialsFor({ auths: read.auths, credHelpers: [] }, at) : read.why
}

describe('a pull secret', () => {
  const credential = { kind: 'basic', username: 'alice', password: marker, origin }

  test('of both types that a kubelet reads gives its credentials, and says whose they are', () => {
    expect(usedOf(secretAt('team/a', { auths: { 'r.example': login } }))).toEqual([credential])
    expect(usedOf(secretAt('team/a', { 'r.example': login }, 'kubernetes.io/dockercfg'))).toEqual([credential])
    expect(usedOf(secretAt('team/a', { auths: { 'other.example': login } }))).toEqual([])
  })

  test('names no helper that would be run', () => {
    const config = { auths: { 'r.example': login }, credsStore: 'evil', credHelpers: { 'r.example': 'evil' } }
    const read = readPullSecret(secretAt('team/a', config), origin)
    expect(JSON.stringify(read.kind === 'usable' ? read.auths : read)).not.toContain('evil')
    expect(usedOf(secretAt('team/a', config))).toEqual([credential])
  })

  const good = secretAt('team/a', { auths: { 'r.example': login } })
  test.each([
    ['of another type', { ...good, type: 'Opaque' }, 'its type is Opaque'],
    ['of a type that every object has', { ...good, type: 'constructor' }, 'its type is constructor'],
    ['without a type', { ...good, type: undefined }, 'its type is missing'],
    ['without the member', { ...good, data: { other: 'e30=' } }, 'it has no .dockerconfigjson'],
    ['without data', { ...good, data: null }, 'it has no .dockerconfigjson'],
    ['whose data is no base64', { ...good, data: { '.dockerconfigjson': marker } }, 'is not a text in base64'],
    ['whose data is no text', { ...good, data: { '.dockerconfigjson': '/w==' } }, 'is not a text in base64'],
    ['that is too large', { ...good, data: { '.dockerconfigjson': 'A'.repeat(1_500_000) } }, 'it is larger than'],
    ['that is no docker config', secretAt('team/a', `{"auths":{"r.example":"${marker}"}}`), 'docker config'],
    ['that is no JSON', secretAt('team/a', marker), 'it is not JSON'],
  ])('%s cannot be used, and says why without a word of its content', (_, secret, why) => {
    const said = usedOf(secret)
    expect(said).toContain(why)
    expect(said).not.toContain(marker)
    expect(said.length).toBeLessThan(300)
  })

  test('of another content is another one', () => {
    const content = (...of: Parameters<typeof secretAt>) => {
      const read = readPullSecret(secretAt(...of), origin)
      return read.kind === 'usable' ? read.content : undefined
    }
    const same = content('team/a', { auths: {} })
    expect(content('team/a', { auths: {} })).toBe(same)
    expect(content('team/a', { auths: {}, x: 1 })).not.toBe(same)
    expect(content('team/a', { auths: {} }, 'kubernetes.io/dockercfg')).not.toBe(same)
  })
})

describe('the pull secrets of a service account', () => {
  test('are its names, each once, and nothing that is none', () => {
    const names = ['a', 'b', 'a', '../c', 1, undefined].map((name) => ({ name }))
    expect(readAccountSecrets({ imagePullSecrets: [...names, 'd', null] })).toEqual(['a', 'b'])
    for (const imagePullSecrets of [undefined, null, 'a', {}])
      expect(readAccountSecrets({ imagePullSecrets })).toEqual([])
  })

  test('are bounded', () => {
    const imagePullSecrets = Array.from({ length: 1_000 }, (_, index) => ({ name: `s-${index}` }))
    expect(readAccountSecrets({ imagePullSecrets })).toHaveLength(32)
  })
})
