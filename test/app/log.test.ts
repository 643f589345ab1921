import { spawnSync } from 'node:child_process'
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { afterAll, describe, expect, test, vi } from 'vitest'
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

describe('a log in a file', () => {
  const folder = mkdtempSync(join(tmpdir(), 'sealward-log-'))
  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  function fileLog(name: string) {
    const path = join(folder, name)
    const descriptor = openSync(path, 'a')
    return {
      descriptor,
      log: createLog({ level: 'info', destination: descriptor }),
      text: () => readFileSync(path, 'utf8'),
    }
  }

  test('is handed over in batches, of which none is kept back', async () => {
    const { log, text } = fileLog('batches')
    log.info('first')
    expect(text()).toBe('')
    await vi.waitFor(() => expect(text()).toContain('first'))
    log.info('second')
    await vi.waitFor(() => expect(text()).toContain('second'))
  })

  test('holds every line in order, however many are written at once', async () => {
    const { log, text } = fileLog('many')
    for (let index = 0; index < 1_000; index++) log.info('line', { index })
    await log.flush()
    const lines = text().trimEnd().split('\n')
    expect(lines.map((line) => JSON.parse(line).index)).toEqual(Array.from({ length: 1_000 }, (_, index) => index))
  })

  test('has its lines when it was flushed', async () => {
    const { log, text } = fileLog('flushed')
    log.info('last words')
    await log.flush()
    expect(text()).toContain('last words')
  })

  describe.each([
    ['breaks off', "throw new Error('broken off')"],
    ['is told to end', 'process.exit(0)'],
    ['ends by itself', ''],
    ['ends after a flush', 'await log.flush(); log.info("after the flush")'],
  ])('of a process that %s', (_, end) => {
    // More than a batch, so that some are on their way while others wait.
    const code = `
      import { openSync } from 'node:fs'
      import { createLog } from '#app/log.ts'
      const path = process.argv[1]
      const log = createLog({ level: 'info', ...(path === undefined ? {} : { destination: openSync(path, 'a') }) })
      for (let index = 0; index < 2_000; index++) log.info('line', { index })
      ${end}`
    const run = (...args: readonly string[]) =>
      spawnSync(process.execPath, ['--input-type=module', '-e', code, ...args], { encoding: 'utf8' })
    const indexes = (text: string) =>
      text
        .split('\n')
        .filter((line) => line.startsWith('{"level":"info"') && line.includes('"msg":"line"'))
        .map((line) => Number(JSON.parse(line).index))
        .sort((a, b) => a - b)
    const all = Array.from({ length: 2_000 }, (_, index) => index)

    test('holds every line, once, in a file', () => {
      const path = join(folder, 'ended')
      rmSync(path, { force: true })
      const { status } = run(path)
      const text = readFileSync(path, 'utf8')
      expect(indexes(text)).toEqual(all)
      expect(text.includes('after the flush')).toBe(end.includes('after the flush'))
      expect(status).toBe(end.startsWith('throw') ? 1 : 0)
    })

    test('holds every line, once, in a pipe', () => {
      expect(indexes(run().stderr)).toEqual(all)
    })
  })

  test('that nobody takes any more harms nobody', async () => {
    const { log, descriptor } = fileLog('closed')
    log.info('first')
    await log.flush()
    closeSync(descriptor)
    log.error('lost')
    await log.flush()
    log.error('lost')
    await log.flush()
  })
})
