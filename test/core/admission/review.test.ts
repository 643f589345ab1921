import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parseReview, parseReviewId } from '#core/admission/review.ts'
import { CodedError } from '#core/errors.ts'

const pod = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'web' }, spec: { containers: [] } }

function request(members: Record<string, unknown> = {}): Record<string, unknown> {
  return {
    uid: '705ab4f5-6393-11e8-b7cc-42010a800002',
    kind: { group: '', version: 'v1', kind: 'Pod' },
    resource: { group: '', version: 'v1', resource: 'pods' },
    requestKind: { group: '', version: 'v1', kind: 'Pod' },
    requestResource: { group: '', version: 'v1', resource: 'pods' },
    name: 'web',
    namespace: 'prod',
    operation: 'CREATE',
    userInfo: { username: 'ann', uid: '7', groups: ['system:authenticated'], extra: { scopes: ['a'] } },
    object: pod,
    oldObject: null,
    dryRun: false,
    options: { apiVersion: 'meta.k8s.io/v1', kind: 'CreateOptions' },
    ...members,
  }
}

function review(members: Record<string, unknown> = {}, version = 'v1'): Record<string, unknown> {
  return { apiVersion: `admission.k8s.io/${version}`, kind: 'AdmissionReview', request: request(members) }
}

function problem(body: unknown, parse: (body: unknown) => unknown = parseReview): string {
  try {
    parse(body)
  } catch (error) {
    if (error instanceof CodedError) return `${error.code} ${error.where}`
    throw error
  }
  return 'nothing thrown'
}

describe('parseReview', () => {
  test('reads what the API server sends', () => {
    expect(parseReview(review())).toEqual({
      apiVersion: 'admission.k8s.io/v1',
      uid: '705ab4f5-6393-11e8-b7cc-42010a800002',
      kind: { group: '', version: 'v1', kind: 'Pod' },
      resource: { group: '', version: 'v1', resource: 'pods' },
      requestKind: { group: '', version: 'v1', kind: 'Pod' },
      requestResource: { group: '', version: 'v1', resource: 'pods' },
      name: 'web',
      namespace: 'prod',
      operation: 'CREATE',
      userInfo: { username: 'ann', uid: '7', groups: ['system:authenticated'] },
      dryRun: false,
      object: pod,
    })
  })

  test('says in short what stands there instead', () => {
    const message = (members: Record<string, unknown>): string => {
      try {
        parseReview(review(members))
      } catch (error) {
        if (error instanceof CodedError) return error.message
        throw error
      }
      return 'nothing thrown'
    }
    const kind = (value: unknown) => message({ kind: { group: '', version: 'v1', kind: value } })
    expect(kind(undefined)).toBe('AdmissionReview: request.kind.kind is missing, not a string')
    expect(kind(['x'])).toBe('AdmissionReview: request.kind.kind is a list, not a string')
    expect(kind({})).toBe('AdmissionReview: request.kind.kind is an object, not a string')
    expect(kind(null)).toBe('AdmissionReview: request.kind.kind is null, not a string')
    expect(message({ kind: 7 })).toBe('AdmissionReview: request.kind is 7, not an object')
    expect(message({ kind: 'x'.repeat(60) })).toContain(`is "${'x'.repeat(60)}", not an object`)
    expect(message({ kind: 'x'.repeat(61) })).toContain(`is "${'x'.repeat(60)}…", not an object`)
    expect(message({ dryRun: 'no' })).toBe('AdmissionReview: request.dryRun is neither true nor false')
  })

  test.each([null, undefined])('takes %s for what an API server leaves out', (nothing) => {
    const read = parseReview(review({ dryRun: nothing, userInfo: nothing, name: nothing, namespace: nothing }))
    expect(read).toMatchObject({ dryRun: false, userInfo: { username: '', groups: [] } })
    expect(read).not.toHaveProperty('name')
    expect(read).not.toHaveProperty('namespace')
    expect(parseReview(review({ userInfo: { username: 'ann', groups: nothing } })).userInfo).toEqual({
      username: 'ann',
      groups: [],
    })
  })

  test('reads v1beta1 of an old API server, which sends fewer members', () => {
    const { requestKind, requestResource, options, dryRun, name, ...old } = request()
    const body = { apiVersion: 'admission.k8s.io/v1beta1', kind: 'AdmissionReview', request: old }
    const parsed = parseReview(body)
    expect(parsed.apiVersion).toBe('admission.k8s.io/v1beta1')
    expect(parsed.dryRun).toBe(false)
    expect(parsed).not.toHaveProperty('name')
    expect([requestKind, requestResource, options, dryRun, name]).not.toContain(undefined)
  })

  test('lets members pass that the API may gain', () => {
    expect(problem({ ...review({ future: [1] }), another: true })).toBe('nothing thrown')
  })

  test('reads a deletion, a subresource and a generated name', () => {
    expect(parseReview(review({ operation: 'DELETE', object: null, oldObject: pod }))).toMatchObject({ oldObject: pod })
    const parsed = parseReview(
      review({ subResource: 'ephemeralcontainers', name: '', operation: 'UPDATE', oldObject: pod }),
    )
    expect(parsed.subResource).toBe('ephemeralcontainers')
    expect(parsed).not.toHaveProperty('name')
    expect(parseReview(review({ operation: 'DELETE', object: null }))).not.toHaveProperty('object')
  })

  test.each([
    [{ uid: undefined }, 'request.uid'],
    [{ uid: '' }, 'request.uid'],
    [{ uid: 7 }, 'request.uid'],
    [{ uid: 'a b' }, 'request.uid'],
    [{ uid: 'a\nb' }, 'request.uid'],
    [{ uid: 'x'.repeat(129) }, 'request.uid'],
    [{ kind: 'Pod' }, 'request.kind'],
    [{ kind: { group: '', version: 'v1' } }, 'request.kind.kind'],
    [{ kind: { group: 1, version: 'v1', kind: 'Pod' } }, 'request.kind.group'],
    [{ kind: { group: '', version: '', kind: 'Pod' } }, 'request.kind.version'],
    [{ resource: undefined }, 'request.resource'],
    [{ resource: { group: '', version: 'v1', resource: 5 } }, 'request.resource.resource'],
    [{ requestKind: [] }, 'request.requestKind'],
    [{ requestResource: { group: '', version: 'v1' } }, 'request.requestResource.resource'],
    [{ subResource: false }, 'request.subResource'],
    [{ name: 1 }, 'request.name'],
    [{ namespace: {} }, 'request.namespace'],
    [{ operation: 'create' }, 'request.operation'],
    [{ operation: undefined }, 'request.operation'],
    [{ userInfo: 'ann' }, 'request.userInfo'],
    [{ userInfo: { username: 1 } }, 'request.userInfo.username'],
    [{ userInfo: { groups: 'admins' } }, 'request.userInfo.groups'],
    [{ userInfo: { groups: ['a', 1] } }, 'request.userInfo.groups[1]'],
    [{ dryRun: 'false' }, 'request.dryRun'],
    [{ object: undefined }, 'request.object'],
    [{ object: null }, 'request.object'],
    [{ object: [pod] }, 'request.object'],
    [{ object: 'pod' }, 'request.object'],
    [{ oldObject: 'pod' }, 'request.oldObject'],
    [{ operation: 'UPDATE', object: null, oldObject: pod }, 'request.object'],
    [{ operation: 'DELETE' }, 'request.object'],
  ])('refuses %j and names the place', (members, where) => {
    expect(problem(review(members))).toBe(`review-malformed ${where}`)
  })

  test.each([
    [null, ''],
    ['text', ''],
    [[review()], ''],
    [{}, 'apiVersion'],
    [review({}, 'v2'), 'apiVersion'],
    [{ ...review(), kind: 'Pod' }, 'kind'],
    [{ ...review(), request: null }, 'request'],
    [{ ...review(), request: [] }, 'request'],
  ])('refuses the body %#', (body, where) => {
    expect(problem(body)).toBe(`review-malformed ${where}`)
  })

  test('takes a uid of 128 characters', () => {
    expect(parseReview(review({ uid: 'x'.repeat(128) })).uid).toHaveLength(128)
  })

  test('does not read members of a prototype', () => {
    expect(problem(Object.assign(Object.create({ request: request() }), { ...review(), request: undefined }))).toBe(
      'review-malformed request',
    )
  })

  test('throws nothing but coded errors with a short, single-line message', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.constantFrom(...Object.keys(request())), fc.jsonValue()), (members) => {
        try {
          parseReview(review(members))
        } catch (error) {
          expect(error).toBeInstanceOf(CodedError)
          expect(String(error).length).toBeLessThan(600)
          expect(String(error)).not.toMatch(/\p{Cc}/u)
        }
      }),
    )
  })
})

describe('parseReviewId', () => {
  test('reads the uid of a review that is broken elsewhere', () => {
    expect(parseReviewId(review({ object: 7, operation: 1, kind: null }))).toEqual({
      apiVersion: 'admission.k8s.io/v1',
      uid: '705ab4f5-6393-11e8-b7cc-42010a800002',
    })
  })

  test('finds none in something that is no review', () => {
    expect(problem({ ...review(), kind: 'Pod' }, parseReviewId)).toBe('review-malformed kind')
  })
})
