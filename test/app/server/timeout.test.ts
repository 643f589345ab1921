import { describe, expect, test } from 'vitest'
import { answerWithin, parseGoDuration } from '#app/server/timeout.ts'

describe('parseGoDuration', () => {
  test.each([
    ['2s', 2_000],
    ['10s', 10_000],
    ['1m0s', 60_000],
    ['1m30s', 90_000],
    ['1.5s', 1_500],
    ['.5s', 500],
    ['2.s', 2_000],
    ['250ms', 250],
    ['1h', 3_600_000],
    ['1500us', 1.5],
    ['0', 0],
  ])('reads %s', (text, milliseconds) => {
    expect(parseGoDuration(text)).toBeCloseTo(milliseconds, 9)
  })

  test.each(['', '2', 's', '-2s', '+2s', '2 s', '2S', '2s ', '1e3s', '.s', '2d', `${'1'.repeat(50)}s`])(
    'does not read "%s"',
    (text) => {
      expect(parseGoDuration(text)).toBeUndefined()
    },
  )
})

describe('answerWithin', () => {
  test.each([
    ['10s', 9_000],
    ['30s', 29_000],
    ['2s', 1_000],
    ['1999ms', 999.5],
    ['1s', 500],
  ])('leaves a second of %s, or half of it', (timeout, within) => {
    expect(answerWithin(timeout)).toBe(within)
  })

  test.each([undefined, '', '0', '0s', 'soon', '10'])('takes ten seconds for %s', (timeout) => {
    expect(answerWithin(timeout)).toBe(9_000)
  })

  test('works no longer than Kubernetes can wait', () => {
    expect(answerWithin('1h')).toBe(29_000)
  })
})
