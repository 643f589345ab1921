import { expect, test } from 'vitest'
import { defaultLimits, limitsFor } from '#app/server/limits.ts'
import { openFilesLimit } from '#app/server/open-files.ts'

const mib = 1024 * 1024
const plenty = { heapBytes: 1_024 * mib, openFiles: Number.POSITIVE_INFINITY }

test.each([
  ['a small one: two of the largest bodies, and one of them judged', 128, 16, 8],
  ['a larger one: more, by its size', 768, 24, 24],
  ['a roomy one: all that there is', 1_024, 32, 32],
  ['a huge one: no more than that', 8_192, 32, 32],
])('a heap has room for large bodies, %s', (_what, heapMiB, bodies, judged) => {
  expect(limitsFor({ ...plenty, heapBytes: heapMiB * mib })).toEqual({
    ...defaultLimits,
    bodiesBytes: bodies * mib,
    judgedBytes: judged * mib,
  })
})

test.each([
  ['hardly any: a few all the same', 100, 64, 49],
  ['the usual 1,024: less than all', 1_024, 704, 540],
  ['just enough: all that there are', 1_320, 1_000, 768],
  ['very many: no more than that', 1_048_576, 1_000, 768],
])('files leave room for connections, %s', (_what, openFiles, connections, judged) => {
  expect(limitsFor({ ...plenty, openFiles })).toEqual({ ...defaultLimits, connections, judged })
})

test.each([
  [
    'as Linux says it',
    'Max processes             96364                96364                processes \nMax open files            1024                 4096                 files     \n',
    1_024,
  ],
  [
    'without a limit',
    'Max open files            unlimited            unlimited            files     \n',
    Number.POSITIVE_INFINITY,
  ],
  ['where nothing is said', '', Number.POSITIVE_INFINITY],
])('how many files may be open is read, %s', (_what, text, files) => {
  expect(openFilesLimit(text)).toBe(files)
})
