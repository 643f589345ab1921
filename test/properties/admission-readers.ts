// The reader of AdmissionReviews.

import fc from 'fast-check'
import { expect } from 'vitest'
import { parseFurtherPlace } from '#core/admission/further-kinds.ts'
import { parseReview, parseReviewId } from '#core/admission/review.ts'
import { parseStrictJsonBytes } from '#core/encoding/strict-json.ts'
import { bytes, texts } from './hostile.ts'
import { propertiesOf, type ReaderProperties } from './reader.ts'
import { json } from './words.ts'

const text = fc.string({ minLength: 1, maxLength: 10 })
const uid = fc.stringMatching(/^[!-~]{1,128}$/)
const object = fc
  .dictionary(text, fc.jsonValue({ maxDepth: 2 }), { maxKeys: 3 })
  .map((members): unknown => JSON.parse(JSON.stringify(members)))

const request = fc.record(
  {
    uid,
    kind: fc.record({ group: fc.string(), version: text, kind: text }),
    resource: fc.record({ group: fc.string(), version: text, resource: text }),
    subResource: text,
    requestKind: fc.record({ group: fc.string(), version: text, kind: text }),
    name: text,
    namespace: text,
    operation: fc.constantFrom('CREATE', 'UPDATE'),
    userInfo: fc.record({ username: fc.string(), groups: fc.array(text, { maxLength: 3 }) }),
    dryRun: fc.boolean(),
    object,
    oldObject: object,
  },
  { requiredKeys: ['uid', 'kind', 'resource', 'operation', 'userInfo', 'dryRun', 'object'] },
)

const version = fc.constantFrom('admission.k8s.io/v1', 'admission.k8s.io/v1beta1')

const review = fc.tuple(version, request).map(([apiVersion, members]) => ({
  input: json({ apiVersion, kind: 'AdmissionReview', request: members }),
  apiVersion,
  members,
}))

const words = [
  'uid',
  'CREATE',
  'DELETE',
  'CONNECT',
  'object',
  'oldObject',
  'dryRun',
  'AdmissionReview',
  'userInfo',
  'groups',
]
const refuses = ['review-malformed', 'json-malformed', 'json-duplicate', 'json-too-deep'] as const

const apiName = fc.stringMatching(/^[a-z][a-z0-9]{0,10}$/)
const furtherPlace = fc
  .record({
    group: apiName,
    resource: apiName,
    names: fc.array(apiName, { minLength: 1, maxLength: 5 }),
    each: fc.boolean(),
  })
  .map(({ group, resource, names, each }) => ({
    input: `${group}.dev/v1/${resource}=${names.join('.')}${each ? '[*]' : ''}`,
    means: {
      resource: { group: `${group}.dev`, version: 'v1', resource },
      path: [...names.map((name) => ({ kind: 'member', name })), ...(each ? [{ kind: 'each' }] : [])],
    },
  }))

export const admissionReaders: readonly ReaderProperties[] = [
  propertiesOf({
    of: ['src/core/admission/further-kinds.ts parseFurtherPlace'],
    form: texts('text', ['/v1/', '=', 'spec', '.', '[*]', '~', 'apps/v1/deployments']),
    read: parseFurtherPlace,
    written: furtherPlace,
    refuses: ['usage'],
    promises: ({ path }) => {
      expect(path.length).toBeGreaterThan(0)
      expect(path.length).toBeLessThanOrEqual(32)
    },
  }),
  propertiesOf({
    of: ['src/core/admission/review.ts parseReview'],
    form: bytes('json', words),
    read: (content) => parseReview(parseStrictJsonBytes(content)),
    written: review.map(({ input, apiVersion, members }) => ({ input, means: { apiVersion, ...members } })),
    refuses,
    promises: ({ operation, object: written }, content) => {
      expect(parseReview(parseStrictJsonBytes(content))).toMatchObject(parseReviewId(parseStrictJsonBytes(content)))
      if (operation === 'CREATE' || operation === 'UPDATE') expect(written).toBeTypeOf('object')
      if (operation === 'DELETE') expect(written).toBeUndefined()
    },
  }),
  propertiesOf({
    of: ['src/core/admission/review.ts parseReviewId'],
    form: bytes('json', words),
    read: (content) => parseReviewId(parseStrictJsonBytes(content)),
    written: review.map(({ input, apiVersion, members }) => ({ input, means: { apiVersion, uid: members.uid } })),
    refuses,
    promises: ({ uid: echoed }) => expect(echoed).toMatch(/^[!-~]{1,128}$/),
  }),
]
