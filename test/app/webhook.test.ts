// From an AdmissionRequest to its answer, without HTTP: which objects are judged at all, what an UPDATE and a second look
// at validation mean, and what becomes of objects that cannot be read.

import { describe, expect, test } from 'vitest'
import { type CredentialScope, createWebhook, type Judged } from '#app/webhook.ts'
import type { AdmissionRequest } from '#core/admission/review.ts'
import type { PolicySet } from '#core/policy/set.ts'
import type { Policy } from '#core/policy/words.ts'
import { at, judging, name } from '../support/judging.ts'
import { MemoryRegistry } from '../support/memory-registry.ts'
import { podRequest } from '../support/pods.ts'
import { matching, policy, rule, signed } from '../support/policies.ts'

const release = (parts = {}) => policy('production', [rule(signed('release'))], parts)
const audit = () => release({ mode: 'Audit' })

const signal = new AbortController().signal

function webhook(policies: readonly Policy[], credentialScope?: CredentialScope) {
  const registry = new MemoryRegistry()
  const digest = registry.putImage(at, 'signed', 'v1')
  registry.sign(at, 'release', { digest })
  registry.putImage(at, 'unsigned', 'bad')
  const seen: Judged[] = []
  const set: PolicySet = {
    revision: 'r',
    policies,
    attestors: [],
    denyLists: [],
    exempt: [],
    match: () => matching(policies),
  }
  const hook = createWebhook({
    engine: judging(registry).engine,
    policies: () => set,
    credentialScope,
    observe: (_, judged) => seen.push(judged),
  })
  return { ...hook, registry, digest, seen }
}

function pod(images: readonly string[], parts: Partial<AdmissionRequest> = {}): AdmissionRequest {
  return podRequest(images, { object: objectWith(images), ...parts })
}

function objectWith(images: readonly string[], labels: unknown = {}) {
  return { metadata: { labels }, spec: { containers: images.map((image, index) => ({ name: `c${index}`, image })) } }
}

describe('the credentials of a request', () => {
  const scopes = (registry: MemoryRegistry) => [...new Set(registry.asked.map(({ scope }) => scope))]

  test('are those of the process where nothing else is said', async () => {
    const { mutate, registry } = webhook([release()])
    await mutate(pod([`${name}:v1`]), signal)
    expect(scopes(registry)).toEqual(['own'])
  })

  test.each([
    ['at once', (scope: string | undefined) => scope],
    ['later', async (scope: string | undefined) => scope],
  ])('are those that are named %s, for this request', async (_, named) => {
    const seen: unknown[] = []
    const { mutate, registry } = webhook([release()], (request, given) => {
      seen.push([request.uid, given])
      return named(request.uid === 'plain' ? undefined : `of ${request.uid}`)
    })
    await mutate(pod([`${name}:v1`], { uid: 'a' }), signal)
    await mutate(pod([`${name}:v1`], { uid: 'plain' }), signal)
    expect(scopes(registry)).toEqual(['of a', 'own'])
    expect(seen).toEqual([
      ['a', signal],
      ['plain', signal],
    ])
  })

  test.each([
    ['that no policy applies to', [], pod([`${name}:v1`])],
    ['without an image', [release()], pod([])],
    ['that is a DELETE', [release()], pod([`${name}:v1`], { operation: 'DELETE' as const })],
  ])('are not looked for where an object %s', async (_, policies, request) => {
    const { mutate } = webhook(policies, () => {
      throw new Error('asked')
    })
    expect(await mutate(request, signal)).toMatchObject({ outcome: 'allowed' })
  })
})

describe('a new object', () => {
  test('is allowed and pinned where a trusted key signed all its images', async () => {
    const { mutate, digest } = webhook([release()])
    expect(await mutate(pod([`${name}:v1`]), signal)).toMatchObject({
      outcome: 'patched',
      patch: [{ op: 'replace', path: '/spec/containers/0/image', value: `${name}:v1@${digest}` }],
    })
  })

  test('is denied as a whole for one unsigned image among signed ones, and nothing of it is patched', async () => {
    const { mutate } = webhook([release()])
    const answer = await mutate(pod([`${name}:v1`, `${name}:bad`]), signal)
    expect(answer).toMatchObject({ outcome: 'denied', code: 'signature-missing' })
    expect(answer).not.toHaveProperty('patch')
  })

  test.each([
    ['a DELETE', pod([`${name}:bad`], { operation: 'DELETE' }), 'operation'],
    [
      'a subresource without images',
      pod([`${name}:bad`], { operation: 'UPDATE', subResource: 'status' }),
      'subresource',
    ],
    [
      'a kind without images',
      pod([], { kind: { group: '', version: 'v1', kind: 'ConfigMap' }, object: { data: {} } }),
      'unknown-kind',
    ],
  ])('that is %s is left alone, and counted', async (_, request, because) => {
    const { mutate, seen } = webhook([release()])
    expect(await mutate(request, signal)).toMatchObject({ outcome: 'allowed' })
    expect(seen).toMatchObject([{ leftAlone: because }])
  })

  test('that no policy is about is left alone without asking the registry', async () => {
    const { mutate, seen, registry } = webhook([])
    expect(await mutate(pod([`${name}:bad`]), signal)).toMatchObject({ outcome: 'allowed' })
    expect(seen).toMatchObject([{ leftAlone: 'no-policy' }])
    expect(registry.kinds()).toEqual([])
  })
})

describe('validation', () => {
  test('denies a trusted tag that nobody pinned, and allows it pinned', async () => {
    const { validate, digest } = webhook([release()])
    expect(await validate(pod([`${name}:v1`]), signal)).toMatchObject({ outcome: 'denied', code: 'not-pinned' })
    expect(await validate(pod([`${name}:v1@${digest}`]), signal)).toMatchObject({ outcome: 'allowed' })
  })

  test('allows what pinning made of an image that had to be signed under exactly its name', async () => {
    const exact = policy('exact', [rule(signed('release', { identity: { type: 'MatchExact' } }))])
    const { mutate, digest } = webhook([exact])
    expect(await mutate(pod([`${name}:v1`]), signal)).toMatchObject({ outcome: 'denied', code: 'identity-mismatch' })
    const again = webhook([exact])
    again.registry.sign(at, 'release', { digest, as: `${name}:v1` })
    expect(await again.mutate(pod([`${name}:v1`]), signal)).toMatchObject({ outcome: 'patched' })
    expect(await again.validate(pod([`${name}:v1@${digest}`]), signal)).toMatchObject({ outcome: 'allowed' })
    expect(await again.validate(pod([`${name}:v2@${digest}`]), signal)).toMatchObject({ outcome: 'denied' })
  })

  test('leaves a trusted tag as it is where the policy never pins', async () => {
    const { validate } = webhook([release({ pin: 'InsecureNever' })])
    expect(await validate(pod([`${name}:v1`]), signal)).toMatchObject({ outcome: 'allowed' })
  })
})

describe('an update', () => {
  const update = (images: readonly string[], before: readonly string[]) =>
    pod(images, { operation: 'UPDATE', oldObject: objectWith(before) })

  test('that leaves an untrusted image as it was is allowed', async () => {
    const { validate } = webhook([release()])
    expect(await validate(update([`${name}:bad`], [`${name}:bad`]), signal)).toMatchObject({ outcome: 'allowed' })
  })

  test('that moves the untrusted image to another container is denied', async () => {
    const { validate } = webhook([release({ pin: 'InsecureNever' })])
    const swapped = update([`${name}:v1`, `${name}:bad`], [`${name}:bad`, `${name}:v1`])
    expect(await validate(swapped, signal)).toMatchObject({ outcome: 'denied', code: 'signature-missing' })
  })

  test('a CREATE that brings an old object along is judged as new', async () => {
    const { validate } = webhook([release()])
    const forged = pod([`${name}:bad`], { oldObject: objectWith([`${name}:bad`]) })
    expect(await validate(forged, signal)).toMatchObject({ outcome: 'denied' })
  })
})

describe('an object that cannot be read', () => {
  const brokenImage = pod([], { object: { metadata: {}, spec: { containers: [{ name: 'c', image: 7 }] } } })
  const brokenLabels = pod([], { object: objectWith([`${name}:v1`], 'none') })

  test.each([
    ['images', brokenImage],
    ['labels', brokenLabels],
  ])('in its %s is denied where a policy is enforced', async (_, request) => {
    const { mutate } = webhook([audit(), release()])
    expect(await mutate(request, signal)).toMatchObject({ outcome: 'denied', code: 'workload-malformed' })
  })

  test.each([
    ['images', brokenImage],
    ['labels', brokenLabels],
  ])('in its %s is let pass with a warning where policies only audit', async (_, request) => {
    const { mutate } = webhook([audit()])
    const answer = await mutate(request, signal)
    expect(answer.outcome).toBe('allowed')
    expect(answer.warnings).toHaveLength(1)
  })
})

describe('telling', () => {
  test('an observer that fails changes no answer', async () => {
    const { registry } = webhook([release()])
    const policies = [release()]
    const hook = createWebhook({
      engine: judging(registry).engine,
      policies: () => ({
        revision: 'r',
        policies,
        attestors: [],
        denyLists: [],
        exempt: [],
        match: () => matching(policies),
      }),
      observe: () => {
        throw new Error('the log is full')
      },
    })
    expect(await hook.mutate(pod([`${name}:v1`]), signal)).toMatchObject({ outcome: 'patched' })
    expect(await hook.mutate(pod([`${name}:bad`]), signal)).toMatchObject({ outcome: 'denied' })
  })

  test('speaks the language of the policy that decided', async () => {
    const { mutate } = webhook([release({ language: 'zh' })])
    expect(await mutate(pod([`${name}:bad`]), signal)).toMatchObject({
      message: expect.stringContaining('没有人为它签名'),
    })
  })
})
