import { expect, test } from 'vitest'
import { defaultLimits, limitsForHeap } from '#app/server/limits.ts'

const mib = 1024 * 1024

test.each([
  ['a small one: two of the largest bodies, and one of them judged', 128, 16, 8],
  ['a larger one: more, by its size', 768, 24, 24],
  ['a roomy one: all that there is', 1_024, 32, 32],
  ['a huge one: no more than that', 8_192, 32, 32],
])('a heap has room for large bodies, %s', (_what, heapMiB, bodies, judged) => {
  expect(limitsForHeap(heapMiB * mib)).toEqual({
    ...defaultLimits,
    bodiesBytes: bodies * mib,
    judgedBytes: judged * mib,
  })
})
