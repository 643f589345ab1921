import { spawnSync } from 'node:child_process'
import { closeSync, constants, mkdtempSync, openSync, readFileSync, readSync, rmSync } from 'node:fs'
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

  test('cuts a list that is longer than anybody reads, and says how much is left out', () => {
    const { lines, log } = logInto()
    const images = Array.from({ length: 10_000 }, (_, index) => `image ${index}`)
    log.info('many', { images })
    log.info('long', { images: ['x'.repeat(3_000_000), 'short'] })
    log.info('few', { images: images.slice(0, 1_000) })
    const [many, long, few] = lines
    expect(many?.length).toBeLessThan(200_000)
    const told = JSON.parse(many ?? '').images
    expect(told.at(-1)).toBe(`… ${10_000 - told.length + 1} more`)
    expect(JSON.parse(long ?? '').images).toEqual([`${'x'.repeat(8_192)}…`, 'short'])
    expect(JSON.parse(few ?? '').images).toEqual(images.slice(0, 1_000))
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

  /** A pipe that never blocks, and a way to read what is in it. */
  function pipe(name: string) {
    const path = join(folder, name)
    expect(spawnSync('mkfifo', [path]).status).toBe(0)
    const writing = openSync(path, constants.O_RDWR | constants.O_NONBLOCK)
    const reading = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK)
    const buffer = Buffer.alloc(65_536)
    const read = () => {
      try {
        return buffer.toString('utf8', 0, readSync(reading, buffer))
      } catch {
        return ''
      }
    }
    const close = () => {
      closeSync(reading)
      closeSync(writing)
    }
    return { log: createLog({ level: 'info', destination: writing }), read, close }
  }

  test('whose reader is slow loses nothing, and a flush does not wait for ever', async () => {
    const { log, read, close } = pipe('slow')
    // More than a pipe holds, so that it is full while there is more to be written.
    for (let index = 0; index < 5_000; index++) log.info('line', { index })
    await log.flush()
    let text = ''
    for (let tries = 0; tries < 500 && !text.includes('"index":4999,'); tries++) {
      text += read()
      await new Promise((resolve) => setTimeout(resolve, 10))
    }
    const lines = text.trimEnd().split('\n')
    expect(lines.map((line) => JSON.parse(line).index)).toEqual(Array.from({ length: 5_000 }, (_, index) => index))
    close()
  })

  test('whose reader stands still does not grow without bound, and says how many lines were lost', async () => {
    const { log, read, close } = pipe('stuck')
    const readAll = async () => {
      let all = ''
      for (let empty = 0; empty < 20; empty++) {
        for (let text = read(); text !== ''; text = read()) {
          all += text
          empty = 0
        }
        await new Promise((resolve) => setTimeout(resolve, 10))
      }
      return all
    }
    for (let index = 0; index < 2_000; index++) log.info('line', { index, text: 'x'.repeat(8_000) })
    const text = await readAll()
    expect(text.length).toBeGreaterThan(4_000_000)
    expect(text.length).toBeLessThan(5_000_000)
    log.info('again')
    const [lost, again, ...more] = (await readAll())
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line))
    expect([lost?.level, lost?.lost]).toEqual(['warn', 2_000 - text.trimEnd().split('\n').length])
    expect([again?.msg, more]).toEqual(['again', []])
    close()
  })

  test.each([
    ['ends by itself', ''],
    ['breaks off', "throw new Error('broken off')"],
  ])('on a disk that is full does not keep a process that %s from its end', (_what, end) => {
    const code = `
      import { openSync } from 'node:fs'
      import { createLog } from '#app/log.ts'
      const log = createLog({ level: 'info', destination: openSync('/dev/full', 'w') })
      for (let index = 0; index < 2_000; index++) log.info('line', { index })
      await log.flush()
      log.info('last')
      ${end}`
    const { status, signal } = spawnSync(process.execPath, ['--input-type=module', '-e', code], { timeout: 15_000 })
    expect([status, signal]).toEqual([end === '' ? 0 : 1, null])
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
