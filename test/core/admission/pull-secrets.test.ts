// Whose credentials a kubelet would pull with, told from an object.

import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { isObjectName, maxPullSecrets, pullSecretNames } from '#core/admission/pull-secrets.ts'

const pod = { group: '', kind: 'Pod' }
const deployment = { group: 'apps', kind: 'Deployment' }
const named = (...names: readonly unknown[]) => ({ imagePullSecrets: names.map((name) => ({ name })) })
const podOf = (spec: unknown) => pullSecretNames({ spec }, pod)
const deploymentOf = (spec: unknown) => pullSecretNames({ spec: { template: { spec } } }, deployment)

describe('the pull secrets of an object', () => {
  test('are those that its pod spec names, each once, in their order', () => {
    expect(podOf(named('b', 'a', 'b'))).toEqual({ secrets: ['b', 'a'], accounts: [], ignored: [] })
    expect(podOf(named('a', 'b')).secrets).toEqual(['a', 'b'])
  })

  test.each([
    ['Deployment', deployment, (spec: unknown) => ({ spec: { template: { spec } } })],
    [
      'CronJob',
      { group: 'batch', kind: 'CronJob' },
      (spec: unknown) => ({ spec: { jobTemplate: { spec: { template: { spec } } } } }),
    ],
    ['PodTemplate', { group: '', kind: 'PodTemplate' }, (spec: unknown) => ({ template: { spec } })],
    [
      'kind that is not known',
      { group: 'example.com', kind: 'Job' },
      (spec: unknown) => ({ spec: { template: { spec } } }),
    ],
  ])('are found in a %s', (_, kind, objectWith) => {
    const spec = { ...named('a'), containers: [{ name: 'c', image: 'i' }] }
    expect(pullSecretNames(objectWith(spec), kind).secrets).toEqual(['a'])
  })

  test('are those of the service account where a template names none', () => {
    expect(deploymentOf({ serviceAccountName: 'builder' })).toEqual({ secrets: [], accounts: ['builder'], ignored: [] })
    expect(deploymentOf({ serviceAccount: 'older' }).accounts).toEqual(['older'])
    expect(deploymentOf({ serviceAccountName: 'builder', serviceAccount: 'older' }).accounts).toEqual(['builder'])
    expect(deploymentOf({}).accounts).toEqual(['default'])
    expect(deploymentOf({ serviceAccountName: '', imagePullSecrets: [] }).accounts).toEqual(['default'])
  })

  test('are not those of the service account where a template names one', () => {
    expect(deploymentOf({ serviceAccountName: 'builder', ...named('a') })).toEqual({
      secrets: ['a'],
      accounts: [],
      ignored: [],
    })
  })

  test('of a Pod are never looked for at its service account: the API server has written them into it', () => {
    expect(podOf({ serviceAccountName: 'builder' })).toEqual({ secrets: [], accounts: [], ignored: [] })
  })

  test('that two pod specs of one object name are joined, and each that names none has its service account', () => {
    const container = { containers: [{ name: 'c', image: 'i' }] }
    const object = {
      spec: { ...container, ...named('a'), template: { spec: { ...container, serviceAccountName: 'builder' } } },
    }
    expect(pullSecretNames(object, { group: 'example.com', kind: 'Two' })).toEqual({
      secrets: ['a'],
      accounts: ['builder'],
      ignored: [],
    })
  })

  test(`beyond ${maxPullSecrets} are cut, and that is said`, () => {
    const names = Array.from({ length: maxPullSecrets + 1 }, (_, index) => `s-${index}`)
    expect(podOf(named(...names.slice(0, maxPullSecrets)))).toEqual({
      secrets: names.slice(0, maxPullSecrets),
      accounts: [],
      ignored: [],
    })
    expect(podOf(named(...names))).toEqual({
      secrets: names.slice(0, maxPullSecrets),
      accounts: [],
      ignored: [`of ${maxPullSecrets + 1} pull secrets only the first ${maxPullSecrets} are looked for`],
    })
  })

  test.each([
    '../other/regcred',
    'a,metadata.namespace=other',
    'a%2fb',
    'a/b',
    'A',
    'a..b',
    '-a',
    'a\n',
    'é',
    'a'.repeat(254),
    1,
    {},
  ])('that are called %j are not looked for, and that is said', (name) => {
    const found = podOf(named('good', name))
    expect(found.secrets).toEqual(['good'])
    expect(found.ignored).toHaveLength(1)
    expect(found.ignored[0]?.length).toBeLessThan(200)
  })

  test('that cannot be names are told once, not a hundred times', () => {
    expect(podOf(named(...Array.from({ length: 100 }, (_, index) => `BAD-${index}`))).ignored).toHaveLength(1)
  })

  test('without a name are passed over, as a kubelet does', () => {
    expect(podOf(named('', null, undefined, 'a'))).toEqual({ secrets: ['a'], accounts: [], ignored: [] })
  })

  test('of an account that cannot be a name are none', () => {
    expect(deploymentOf({ serviceAccountName: '../default' })).toMatchObject({
      accounts: [],
      ignored: [expect.stringContaining('service account')],
    })
  })

  test.each([
    undefined,
    null,
    'x',
    1,
    [],
    { spec: null },
    { spec: [] },
    { spec: { imagePullSecrets: 'regcred' } },
    { spec: { imagePullSecrets: ['regcred'] } },
  ])('of %j are none', (object) => {
    expect(pullSecretNames(object, pod)).toEqual({ secrets: [], accounts: [], ignored: [] })
  })

  test('are told of whatever is sent, without an error, in a bounded number', () => {
    const anything = fc.oneof(
      fc.jsonValue(),
      fc.record({ spec: fc.record({ imagePullSecrets: fc.jsonValue(), serviceAccountName: fc.jsonValue() }) }),
    )
    fc.assert(
      fc.property(anything, fc.constantFrom(pod, deployment, { group: 'x', kind: 'Y' }), (object, kind) => {
        const { secrets, accounts, ignored } = pullSecretNames(object, kind)
        expect(secrets.length).toBeLessThanOrEqual(maxPullSecrets)
        expect(ignored.length).toBeLessThanOrEqual(3)
        expect([...secrets, ...accounts].every(isObjectName)).toBe(true)
      }),
    )
  })
})
