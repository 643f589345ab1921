import { describe, expect, test } from 'vitest'
import { createLog, errorFields } from '#app/log.ts'
import { CodedError } from '#core/errors.ts'

function logInto(level: 'debug' | 'info' | 'silent' = 'debug') {
  const lines: string[] = []
  return { lines, log: createLog({ level, destination: { write: (line) => lines.push(line) } }) }
}

describe('a log', () => {
  test('is one JSON line an event, with time, level, message and fields', () => {
    const { lines, log } = logInto()
    log.with({ part: 'server' }).warn('look', { port: 8443, names: ['a', 'b'] })
    expect(lines).toHaveLength(1)
    const { time, ...line } = JSON.parse(lines[0] ?? '')
    expect(line).toEqual({ level: 'warn', part: 'server', port: 8443, names: ['a', 'b'], msg: 'look' })
    expect(new Date(time).toISOString()).toBe(time)
  })

  test('cannot be made to hold a second line', () => {
    const { lines, log } = logInto()
    log.info('image', { image: 'a\n{"level":"error"}\u2028\u001b[31m' })
    expect(lines.join('').trimEnd()).not.toMatch(/\n/)
    expect(lines.join('')).not.toContain('\u001b')
  })

  test('never holds what is called a secret', () => {
    const { lines, log } = logInto()
    log.info('hello', { password: 'hunter2', registryToken: 'hunter2', Authorization: 'Basic hunter2', user: 'ann' })
    log.with({ clientSecret: 'hunter2' }).info('again')
    expect(lines.join('')).not.toContain('hunter2')
    expect(lines.join('')).toContain('ann')
  })

  test('cuts a field that is longer than anybody reads', () => {
    const { lines, log } = logInto()
    log.info('hello', { text: 'x'.repeat(100_000) })
    expect(lines.join('').length).toBeLessThan(10_000)
  })

  test('leaves out what is below its level', () => {
    const { lines, log } = logInto('info')
    log.debug('small')
    log.info('large')
    expect(lines).toHaveLength(1)
    const silent = logInto('silent')
    silent.log.error('nothing')
    expect(silent.lines).toEqual([])
  })

  test('tells an expected failure by code and place, a defect by its stack', () => {
    expect(errorFields(new CodedError('tls-invalid', 'no pair', { where: 'a.pem' }))).toEqual({
      code: 'tls-invalid',
      error: 'no pair',
      where: 'a.pem',
    })
    expect(errorFields(new TypeError('oops'))).toMatchObject({ code: 'internal-error', stack: expect.any(String) })
    expect(errorFields('oops')).toEqual({ code: 'internal-error', error: 'oops' })
  })
})
