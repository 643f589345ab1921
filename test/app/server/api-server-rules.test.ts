// Every answer that leaves is one that kube-apiserver accepts: else its failure policy decides instead of us.

import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type AdmissionAnswer, allowed, allowedWithPatch, denied } from '#core/admission/answer.ts'
import { complaintAbout } from '../../support/api-server.ts'
import { exchange, reviewOf, start, type TestServer } from './harness.ts'

const patch = [{ op: 'replace', path: '/spec/containers/0/image', value: 'grüße@sha256:1' }] as const
const remarks = { warnings: ['x\u0000y', 'z'.repeat(10_000)], auditAnnotations: { 'a b/c': 'd', '': '\ud800' } }

/** What the handler does, by the name of the object. */
const handlers: Readonly<Record<string, () => Promise<AdmissionAnswer>>> = {
  allows: async () => allowed(),
  'allows with remarks': async () => allowed(remarks),
  patches: async () => allowedWithPatch(patch, remarks),
  'patches nothing': async () => JSON.parse('{"outcome":"patched","patch":[],"warnings":[],"auditAnnotations":{}}'),
  denies: async () => denied('signature-missing', 'no'),
  'denies without a word': async () => denied('signature-missing', ''),
  'denies at length': async () => denied('signature-missing', 'no\r\n\u001b[2J'.repeat(20_000), remarks),
  throws: () => Promise.reject(new Error('a defect')),
  'answers nothing': async () => JSON.parse('null'),
  'answers nonsense': async () => JSON.parse('{"outcome":"maybe","allowed":true}'),
  hangs: () => new Promise(() => {}),
}
const answers = (name = '') => handlers[name] ?? handlers['denies']
const cases = Object.keys(handlers).flatMap((does) =>
  (['mutate', 'validate'] as const).flatMap((path) =>
    (['v1', 'v1beta1'] as const).map((version) => ({ does, path, version })),
  ),
)

let server: TestServer

beforeAll(async () => {
  const handle = async ({ name }: { readonly name?: string }) => (await answers(name)?.()) ?? JSON.parse('null')
  server = await start({ mutate: handle, validate: handle })
})

afterAll(() => server.close())

async function textOf(path: string, version: string, name: string, uid: string): Promise<string> {
  const review = { ...reviewOf(uid, { name }), apiVersion: `admission.k8s.io/${version}` }
  return (await exchange(server, { path: `/${path}?timeout=500ms`, body: JSON.stringify(review) })).text
}

describe('AD-14: an answer that the API server would not take', () => {
  test.each(cases)('never leaves where a handler $does ($path, $version)', async ({ does, path, version }) => {
    const uid = 'c6c0a0c2-1f8f-4b0e-9e9f-0123456789ab'
    const text = await textOf(path, version, does, uid)
    expect(complaintAbout(uid, version, path === 'mutate', text)).toBeUndefined()
    const { apiVersion, response } = JSON.parse(text)
    expect([apiVersion, response.uid]).toEqual([`admission.k8s.io/${version}`, uid])
    const mayAllow = does.startsWith('allows') || (does.startsWith('patches') && path === 'mutate')
    expect(response.allowed).toBe(mayAllow)
    if (!response.allowed) expect(response.status.message).not.toBe('')
  })

  test.each([
    [{ response: { uid: 'u', allowed: true } }, 'not the kind asked'],
    [{ apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview' }, 'the response is absent'],
    [
      { apiVersion: 'admission.k8s.io/v1', kind: 'Review', response: { uid: 'u', allowed: true } },
      'not the kind asked',
    ],
    [good({ uid: 'x' }), 'the uid is another one'],
    [good({ allowed: 'true' }), 'allowed is not a boolean'],
    [good({ patch: 'W10=' }), 'a patch without its type'],
    [good({ patchType: 'JSONPatch' }), 'a type without a patch'],
    [good({ patchType: '', patch: 'W10=' }), 'a type of patch that nobody knows'],
    [good({ patchType: 'JSONPatch', patch: '[]' }), 'the patch is not base64'],
  ])('is known to the rules that we test by: %j', (review, complaint) => {
    expect(complaintAbout('u', 'v1', true, JSON.stringify(review))).toBe(complaint)
  })

  test('is known to the rules that we test by: a patch from validation', () => {
    const text = JSON.stringify(good({ patchType: 'JSONPatch', patch: 'W10=' }))
    expect(complaintAbout('u', 'v1', false, text)).toBe('validation may not patch')
    expect(complaintAbout('u', 'v1', true, text)).toBeUndefined()
  })

  test('neighbour: a patch is one that the API server applies, in both versions', async () => {
    for (const version of ['v1', 'v1beta1']) {
      const { response } = JSON.parse(await textOf('mutate', version, 'patches', 'u-1'))
      expect(response).toMatchObject({ uid: 'u-1', allowed: true, patchType: 'JSONPatch' })
      expect(JSON.parse(Buffer.from(response.patch, 'base64').toString())).toEqual(patch)
    }
  })
})

function good(response: Record<string, unknown>): Record<string, unknown> {
  return {
    apiVersion: 'admission.k8s.io/v1',
    kind: 'AdmissionReview',
    response: { uid: 'u', allowed: true, ...response },
  }
}
