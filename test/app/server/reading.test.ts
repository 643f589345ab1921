import { Socket } from 'node:net'
import { afterEach, describe, expect, test } from 'vitest'
import { Turns } from '#app/engine/turns.ts'
import type { Handlers } from '#app/server/handlers.ts'
import { defaultLimits } from '#app/server/limits.ts'
import { readReview } from '#app/server/reading.ts'
import { allowed } from '#core/admission/answer.ts'
import { codeOf } from '#core/errors.ts'
import { exchange, reviewOf, start, type TestServer } from './harness.ts'

/** A review with a list of numbers in its object, written in so many bytes and a few more. */
function reviewOfBytes(bytes: number, more = ''): Buffer {
  const numbers = `[${'0,'.repeat(bytes / 2)}0]`
  return Buffer.from(JSON.stringify(reviewOf('u')).replace('"metadata":{', `"numbers":${numbers}${more},"metadata":{`))
}

const small = 1_000
const limits = { ...defaultLimits, smallBodyBytes: small }

/** This turn of the event loop has been used up, and so is every other at the second look. */
function hurried(): Turns {
  let now = 0
  const turns = new Turns(() => (now += 1_000))
  turns.isOver()
  return turns
}

function leisurely(): Turns {
  return new Turns(() => 0)
}

function bodyOf(bytes: Buffer) {
  const released: number[] = []
  return { bytes, release: () => void released.push(bytes.length), released }
}

/** How often the event loop comes by until the work is done. */
async function turnsOf(work: Promise<unknown>): Promise<number> {
  let turns = 0
  let counting = setImmediate(count)
  function count() {
    turns++
    counting = setImmediate(count)
  }
  try {
    await work
  } finally {
    clearImmediate(counting)
  }
  return turns
}

describe('a large review', () => {
  test('is read in turns of the event loop', async () => {
    const body = bodyOf(reviewOfBytes(200_000))
    const reading = Promise.resolve(readReview(body, new Socket(), { turns: hurried(), limits }))
    expect(await turnsOf(reading)).toBeGreaterThan(10)
    expect(await reading).toMatchObject({ request: { uid: 'u' }, bytes: body.bytes.length })
    expect(body.released).toHaveLength(1)
  })

  test('neighbour: a small one is read at once', () => {
    const body = bodyOf(reviewOfBytes(100))
    expect(readReview(body, new Socket(), { turns: leisurely(), limits })).toMatchObject({
      request: { uid: 'u' },
      bytes: 0,
    })
    expect(body.released).toHaveLength(1)
  })

  test('lets a turn be used up before it gives it away', async () => {
    const body = bodyOf(reviewOfBytes(200_000))
    const reading = Promise.resolve(readReview(body, new Socket(), { turns: leisurely(), limits }))
    expect(await turnsOf(reading)).toBe(0)
  })

  test('is not read on when its sender has gone', async () => {
    const sender = new Socket()
    const body = bodyOf(reviewOfBytes(200_000))
    const reading = Promise.resolve(readReview(body, sender, { turns: hurried(), limits }))
    sender.destroy()
    expect(await reading.catch(codeOf)).toBe('http-request')
    expect(body.released).toHaveLength(1)
  })

  test.each([
    ['a member that is there twice', ',"numbers":0', 'json-duplicate'],
    ['something that is not JSON', ',', 'json-malformed'],
    ['deep nesting', `,"deep":${'['.repeat(257)}${']'.repeat(257)}`, 'json-too-deep'],
  ])('is refused for %s, as a small one is, and gives its bytes back', async (_, more, code) => {
    for (const bytes of [reviewOfBytes(2, more), reviewOfBytes(200_000, more)]) {
      const body = bodyOf(bytes)
      const read = async () => readReview(body, new Socket(), { turns: hurried(), limits })
      expect(await read().catch(codeOf)).toBe(code)
      expect(body.released).toHaveLength(1)
    }
  })

  test('that is none, but has a uid, is denied under it, as a small one is', async () => {
    for (const bytes of [2, 200_000]) {
      const broken = Buffer.from(reviewOfBytes(bytes).toString().replace('"CREATE"', '"MAKE"'))
      const asked = await readReview(bodyOf(broken), new Socket(), { turns: hurried(), limits })
      expect(asked).toMatchObject({ id: { uid: 'u' }, refusal: { outcome: 'denied', code: 'review-malformed' } })
    }
  })
})

describe('a small review', () => {
  test('waits for the next turn where this one has been used up', async () => {
    const turns = hurried()
    const bodies = Array.from({ length: 8 }, () => bodyOf(reviewOfBytes(100)))
    const read: string[] = []
    const readings = bodies.map(async (body, index) => {
      expect(await readReview(body, new Socket(), { turns, limits })).toMatchObject({ request: { uid: 'u' }, bytes: 0 })
      read.push(`${index}`)
    })
    expect(bodies.filter(({ released }) => released.length > 0)).toHaveLength(0)
    expect(await turnsOf(Promise.all(readings))).toBeGreaterThanOrEqual(7)
    expect(read).toEqual(['0', '1', '2', '3', '4', '5', '6', '7'])
    expect(bodies.filter(({ released }) => released.length === 1)).toHaveLength(8)
  })

  test('is not read when its sender has gone meanwhile', async () => {
    const sender = new Socket()
    const body = bodyOf(reviewOfBytes(100))
    const reading = Promise.resolve(readReview(body, sender, { turns: hurried(), limits }))
    sender.destroy()
    expect(await reading.catch(codeOf)).toBe('http-request')
    expect(body.released).toHaveLength(1)
  })
})

describe('AD-16: a review of 2.8 MB', () => {
  let server: TestServer | undefined
  afterEach(async () => {
    await server?.close()
    server = undefined
  })

  const handlers: Partial<Handlers> = { mutate: async () => allowed() }
  const body = (text: string) => reviewOfBytes(200, `,"more":${text}`)
  const many = (count: number, piece: (index: number) => string) => Array.from({ length: count }, (_, at) => piece(at))

  test.each([
    ['of as many objects as any has', `[${many(140_000, () => '{"a":"xxxxxxxxxxx"}')}]`],
    ['of two strings', `"${'x'.repeat(1_400_000)}","other":"${'\\n'.repeat(700_000)}"`],
    ['of escaped characters', `[${many(180_000, () => '"\\ud83d\\ude00"')}]`],
    ['of a few thousand names each', `[${many(14, (at) => `{${many(20_000, (name) => `"${at}${name}":0`)}}`)}]`],
  ])('%s is answered', async (_, text) => {
    server = await start(handlers)
    const { status, text: answer } = await exchange(server, { body: body(text) })
    expect({ status, answer }).toEqual({ status: 200, answer: expect.stringContaining('"allowed":true') })
  })

  test('with more names in one object than any has is refused as too large', async () => {
    server = await start(handlers)
    const { status, text } = await exchange(server, { body: body(`{${many(40_000, (name) => `"${name}":0`)}}`) })
    expect({ status, code: JSON.parse(text).code }).toEqual({ status: 413, code: 'input-too-large' })
  })

  test('with more values than any two objects have is refused as too large', async () => {
    server = await start(handlers)
    const { status, text } = await exchange(server, { body: body(`[${many(900_000, () => '{}')}]`) })
    expect({ status, code: JSON.parse(text).code }).toEqual({ status: 413, code: 'input-too-large' })
  })

  test('neighbour: with as many names as any has is answered', async () => {
    server = await start(handlers)
    const { status } = await exchange(server, { body: body(`{${many(30_000, (name) => `"${name}":0`)}}`) })
    expect(status).toBe(200)
  })
})
