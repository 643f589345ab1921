// What the API server is told to send us, and what it is never told.

import { describe, expect, test } from 'vitest'
import {
  desiredWebhook,
  namedNamespaces,
  unjudgedNamespaces,
  type WebhookOptions,
  type WebhookState,
} from '#app/kube/webhook-configuration.ts'
import { isWorkloadKind, podSpecPath, workloadResources } from '#core/admission/workload-kinds.ts'
import { nameGlob } from '#core/policy/read-match.ts'
import { defaultExempt } from '#core/policy/set.ts'

const options: WebhookOptions = {
  name: 'sealward',
  namespace: 'trust',
  endpoint: { kind: 'service', port: 443 },
  timeoutSeconds: 10,
  exempt: ['kube-system', 'kube-public', 'kube-node-lease'],
}
const state: WebhookState = { caBundle: 'PEM', namedNamespaces: [], resources: [] }
const mutating = (given: Partial<WebhookOptions> = {}, now: Partial<WebhookState> = {}) =>
  desiredWebhook('MutatingWebhookConfiguration', { ...options, ...given }, { ...state, ...now })
const validating = () => desiredWebhook('ValidatingWebhookConfiguration', options, state)
const selected = (now: Partial<WebhookState>, given: Partial<WebhookOptions> = {}) =>
  mutating(given, now).namespaceSelector.matchExpressions[0].values

describe('the webhook of a configuration', () => {
  test('fails closed, and leaves nothing to a default', () => {
    expect(mutating()).toMatchObject({
      name: 'images.sealward.dev',
      failurePolicy: 'Fail',
      matchPolicy: 'Equivalent',
      sideEffects: 'NoneOnDryRun',
      admissionReviewVersions: ['v1'],
      objectSelector: {},
      timeoutSeconds: 10,
    })
  })

  test('is asked again after others where it may change the object, and there only', () => {
    expect(mutating().reinvocationPolicy).toBe('IfNeeded')
    expect(validating().reinvocationPolicy).toBeUndefined()
  })

  test('is reached through the Service of its name', () => {
    const service = { name: 'sealward', namespace: 'trust', port: 443 }
    expect(mutating().clientConfig).toEqual({ service: { ...service, path: '/mutate' }, caBundle: 'UEVN' })
    expect(validating().clientConfig).toEqual({ service: { ...service, path: '/validate' }, caBundle: 'UEVN' })
    expect(mutating({ name: 'b', endpoint: { kind: 'service', port: 8443 } }).clientConfig).toMatchObject({
      service: { name: 'b', port: 8443 },
    })
  })

  test('is reached by its URL from outside', () => {
    const endpoint = { kind: 'url', url: 'https://127.0.0.1:8443/' } as const
    expect(mutating({ endpoint }).clientConfig).toEqual({ url: 'https://127.0.0.1:8443/mutate', caBundle: 'UEVN' })
  })

  test('waits as long as it is told', () => {
    expect(mutating({ timeoutSeconds: 3 }).timeoutSeconds).toBe(3)
  })
})

describe('the rules', () => {
  const sent = mutating().rules.flatMap(({ apiGroups, apiVersions, resources }) =>
    apiGroups.flatMap((group) => resources.map((resource) => `${group}/${apiVersions.join()}/${resource}`)),
  )

  test('name every kind that is read, in every version, and nothing else', () => {
    expect(sent.toSorted()).toEqual(workloadResources.map(({ group, resource }) => `${group}/*/${resource}`).toSorted())
    expect(sent).toContain('/*/pods')
    expect(sent).toContain('/*/pods/ephemeralcontainers')
    expect(sent).toContain('batch/*/cronjobs')
  })

  test('of the table hold for kinds that it knows', () => {
    expect(podSpecPath({ group: 'apps', kind: 'Deployment' })).toEqual(['spec', 'template', 'spec'])
    expect(isWorkloadKind({ group: 'apps', kind: 'Job' })).toBe(false)
  })

  test('are about making and changing, and the same for both configurations', () => {
    for (const { operations, scope } of mutating().rules) {
      expect(operations).toEqual(['CREATE', 'UPDATE'])
      expect(scope).toBe('*')
    }
    expect(validating().rules).toEqual(mutating().rules)
  })

  test('take up what is judged by configuration, in its version only', () => {
    const rollouts = { group: 'argoproj.io', version: 'v1alpha1', resource: 'rollouts' }
    const rules = mutating({}, { resources: [rollouts] }).rules
    expect(rules).toContainEqual({
      apiGroups: ['argoproj.io'],
      apiVersions: ['v1alpha1'],
      resources: ['rollouts'],
      operations: ['CREATE', 'UPDATE'],
      scope: '*',
    })
    expect(rules.length).toBe(mutating().rules.length + 1)
  })

  test('do not depend on the order of what was configured', () => {
    const [a, b, c] = ['a', 'b', 'c'].map((resource) => ({ group: 'x.dev', version: 'v1', resource }))
    if (!a || !b || !c) throw new Error('three')
    expect(mutating({}, { resources: [c, a, b, a] }).rules).toEqual(mutating({}, { resources: [b, c, a] }).rules)
  })
})

describe('AD-11, FT-07: the namespaces that nothing is sent from', () => {
  test('are the exempt ones and the own one', () => {
    expect(selected({})).toEqual(['kube-node-lease', 'kube-public', 'kube-system', 'trust'])
    expect(selected({}, { exempt: [] })).toEqual(['trust'])
    expect(unjudgedNamespaces({ namespace: 'sealward', exempt: defaultExempt }, state)).toEqual(
      defaultExempt.toSorted(),
    )
  })

  test('are no longer those that a policy in force names', () => {
    expect(selected({ namedNamespaces: ['kube-system', 'prod'] })).toEqual(['kube-node-lease', 'kube-public', 'trust'])
  })

  test('neighbour: are the own one even if a policy names it', () => {
    expect(selected({ namedNamespaces: ['trust'] })).toContain('trust')
    expect(selected({ namedNamespaces: ['trust'] }, { exempt: ['trust'] })).toContain('trust')
  })

  test('are named by a policy in full, not by a wildcard', () => {
    const policy = (...names: readonly string[]) => ({
      match: { namespaces: names.map(nameGlob), excludeNamespaces: [] },
    })
    expect(namedNamespaces([policy('kube-system', 'team-*'), policy('*', 'a', 'kube-system')])).toEqual([
      'a',
      'kube-system',
    ])
    expect(namedNamespaces([{ match: { excludeNamespaces: [nameGlob('kube-system')] } }])).toEqual([])
  })
})
