// Reviews that are broken in the ways that have stopped other webhooks, or made them say yes.

import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { AdmissionAnswer } from '#core/admission/answer.ts'
import type { AdmissionRequest } from '#core/admission/review.ts'
import { admission, bad, good } from '../../support/admission.ts'
import { ask, exchange, reviewOf, start, type TestServer } from './harness.ts'

let server: TestServer
const judged: AdmissionRequest[] = []

beforeAll(async () => {
  const world = admission()
  server = await start({
    mutate: (request): Promise<AdmissionAnswer> => {
      judged.push(request)
      return world.mutate(request)
    },
    validate: (request) => world.validate(request),
  })
})

afterAll(() => server.close())

const podOf = (image: unknown) => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'web' },
  spec: { containers: [{ name: 'main', image }] },
})
const review = (members: Record<string, unknown> = {}) => reviewOf('u-1', { object: podOf(good), ...members })
const text = (value: unknown) => JSON.stringify(value)

const unreadable: readonly (readonly [string, string | Buffer])[] = [
  ['nothing', ''],
  ['null', 'null'],
  ['a number', '7'],
  ['a list of reviews', text([review()])],
  ['no JSON', 'uid: u-1'],
  ['YAML', 'apiVersion: admission.k8s.io/v1\nkind: AdmissionReview\n'],
  ['a review that is cut off', text(review()).slice(0, -20)],
  ['a review that goes on', `${text(review())}${text(review())}`],
  ['a review with a byte order mark', `\ufeff${text(review())}`],
  ['a review in UTF-16', Buffer.from(text(review()), 'utf16le')],
  [
    'a review with bytes that are no text',
    Buffer.concat([Buffer.from(text(review())).subarray(0, -3), Buffer.from([0xff])]),
  ],
  ['a comment', `/* */${text(review())}`],
  ['a trailing comma', text(review()).replace(/}$/, ',}')],
  ['a null request', text({ ...review(), request: null })],
  ['no request', text({ apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview' })],
  ['a request that is a list', text({ ...review(), request: [review().request] })],
  ['two images of one container', text(review()).replace('"image":', `"image":"${bad}","image":`)],
  ['two requests', text(review()).replace('"request":', `"request":{},"request":`)],
  ['a member twice, once escaped', text(review()).replace('"image":', `"\\u0069mage":"${bad}","image":`)],
  ['no uid', text(review({ uid: undefined }))],
  ['an empty uid', text(review({ uid: '' }))],
  ['a uid that is a number', text(review({ uid: 7 }))],
  ['a uid with a line break', text(review({ uid: 'a\r\nset-cookie: x' }))],
  ['a uid without end', text(review({ uid: 'u'.repeat(10_000) }))],
  ['another kind', text({ ...review(), kind: 'TokenReview' })],
  ['another version', text({ ...review(), apiVersion: 'admission.k8s.io/v2' })],
  ['no version', text({ ...review(), apiVersion: undefined })],
  [
    'a response instead of a request',
    text({ ...review(), request: undefined, response: { uid: 'u-1', allowed: true } }),
  ],
]

describe('AD-15: a review without what an answer needs', () => {
  test.each(unreadable)('%s is refused with 400, and the next one is served', async (_, body) => {
    judged.length = 0
    const { status, text: said } = await exchange(server, { body })
    expect(status).toBe(400)
    expect(JSON.parse(said)).not.toHaveProperty('response')
    expect(judged).toEqual([])
    expect(await ask(server, review({ uid: 'next' }))).toMatchObject({ uid: 'next', allowed: true })
  })
})

const broken: readonly (readonly [string, Record<string, unknown>])[] = [
  ['no object', { object: undefined }],
  ['a null object', { object: null }],
  ['an object that is a text', { object: text(podOf(good)) }],
  ['an object that is a list', { object: [podOf(good)] }],
  ['an empty object', { object: {} }],
  ['no operation', { operation: undefined }],
  ['an unknown operation', { operation: 'PATCH' }],
  ['an operation in small letters', { operation: 'create' }],
  ['operations', { operation: ['CREATE'] }],
  ['no kind', { kind: undefined }],
  ['a kind that is a text', { kind: 'Pod' }],
  ['a kind of wrong types', { kind: { group: 0, version: 1, kind: ['Pod'] } }],
  ['no resource', { resource: null }],
  ['a namespace that is an object', { namespace: {} }],
  ['a user that is a text', { userInfo: 'admin' }],
  ['groups that are an object', { userInfo: { username: 'a', groups: { 0: 'system:masters' } } }],
  ['a dry run that is a text', { dryRun: 'true' }],
  ['labels that are a list', { object: { ...podOf(good), metadata: { labels: ['a'] } } }],
  ['containers that are an object', { object: { ...podOf(good), spec: { containers: { 0: { image: good } } } } }],
  ['a container that is null', { object: { ...podOf(good), spec: { containers: [null] } } }],
  ['an image that is a number', { object: podOf(7) }],
  ['an image that is a list', { object: podOf([good]) }],
  ['an image that is an object', { object: podOf({ toString: good }) }],
  ['an empty image', { object: podOf('') }],
  ['a container without an image', { object: podOf(undefined) }],
  ['an image with a NUL', { object: podOf(`${good}\0`) }],
  ['an image with a space', { object: podOf(` ${good}`) }],
  ['an object in a DELETE', { operation: 'DELETE' }],
]

describe('AD-15: a review with a uid that is broken behind it', () => {
  test.each(broken)('%s: denied with the uid and a reason', async (_, members) => {
    const given = await ask(server, review(members))
    expect(given).toMatchObject({ uid: 'u-1', allowed: false, status: { code: 403 } })
    expect(text(given)).toMatch(/code: [a-z-]+/)
    expect(text(given)).not.toContain('internal-error')
    expect(await ask(server, review({ uid: 'next' }))).toMatchObject({ uid: 'next', allowed: true })
  })

  test('neighbour: members that a newer API server may send are let pass', async () => {
    const more = { options: { kind: 'CreateOptions' }, requestSubResource: '', somethingNew: { a: [1] }, name: null }
    expect(await ask(server, review(more))).toMatchObject({ uid: 'u-1', allowed: true, patchType: 'JSONPatch' })
  })
})
