import { expect, test } from 'vitest'
import { CodedError, codeOf, isErrorCode, messageOf } from '#core/errors.ts'

test('an error says its name, its code, where it arose and by what', () => {
  const cause = new Error('x')
  const error = new CodedError('json-malformed', 'not JSON', { where: 'offset 1', cause })
  expect(String(error)).toBe('CodedError: not JSON')
  expect(error).toMatchObject({ code: 'json-malformed', where: 'offset 1', cause })
  expect(new CodedError('json-malformed', 'not JSON')).not.toHaveProperty('cause')
})

test('what is no such error is a fault of ours', () => {
  expect([new TypeError('x'), 'x', undefined].map(codeOf)).toEqual(Array.from({ length: 3 }, () => 'internal-error'))
  expect([new TypeError('x'), 'y', undefined].map(messageOf)).toEqual(['x', 'y', 'undefined'])
  expect(['no-rule', 'constructor', ''].map(isErrorCode)).toEqual([true, false, false])
})
