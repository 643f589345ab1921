// The Secret of the serving certificate: what was written is read back, and nothing that is not whole.

import { expect, test } from 'vitest'
import { defaultLifetimes, nextRotation } from '#app/kube/rotation.ts'
import { bundleOf, isOurs, readServingState, type ServingState, servingData } from '#app/kube/serving-state.ts'
import { type Authority, issueLeaf, makeAuthority, privatePem } from '#app/server/certificate.ts'
import type { KubeObject } from '#io/kube/follow.ts'

const at = Date.parse('2026-11-24T12:00:00Z')
const lifetime = 86_400_000
const authority = makeAuthority('a', { at, lifetime })
const other = makeAuthority('b', { at, lifetime })
const by = (signer: Authority) => issueLeaf(signer, ['localhost'], { at, lifetime })
const steady: ServingState = { authority, leaf: by(authority) }
const coming: ServingState = { ...steady, exchange: { kind: 'coming', authority: other, since: at } }
const leaving: ServingState = { ...steady, exchange: { kind: 'leaving', certPem: other.certPem, since: at } }

const base64 = (text: string) => Buffer.from(text).toString('base64')
const secretOf = (data: unknown): KubeObject => ({ metadata: { name: 's', resourceVersion: '1' }, data })
const damage = (state: ServingState, changes: Readonly<Record<string, string | undefined>>) => {
  const found = readServingState(secretOf({ ...servingData(state), ...changes }))
  return found.kind === 'damaged'
    ? found.error.message.replace('the Secret of the serving certificate: ', '')
    : found.kind
}

test.each([
  ['alone', steady],
  ['with an authority that is coming', coming],
  ['with one that is leaving', leaving],
])('is read back as it was written, %s', (_, state) => {
  const found = readServingState(secretOf(servingData(state)))
  if (found.kind !== 'good') throw new Error('not good')
  expect(servingData(found.state)).toEqual(servingData(state))
  expect(bundleOf(found.state)).toBe(bundleOf(state))
  // The rotation goes on from what was read: its authority still signs.
  const next = nextRotation(found.state, at + lifetime - 1, {
    names: ['localhost'],
    lifetimes: { ...defaultLifetimes, authority: lifetime },
    isTrusted: () => true,
  })
  expect(next).toBeDefined()
})

test.each<[string, Readonly<Record<string, string | undefined>>, string]>([
  ['no certificate', { 'tls.crt': undefined }, 'tls.crt is missing'],
  ['no key', { 'tls.key': '' }, 'tls.key is missing'],
  ['what is no base64', { 'tls.crt': 'a b' }, 'tls.crt is no text in base64'],
  ['what is no text', { 'tls.crt': Buffer.from([0xff]).toString('base64') }, 'tls.crt is no text in base64'],
  ['what is too large', { 'ca.crt': 'A'.repeat(70_000) }, 'ca.crt is too large'],
  ['rubbish', { 'ca.crt': base64('rubbish') }, 'ca.crt does not hold one certificate'],
  [
    'two authorities in one',
    { 'ca.crt': base64(authority.certPem + other.certPem) },
    'ca.crt does not hold one certificate',
  ],
  ['no authority', { 'ca.crt': base64(by(authority).certPem) }, 'ca.crt is not the certificate of an authority'],
  ['the key of another authority', { 'ca.key': base64(privatePem(other.key)) }, 'ca.key is not the key of ca.crt'],
  ['no key of an authority', { 'ca.key': base64('rubbish') }, 'ca.key is no private key'],
  [
    'a certificate of another authority',
    { 'tls.crt': base64(by(other).certPem) },
    'tls.key: it is not the key of the certificate in tls.crt',
  ],
])('is damaged with %s', (_, changes, message) => {
  expect(damage(steady, changes)).toBe(message)
  expect(damage(steady, {})).toBe('good')
})

test('is damaged where neither authority has signed the certificate', () => {
  const foreign: ServingState = { authority, leaf: by(other) }
  expect(damage(foreign, {})).toBe('tls.crt is signed by neither authority')
  expect(damage({ ...foreign, exchange: { kind: 'leaving', certPem: other.certPem, since: at } }, {})).toBe('good')
})

test.each([
  [{ since: base64('soon') }, 'since is no time'],
  [{ since: undefined }, 'since is missing'],
])('is damaged while an authority is coming or leaving and %j', (changes, message) => {
  expect(damage(coming, changes)).toBe(message)
  expect(damage(leaving, changes)).toBe(message)
  expect(damage(steady, changes)).toBe('good')
})

test('says nothing of a key, whatever is wrong', () => {
  const secret = privatePem(authority.key).split('\n')[1] ?? ''
  for (const name of ['ca.crt', 'tls.crt', 'tls.key', 'next-ca.crt', 'since']) {
    const found = readServingState(secretOf({ ...servingData(coming), [name]: base64(privatePem(authority.key)) }))
    expect(found.kind).toBe('damaged')
    expect(found.kind === 'damaged' && `${found.error.message}${found.error.stack}`).not.toContain(secret)
  }
})

test('is empty where the chart has made it and nobody has filled it', () => {
  for (const data of [undefined, null, {}, { 'tls.crt': '', 'tls.key': '' }]) {
    expect(readServingState(secretOf(data)).kind).toBe('empty')
  }
})

test('is ours by its label', () => {
  const labelled = (labels: unknown) => isOurs({ metadata: { name: 's', resourceVersion: '1', labels } })
  expect(labelled({ 'app.kubernetes.io/part-of': 'sealward' })).toBe(true)
  for (const labels of [undefined, {}, { 'app.kubernetes.io/part-of': 'other' }, { part: 'sealward' }])
    expect(labelled(labels)).toBe(false)
})
