import { expect, test } from 'vitest'
import { parseDigest } from '#core/image/digest.ts'
import { pinnedText } from '#core/image/pin.ts'

const digest = parseDigest(`sha256:${'a'.repeat(64)}`)

test.each([
  ['nginx', `nginx@${digest}`, `nginx@${digest}`],
  ['nginx:1', `nginx:1@${digest}`, `nginx@${digest}`],
  ['a.io:5000/b', `a.io:5000/b@${digest}`, `a.io:5000/b@${digest}`],
  ['a.io:5000/b:v1', `a.io:5000/b:v1@${digest}`, `a.io:5000/b@${digest}`],
])('%s keeps its name as written, with its tag or without', (image, withTag, withoutTag) => {
  expect(pinnedText(image, digest, 'TagAndDigest')).toBe(withTag)
  expect(pinnedText(image, digest, 'Digest')).toBe(withoutTag)
})
