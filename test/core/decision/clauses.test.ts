import { expect, test } from 'vitest'
import { withoutName, withoutStop } from '#core/decision/clauses.ts'

test('the name that the reader of names repeats is left out, but nothing that only speaks of one', () => {
  expect(withoutName('"a b" is not an image name: it has a space')).toBe('it has a space')
  expect(withoutName('"a\nb" is not an image name: it has a line break')).toBe('it has a line break')
  const other = 'of the list "a b" is not an image name: it has a space'
  expect(withoutName(other)).toBe(other)
})

test('one full stop is left out at the end, and none before it', () => {
  expect(withoutStop('Use v1.2. ')).toBe('Use v1.2')
  expect(withoutStop('请用新镜像。')).toBe('请用新镜像')
  expect(withoutStop('wait ..')).toBe('wait .')
  expect(withoutStop('Use v1.2')).toBe('Use v1.2')
})
