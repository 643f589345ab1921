// What a submitter may write into an object and into a request: none of it grants trust, and a dry run writes nothing.

import { describe, expect, test } from 'vitest'
import { createLog } from '#app/log.ts'
import { holdPolicies } from '#app/policy-holder.ts'
import { createMetrics } from '#app/server/metrics.ts'
import { createServing } from '#app/serving.ts'
import { compilePolicySet } from '#core/policy/set.ts'
import { admission, bad, good, pod, release } from '../../support/admission.ts'
import { judging } from '../../support/judging.ts'
import { read } from '../../support/policy-documents.ts'

const unsigned = { containers: [{ name: 'main', image: bad }] }
const signed = { containers: [{ name: 'main', image: good }] }

describe('AD-07: a Pod that claims an owner', () => {
  const owner = { apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'shop-5d', controller: true }
  const owners: readonly (readonly [string, readonly unknown[]])[] = [
    ['that was admitted', [{ ...owner, uid: '8a0f2a11-1111-4111-8111-000000000001' }]],
    ['with an invented uid', [{ ...owner, uid: 'admin', blockOwnerDeletion: true }]],
    ['of a kind that has no images', [{ apiVersion: 'v1', kind: 'ConfigMap', name: 'a', uid: 'b' }]],
    ['that is a node', [{ apiVersion: 'v1', kind: 'Node', name: 'node-1', uid: 'c', controller: true }]],
    [
      'twice',
      [
        { ...owner, uid: '1' },
        { ...owner, uid: '2' },
      ],
    ],
    ['that is no owner at all', ['shop-5d', null, 7]],
  ]

  test.each(owners)('%s: judged in full, and denied', async (_, ownerReferences) => {
    const world = admission()
    expect(await world.mutated(pod(signed, {}, { ownerReferences }))).toBe('patched')
    expect(await world.mutated(pod(unsigned, {}, { ownerReferences }))).toMatch(/^denied signature-missing/)
    expect(await world.validated(pod(unsigned, {}, { ownerReferences }))).toMatch(/^denied signature-missing/)
  })

  test.each(owners)('neighbour: %s, with a signed image: pinned', async (_, ownerReferences) => {
    expect(await admission().mutated(pod(signed, {}, { ownerReferences }))).toBe('patched')
  })
})

describe('AD-08: an object that says it is exempt or verified already', () => {
  const words = [
    'sealward.dev/exempt',
    'sealward.dev/verified',
    'sealward.dev/skip',
    'sealward.dev/policy',
    'sealward.dev/mode',
    'sealward.dev/digest',
    'policy.sigstore.dev/include',
    'kritis.grafeas.io/breakglass',
    'kritis.grafeas.io/attestation',
    'admission.connaisseur/exempt',
    'connaisseur.image-policies/ignore',
    'webhooks.knative.dev/exclude',
    'admission.gatekeeper.sh/ignore',
    'pod-security.kubernetes.io/exempt',
  ]

  const userInfo = { username: 'system:admin', groups: ['system:masters', 'sealward:exempt'] }

  test.each(words)('%s as annotation or label, sent by whoever: ignored, and denied', async (word) => {
    const { mutated, validated } = admission()
    for (const value of ['true', 'audit', 'skip', 'disabled', good]) {
      for (const metadata of [{ annotations: { [word]: value } }, { labels: { [word]: value } }]) {
        expect(await mutated(pod(unsigned, { userInfo }, metadata))).toMatch(/^denied signature-missing/)
        expect(await validated(pod(unsigned, {}, metadata))).toMatch(/^denied signature-missing/)
      }
    }
  })

  test('an exception object among the policy files is refused as not supported yet, and never ignored', () => {
    const exception = {
      apiVersion: 'sealward.dev/v1alpha1',
      kind: 'TrustException',
      metadata: { name: 'a', namespace: 'team' },
      spec: { images: [bad], policies: ['production'], reason: 'because', expires: '2026-12-01T00:00:00Z' },
    }
    const { problems } = read([exception])
    expect(problems).toHaveLength(1)
    expect(problems[0]?.message).toMatch(/TrustException.*not supported yet/)
  })

  test('neighbour: beside a signed image such a word changes nothing', async () => {
    const annotations = Object.fromEntries(words.map((word) => [word, 'false']))
    expect(
      await admission().mutated(pod(signed, {}, { annotations, labels: { 'sealward.dev/exempt': 'false' } })),
    ).toBe('patched')
  })
})

describe('AD-12: a Pod that says it is the mirror of a static one', () => {
  const mirror = { 'kubernetes.io/config.mirror': 'a1b2', 'kubernetes.io/config.source': 'file' }
  const node = { username: 'system:node:node-1', groups: ['system:nodes', 'system:authenticated'] }

  test.each([
    ['a user', { username: 'mallory', groups: [] }],
    ['a node', node],
  ])('sent by %s: judged like every Pod, and denied', async (_, userInfo) => {
    const metadata = { annotations: mirror, ownerReferences: [{ apiVersion: 'v1', kind: 'Node', name: 'node-1' }] }
    expect(await admission().mutated(pod(unsigned, { userInfo }, metadata))).toMatch(/^denied signature-missing/)
    expect(await admission().validated(pod(unsigned, { userInfo }, metadata))).toMatch(/^denied signature-missing/)
  })

  test('neighbour: with a signed image it is pinned', async () => {
    expect(await admission().mutated(pod(signed, { userInfo: node }, { annotations: mirror }))).toBe('patched')
  })
})

describe('AD-17: a dry run', () => {
  const logged: unknown[] = []
  const log = createLog({ level: 'info', destination: { write: (line) => logged.push(JSON.parse(line)) } })
  const set = compilePolicySet({ policies: [release()], attestors: [], namespaces: [], revision: 'r' })
  const { engine } = judging(admission().registry)
  const handlers = createServing({ engine, policies: holdPolicies(set), log, metrics: createMetrics() })
  const context = { signal: new AbortController().signal, deadline: Number.POSITIVE_INFINITY }

  test('is denied for an unsigned image, and logged as what it is', async () => {
    const { outcome } = await handlers.mutate(pod(unsigned, { dryRun: true }), context)
    expect(outcome).toBe('denied')
    expect(logged).toMatchObject([{ dryRun: true }])
  })

  test('neighbour: is answered with the patch that a real one gets', async () => {
    const [wet, dry] = [
      await handlers.mutate(pod(signed), context),
      await handlers.mutate(pod(signed, { dryRun: true }), context),
    ]
    const auditAnnotations = { ...wet.auditAnnotations, decision: expect.any(String) }
    expect(wet.outcome).toBe('patched')
    expect(dry).toEqual({ ...wet, auditAnnotations })
  })
})
