import { expect, test } from 'vitest'
import { questionKey } from '#core/decision/question.ts'
import { digestOf } from '../../support/memory-registry.ts'
import { attestor } from '../../support/policies.ts'

const digest = digestOf('image')
const at = { registry: 'a.io', repository: 'b' }
const elsewhere = { registry: 'a.io', repository: 'c' }

test('the key of a question says all that identifies it', () => {
  expect(questionKey({ kind: 'resolve', at, tag: 'v1' })).toBe('resolve a.io/b:v1')
  expect(questionKey({ kind: 'tagged', at, tag: 'v1' })).toBe('tagged a.io/b:v1')
  expect(questionKey({ kind: 'access', at, digest })).toBe(`access a.io/b@${digest}`)
  expect(questionKey({ kind: 'manifest', at, digest })).toBe(`manifest a.io/b@${digest}`)
  expect(questionKey({ kind: 'referrers', at, digest })).toBe(`referrers a.io/b@${digest}`)
  expect(questionKey({ kind: 'blob', at, digest, maxBytes: 7 })).toBe(`blob a.io/b@${digest} 7`)
})

test('that of a verification names where the signatures lie only if it is elsewhere', () => {
  const material = { id: 'm', place: 'here', untrusted: undefined }
  const by = attestor('release')
  const key = (signatures: typeof at) =>
    questionKey({ kind: 'verify', format: 'toy', material, attestor: by, subject: { digest, image: at, signatures } })
  expect(key(at)).toBe(`verify toy m ${by.revision} a.io/b@${digest}`)
  expect(key(elsewhere)).toBe(`verify toy m ${by.revision} a.io/b@${digest} a.io/c`)
})
