import { expect, test } from 'vitest'
import { CodedError } from '#core/errors.ts'
import { unreadableFile, whyUnreadable } from '#core/unreadable-file.ts'

const failed = (code: string) => Object.assign(new Error(`${code}: something, open 'x'`), { code })

test.each([
  ['ENOENT', 'there is no such file'],
  ['ENOTDIR', 'there is no such file'],
  ['EACCES', 'permission denied'],
  ['EPERM', 'permission denied'],
  ['EISDIR', 'it is a directory'],
  ['EIO', "EIO: something, open 'x'"],
])('of %s it is said in words why a file cannot be read', (code, why) => {
  expect(whyUnreadable(failed(code))).toBe(why)
  expect(unreadableFile('keys/a\u001b.pub', failed(code))).toMatchObject({
    code: 'file-unreadable',
    message: `keys/a\\u{1b}.pub: ${why}`,
    where: 'keys/a\u001b.pub',
  })
})

test('what has a code already keeps it', () => {
  const error = new CodedError('input-too-large', 'is too large')
  expect(unreadableFile('a', error)).toBe(error)
})
