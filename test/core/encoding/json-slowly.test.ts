import { expect, test } from 'vitest'
import { readJsonSlowly } from '#core/encoding/json-slowly.ts'

test('a member that is named twice is told, and a text that should not have come here is another fault', () => {
  expect(() => readJsonSlowly('{"a":{"b":1,"b":2}}')).toThrow(
    expect.objectContaining({ code: 'json-duplicate', where: '/a/b' }),
  )
  expect(() => readJsonSlowly('{"a":"\\x"}')).toThrow(SyntaxError)
  expect(readJsonSlowly('{"a":"\\n"}')).toEqual({ a: '\n' })
})
