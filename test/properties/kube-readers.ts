// The readers of what an API server answers, of the access to it, and of the objects that policies are made of.

import fc from 'fast-check'
import { expect } from 'vitest'
import { KeySecrets } from '#app/kube/key-secrets.ts'
import { readStatus } from '#app/kube/status-of.ts'
import { parseStrictJson } from '#core/encoding/strict-json.ts'
import { CodedError } from '#core/errors.ts'
import { type KeptObject, readLastGood } from '#core/policy/last-good.ts'
import { ReadMemo } from '#core/policy/read-memo.ts'
import { compilePolicySet } from '#core/policy/set.ts'
import { parseAnswer, readRefusal } from '#io/kube/answer.ts'
import { openKube } from '#io/kube/kube.ts'
import { type KubeObject, parseEvent, readPage } from '#io/kube/objects.ts'
import { apiVersion, keySpec, pems, rule, toolsWith } from '../support/policy-documents.ts'
import { bytes, texts } from './hostile.ts'
import { propertiesOf, type ReaderProperties } from './reader.ts'
import { fileWith } from './scratch.ts'
import { component, json } from './words.ts'

const path = '/api/v1/namespaces'
const version = fc.bigInt({ min: 1n, max: 2n ** 63n }).map(String)
const name = fc.stringMatching(/^[a-z0-9]([a-z0-9.-]{0,8}[a-z0-9])?$/)
const object = fc.record({
  apiVersion: fc.constant('v1'),
  kind: fc.constant('ConfigMap'),
  metadata: fc.record({ name, namespace: name, resourceVersion: version, labels: fc.dictionary(name, name, plain()) }),
  data: fc.dictionary(name, fc.string(), plain()),
})
const words = [
  'metadata',
  'name',
  'namespace',
  'resourceVersion',
  'continue',
  'items',
  'object',
  'ERROR',
  'BOOKMARK',
  'DELETED',
  '"../a"',
  '"a/b"',
  '"."',
  '""',
  '1e400',
  '{"code":410}',
]

function plain() {
  return { maxKeys: 3, noNullPrototype: true } as const
}

/** Names and versions go into paths and questions. */
function isAddressed({ metadata }: KubeObject): void {
  for (const segment of [metadata.name, metadata.namespace ?? 'none']) {
    expect(new URL(`https://a.example/x/${segment}/y`).href).toBe(`https://a.example/x/${encodeURI(segment)}/y`)
    expect(segment.length).toBeGreaterThan(0)
  }
  expect(metadata.resourceVersion).not.toBe('')
}

const page = fc
  .record({ objects: fc.array(object, { maxLength: 3 }), version, next: fc.option(name, { nil: undefined }) })
  .map(({ objects, version: at, next }) => ({
    input: json({ kind: 'List', metadata: { resourceVersion: at, continue: next ?? '' }, items: objects }),
    means: { objects, version: at, ...(next !== undefined && { next }) },
  }))

const event = fc.oneof(
  fc.tuple(fc.constantFrom('ADDED', 'MODIFIED', 'DELETED'), object).map(([type, each]) => ({
    input: json({ type, object: each }),
    means: {
      kind: type === 'DELETED' ? 'deleted' : 'changed',
      object: each,
      version: each.metadata.resourceVersion,
    },
  })),
  version.map((at) => ({
    input: json({ type: 'BOOKMARK', object: { metadata: { resourceVersion: at } } }),
    means: { kind: 'nothing', version: at },
  })),
  fc.constantFrom(410, 500).map((code) => ({
    input: json({ type: 'ERROR', object: { kind: 'Status', code, message: 'why' } }),
    means: { kind: 'over', code: code === 410 ? 'kube-expired' : 'kube-failing', why: 'why' },
  })),
)

const refusalStatus = fc.tuple(fc.constantFrom(401, 403, 404, 409, 410, 422, 429, 500), component)
const codeFor: Readonly<Record<number, string>> = {
  401: 'kube-unauthenticated',
  403: 'kube-forbidden',
  404: 'kube-not-found',
  409: 'kube-conflict',
  410: 'kube-expired',
  422: 'kube-rejected',
}

/** The status stands before the body. */
function refusalIn(input: Uint8Array): { readonly code: string; readonly message: string } {
  const text = new TextDecoder('latin1').decode(input)
  const { code, message } = readRefusal(Number.parseInt(text, 10) || 500, input.subarray(4), 'GET /x')
  return { code, message }
}

const kubeconfig = fc
  .tuple(
    fc.integer({ min: 1, max: 65_535 }),
    fc.stringMatching(/^[a-z0-9]{1,9}$/),
    fc.stringMatching(/^[a-z0-9]{1,9}$/),
  )
  .map(([port, namespace, token]) => {
    const server = `https://api.example:${port}`
    const config = {
      clusters: [{ name: 'c', cluster: { server } }],
      users: [{ name: 'u', user: { token } }],
      contexts: [{ name: 'x', context: { cluster: 'c', user: 'u', namespace } }],
      'current-context': 'x',
    }
    return { input: json(config), means: { server: new URL(server).origin, namespace } }
  })

const specText = fc.constantFrom('{"otherwise":"Deny"}', '{"rules":[]}')
const objectStatus = fc
  .record({
    phase: fc.constantFrom('Pending', 'Active', 'Invalid', 'Outdated'),
    message: fc.option(fc.string(), { nil: undefined }),
    observedGeneration: fc.option(fc.nat(), { nil: undefined }),
    inForce: fc.option(fc.record({ generation: fc.nat(), spec: specText }), { nil: undefined }),
    images: fc.nat(),
  })
  .map((status) => {
    const { inForce, ...rest } = status
    const read = inForce && { generation: inForce.generation, spec: parseStrictJson(inForce.spec) }
    return { input: JSON.stringify(status), means: { ...rest, inForce: read } }
  })

const secret = fc.uint8Array({ maxLength: 50 }).map((content) => {
  const text = Buffer.from(content).toString('hex')
  return { input: JSON.stringify({ 'cosign.pub': Buffer.from(text).toString('base64'), other: 'x' }), means: text }
})

function keyIn(data: string): string {
  const value = parseStrictJson(data)
  const secrets = new KeySecrets({
    kube: {
      follow: async (follower) =>
        follower.listed([{ metadata: { name: 'a', namespace: 'b', resourceVersion: '1' }, data: value }]),
    },
    signal: new AbortController().signal,
    onChange: () => {},
    onFailure: () => {},
  })
  return secrets.read({ namespace: 'b', name: 'a', key: 'cosign.pub' }, undefined)
}

/** What people write into a spec, before an edit and after it. */
const spec = fc.oneof(
  fc.constant({ rules: [rule(['registry.example/**'])], match: { namespaces: ['prod'] } }),
  fc.constant({ otherwise: 'Deny', mode: 'Warn' }),
  fc.constant({ rules: [rule(['nginx'], { signature: { attestor: 'gone' } })] }),
)
const kept = fc.record({
  kind: fc.constantFrom('ClusterTrustPolicy', 'TrustPolicy'),
  name: fc.stringMatching(/^p[a-z0-9]{0,3}$/),
  spec,
  before: fc.option(spec, { nil: undefined }),
  wasInForce: fc.boolean(),
})
const keptObjects = fc.uniqueArray(kept, { maxLength: 4, selector: ({ kind, name: each }) => `${kind} ${each}` })

/** @throws CodedError `json-malformed` where it is no list of objects that an API server could have */
function keptIn(text: string): readonly KeptObject[] {
  const list = parseStrictJson(text)
  const objects = (Array.isArray(list) ? list : []).map((entry: unknown): KeptObject => {
    const {
      kind,
      name: called,
      spec: written,
      before,
      wasInForce,
    } = { ...(entry as object) } as Record<string, unknown>
    const isKnown = kind === 'ClusterTrustPolicy' || kind === 'TrustPolicy' || kind === 'Attestor'
    if (!isKnown || typeof called !== 'string' || !/^[a-z0-9]{1,20}$/.test(called))
      throw new CodedError('json-malformed', 'no object')
    const metadata = kind === 'TrustPolicy' ? { name: called, namespace: 'prod' } : { name: called }
    const objectWith = (content: unknown) => ({ apiVersion, kind, metadata, spec: content })
    return {
      kind,
      name: `${kind} ${called}`,
      value: objectWith(written),
      ...(before !== undefined && { before: objectWith(before) }),
      wasInForce: wasInForce === true,
    }
  })
  if (new Set(objects.map((each) => each.name)).size < objects.length)
    throw new CodedError('json-malformed', 'one name twice')
  return objects
}

const release = { kind: 'Attestor', name: 'release', spec: keySpec({ name: 'a', pem: pems.first }) }

function inForceOf(text: string) {
  const objects = keptIn(text)
  const { read, outcomes } = readLastGood(objects, toolsWith(), new ReadMemo())
  const set = compilePolicySet(read)
  const named = new Set(set.policies.map(({ kind, name: each }) => `${kind} ${each}`))
  for (const { kind, name: each, wasInForce } of objects) {
    const inForce = outcomes.get(each)?.inForce
    // A policy that was in force does not go by an edit, whatever is written into it.
    if (kind !== 'Attestor') expect(named.has(each)).toBe(inForce !== 'nothing')
    if (kind !== 'Attestor' && wasInForce) expect(inForce).not.toBe('nothing')
  }
  expect(outcomes.size).toBe(objects.length)
  return {
    problems: [...read.problems, ...[...outcomes.values()].flatMap(({ problems }) => problems)],
    read: read.problems.length,
    inForce: [...outcomes].map(([each, outcome]) => `${each} ${outcome.inForce}`),
  }
}

const keptWords = [
  'otherwise',
  'Deny',
  'rules',
  'images',
  'require',
  'attestor',
  'gone',
  'match',
  'mode',
  'before',
  '{}',
  'null',
]

export const kubeReaders: readonly ReaderProperties[] = [
  propertiesOf({
    of: ['src/io/kube/answer.ts parseAnswer'],
    form: bytes('json', words),
    read: (input) => parseAnswer(input, 'GET /x'),
    written: object.map((means) => ({ input: json(means), means })),
    refuses: ['kube-failing'],
  }),
  propertiesOf({
    of: ['src/io/kube/answer.ts readRefusal'],
    form: bytes('json', ['404 ', '403 ', '429 ', 'message', '<html>']),
    read: refusalIn,
    written: refusalStatus.map(([status, message]) => ({
      input: Buffer.from(`${status} ${JSON.stringify({ kind: 'Status', message })}`),
      means: { code: codeFor[status] ?? 'kube-failing', message: `GET /x: ${status} ${message}` },
    })),
    refuses: [],
    promises: ({ code, message }) => {
      expect(code).toMatch(/^kube-/)
      expect(message.length).toBeLessThanOrEqual(1_000)
      expect(message).not.toMatch(/[\p{Cc}\p{Cs}\u202a-\u202e\u2066-\u2069]/u)
    },
  }),
  propertiesOf({
    of: ['src/io/kube/objects.ts readPage'],
    form: bytes('json', words),
    read: (input) => readPage(parseAnswer(input, 'GET /x'), path),
    written: page,
    refuses: ['kube-failing'],
    promises: ({ objects, version: at, next }) => {
      objects.forEach(isAddressed)
      expect(at).not.toBe('')
      expect(next).not.toBe('')
    },
  }),
  propertiesOf({
    of: ['src/io/kube/objects.ts parseEvent'],
    form: bytes('json', words),
    read: (input) => parseEvent(input, path),
    written: event,
    refuses: ['kube-failing'],
    promises: (told) => {
      if ('object' in told) isAddressed(told.object)
      if (told.kind === 'over') expect(told.code).toMatch(/^kube-(expired|failing)$/)
      else expect(told.version).not.toBe('')
    },
  }),
  propertiesOf({
    of: ['src/io/kube/kube.ts openKube', 'src/io/kube/access.ts openKubeAccess'],
    form: bytes('json', [
      'clusters:',
      '- ',
      'server: ',
      'http://',
      'https://[::1]',
      'proxy-url: socks5://a',
      'insecure-skip-tls-verify: true',
      'current-context: x',
      'users: *a',
      '&a ',
      'certificate-authority-data: ',
      'null',
    ]),
    read: async (content) => {
      const { server, namespace } = await openKube({ kubeconfig: fileWith('kubeconfig', content) })
      return { server, namespace }
    },
    written: kubeconfig,
    refuses: ['kube-config'],
    promises: ({ server, namespace }) => {
      expect(server).toMatch(/^https:\/\//)
      expect(namespace).toMatch(/^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/)
    },
  }),
  propertiesOf({
    of: ['src/app/kube/status-of.ts readStatus'],
    form: texts('json', ['phase', '"Active"', 'inForce', 'spec', '"{"', '"[1]"', '-1', '1e400', '0.5', 'images']),
    read: (text) => readStatus({ metadata: { name: 'a', resourceVersion: '1' }, status: parseStrictJson(text) }),
    written: objectStatus,
    refuses: ['json-malformed', 'json-duplicate', 'json-too-deep'],
    promises: ({ phase, images, observedGeneration = 0, inForce }) => {
      expect(['Pending', 'Active', 'Invalid', 'Outdated']).toContain(phase)
      for (const count of [images, observedGeneration, inForce?.generation ?? 0])
        expect(Number.isSafeInteger(count) && count >= 0).toBe(true)
      // As it is written again.
      if (inForce !== undefined) expect(parseStrictJson(JSON.stringify(inForce.spec))).toEqual(inForce.spec)
    },
  }),
  propertiesOf({
    of: ['src/app/kube/key-secrets.ts found'],
    form: texts('json', ['cosign.pub', '"====', '"AA"', '__proto__', 'null', '7']),
    read: keyIn,
    written: secret,
    refuses: ['key-unavailable', 'json-malformed', 'json-duplicate', 'json-too-deep'],
  }),
  propertiesOf({
    of: [
      'src/core/policy/last-good.ts readLastGood',
      'src/core/policy/read.ts readObjects',
      'src/core/policy/documents.ts openObjects',
    ],
    form: texts('json', keptWords),
    read: inForceOf,
    written: keptObjects.map((objects) => ({
      input: JSON.stringify([release, ...objects]),
      means: objects.length + 1,
    })),
    meaningOf: ({ inForce }) => inForce.length,
    refuses: ['json-malformed', 'json-duplicate', 'json-too-deep'],
    promises: ({ problems, read }) => {
      expect(read).toBe(0)
      for (const { code, message } of problems) {
        expect(code).not.toBe('internal-error')
        expect(message.length).toBeLessThanOrEqual(1_000)
      }
    },
  }),
]
