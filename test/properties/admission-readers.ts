// The reader of AdmissionReviews.

import fc from 'fast-check'
import { expect } from 'vitest'
import { parseReview, parseReviewId } from '#core/admission/review.ts'
import { parseStrictJsonBytes } from '#core/encoding/strict-json.ts'
import { bytes } from './hostile.ts'
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

export const admissionReaders: readonly ReaderProperties[] = [
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
