// Public keys in Secrets: what is kept of them, for how long, and what is said where there is none.

import { inspect } from 'node:util'
import { describe, expect, test } from 'vitest'
import { KeySecrets } from '#app/kube/key-secrets.ts'
import { CodedError } from '#core/errors.ts'
import { FollowedByTest, kubeObject } from '../../support/kube-objects.ts'

const path = '/api/v1/namespaces/keys/secrets'
const base64 = (text: string) => Buffer.from(text).toString('base64')
const secret = (data: Readonly<Record<string, string>>, name = 'release') =>
  kubeObject({ name, namespace: 'keys' }, { data })
const forbidden = new CodedError('kube-forbidden', 'cannot list resource "secrets"')

function keySecrets() {
  const cluster = new FollowedByTest()
  const told: string[] = []
  const ending = new AbortController()
  const secrets = new KeySecrets({
    kube: cluster,
    signal: ending.signal,
    onChange: () => told.push('change'),
    onFailure: ({ code }) => told.push(code),
  })
  const read = (key = 'cosign.pub', name = 'release', tenant?: string) => {
    try {
      return secrets.read({ namespace: 'keys', name, key }, tenant)
    } catch (error) {
      return error instanceof CodedError ? `${error.code}: ${error.message}` : 'no coded error'
    }
  }
  return { cluster, told, secrets, read, ending }
}

describe('a key in a Secret', () => {
  test('is what the Secret holds now', () => {
    const { cluster, told, secrets, read } = keySecrets()
    expect(read()).toBe('key-unavailable: the Secret keys/release is being read')
    expect(secrets.isWaiting).toBe(true)
    cluster.at(path).listed([secret({ 'cosign.pub': base64('one') })])
    expect(secrets.isWaiting).toBe(false)
    expect(read()).toBe('one')
    cluster.at(path).changed(secret({ 'cosign.pub': base64('two') }))
    expect(read()).toBe('two')
    cluster.at(path).deleted(secret({}))
    expect(read()).toBe('key-unavailable: there is no Secret keys/release')
    expect(told).toEqual(['change', 'change', 'change'])
  })

  test('is followed by the name of its Secret alone', () => {
    const { cluster, read } = keySecrets()
    read()
    read()
    read('cosign.pub', 'other')
    expect(cluster.all.map(({ options }) => `${options.path}?${options.fieldSelector}`)).toEqual([
      `${path}?metadata.name=release`,
      `${path}?metadata.name=other`,
    ])
  })

  test('is not taken of another Secret', () => {
    const { cluster, read } = keySecrets()
    read()
    cluster.at(path).listed([secret({ 'cosign.pub': base64('theirs') }, 'another')])
    expect(read()).toContain('there is no Secret')
    cluster.at(path).changed(secret({ 'cosign.pub': base64('theirs') }, 'another'))
    expect(read()).toContain('there is no Secret')
    cluster.at(path).changed(secret({ 'cosign.pub': base64('ours') }))
    cluster.at(path).deleted(secret({}, 'another'))
    expect(read()).toBe('ours')
  })

  test.each([
    ['is not there', {}, 'the Secret keys/release has no "cosign.pub"'],
    ['is inherited', Object.create({ 'cosign.pub': base64('x') }), 'the Secret keys/release has no "cosign.pub"'],
    ['is no text', { 'cosign.pub': '/////w==' }, '"cosign.pub" of the Secret keys/release is no text'],
    ['is no base64', { 'cosign.pub': '=' }, '"cosign.pub" of the Secret keys/release is no text'],
    ['is too large', { 'cosign.pub': 'A'.repeat(40_000) }, 'is larger than a public key'],
  ])('that %s is unavailable', (_, data, why) => {
    const { cluster, read } = keySecrets()
    read()
    cluster.at(path).listed([secret(data)])
    expect(read()).toMatch(/^key-unavailable: /)
    expect(read()).toContain(why)
  })

  test('that may not be read says why, until it may', () => {
    const { cluster, told, secrets, read } = keySecrets()
    read()
    cluster.at(path).failed(forbidden)
    expect(read()).toBe('key-unavailable: the Secret keys/release cannot be read: cannot list resource "secrets"')
    // Nobody waits for what may never come.
    expect(secrets.isWaiting).toBe(false)
    cluster.at(path).failed(forbidden)
    cluster.at(path).listed([secret({ 'cosign.pub': base64('one') })])
    expect(read()).toBe('one')
    expect(told).toEqual(['kube-forbidden', 'change', 'kube-forbidden', 'change'])
  })

  test('that may not be read any more stays what it was', () => {
    const { cluster, read } = keySecrets()
    read()
    cluster.at(path).listed([secret({ 'cosign.pub': base64('one') })])
    cluster.at(path).failed(forbidden)
    expect(read()).toBe('one')
    cluster.at(path).listed([])
    expect(read()).toContain('there is no Secret')
  })
})

describe('of a Secret', () => {
  test('nothing is kept that no attestor names', () => {
    const { cluster, secrets, read } = keySecrets()
    read()
    cluster.at(path).listed([secret({ 'cosign.pub': base64('one'), 'cosign.key': base64('PRIVATE'), other: 'AAAA' })])
    expect(read()).toBe('one')
    const kept = inspect(secrets, { depth: 10, showHidden: true })
    for (const text of ['PRIVATE', base64('PRIVATE'), 'AAAA']) expect(kept).not.toContain(text)
  })

  test('another key is read anew, and the first stays in force meanwhile', () => {
    const { cluster, secrets, read } = keySecrets()
    read()
    const both = secret({ 'cosign.pub': base64('one'), 'next.pub': base64('next') })
    cluster.at(path).listed([both])
    expect(read('next.pub')).toBe('key-unavailable: the Secret keys/release is being read')
    expect(secrets.isWaiting).toBe(true)
    expect(read()).toBe('one')
    // The first following has ended: what it still tells counts for nothing.
    expect(cluster.all).toHaveLength(2)
    expect(cluster.now).toHaveLength(1)
    cluster.all[0]?.follower.deleted(both)
    expect(read()).toBe('one')
    cluster.at(path).listed([both])
    expect([read(), read('next.pub')]).toEqual(['one', 'next'])
  })

  test('another key that cannot be read takes nothing from the first', () => {
    const { cluster, read } = keySecrets()
    read()
    cluster.at(path).listed([secret({ 'cosign.pub': base64('one') })])
    read('next.pub')
    cluster.at(path).failed(forbidden)
    expect(read('next.pub')).toContain('cannot be read: cannot list')
    expect(read()).toBe('one')
  })

  test('nothing is followed once nobody names it', () => {
    const { cluster, secrets, read } = keySecrets()
    read()
    read('cosign.pub', 'other')
    secrets.forgetUnused()
    expect(cluster.now).toHaveLength(2)
    read()
    secrets.forgetUnused()
    expect(cluster.now.map(({ options }) => options.fieldSelector)).toEqual(['metadata.name=release'])
    secrets.forgetUnused()
    expect(cluster.now).toEqual([])
    expect(read()).toContain('is being read')
    expect(cluster.now).toHaveLength(1)
  })
})

test('no more than 256 Secrets are followed, and a place that is left is taken', () => {
  const { cluster, secrets, read } = keySecrets()
  for (let index = 0; index < 256; index++) expect(read('cosign.pub', `s-${index}`)).toContain('is being read')
  expect(read('cosign.pub', 'one-more')).toBe(
    'key-unavailable: the Secret keys/one-more is not read: no more than 256 are followed for Attestors',
  )
  // A second key of one of them is not one more.
  expect(read('other.pub', 's-1')).toContain('is being read')
  expect(cluster.now).toHaveLength(256)
  secrets.forgetUnused()
  read('cosign.pub', 's-1')
  secrets.forgetUnused()
  expect(read('cosign.pub', 'one-more')).toContain('is being read')
})

test('what tenants ask for takes no place from the attestors of the cluster, and of one tenant not all from the others', () => {
  const { read } = keySecrets()
  for (let index = 0; index < 16; index++) expect(read('k', `s-${index}`, 'team')).toContain('is being read')
  expect(read('k', 'one-more', 'team')).toContain('no more than 16 are followed for the policies of one namespace')
  expect(read('k', 's-1', 'team')).toContain('is being read')
  for (let other = 0; other < 15; other++) {
    for (let index = 0; index < 16; index++)
      expect(read('k', `s-${other}-${index}`, `t-${other}`)).toContain('is being read')
  }
  expect(read('k', 'late', 't-late')).toContain('no more than 256 are followed for the policies of all namespaces')
  expect(read('k', 's-1')).toContain('is being read')
  expect(read('k', 'late')).toContain('is being read')
})

test('nothing is followed after the end', () => {
  const { cluster, read, ending } = keySecrets()
  read()
  ending.abort()
  expect(cluster.now).toEqual([])
})
