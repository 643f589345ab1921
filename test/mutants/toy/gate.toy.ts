// A toy for test/scripts/mutate.test.ts. It does not try what is refused, nor the border of 18 years.

import { expect, test } from 'vitest'
import { admit, countdown, doors } from './gate.ts'
import { unseen } from './unseen.ts'

test('lets adults in, and nobody else', () => {
  expect([admit(40), admit(3)]).toEqual(['in', 'out'])
})

test('counts down', () => {
  expect(countdown(3)).toBe(3)
})

test('has two doors', () => {
  expect(doors).toEqual(['front', 'back'])
  expect(unseen).toBeTypeOf('function')
})
