import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { parseRetryAfter } from '#io/registry/retry.ts'
import { refusal, refusalCode } from '../../support/coded.ts'
import { type StubRegistry, startStubRegistry } from '../../support/stub-registry.ts'
import { at, clientFor, closeClients, context } from './fixtures.ts'

let stub: StubRegistry
beforeEach(async () => {
  stub = await startStubRegistry()
})
afterEach(async () => {
  await closeClients()
  await stub.close()
})

const read = (client = clientFor(), asked = context()) => client.tagged(at(stub), 'v1', asked)

describe('bad luck', () => {
  it.each([429, 500, 502, 503, 504])('of a %i is tried again', async (status) => {
    stub.on('GET', '*', (_request, count) => (count < 3 ? { status } : { body: 'x' }))
    expect(await read()).not.toBeNull()
    expect(stub.requests).toHaveLength(3)
  })

  it('of a broken connection is tried again', async () => {
    stub.on('GET', '*', (_request, count, response) => {
      if (count === 3) return { body: 'whole' }
      if (count === 2) response.writeHead(200, { 'content-length': '5' }).write('wh')
      response.socket?.destroy()
      return 'handled'
    })
    expect(Buffer.from((await read())?.bytes ?? []).toString()).toBe('whole')
  })

  it('ends after three tries', async () => {
    stub.on('GET', '*', { status: 503 })
    expect(await refusalCode(read())).toBe('registry-failing')
    expect(stub.requests).toHaveLength(3)
  })

  it('of half an answer every time is content-truncated', async () => {
    stub.on('GET', '*', (_request, _count, response) => {
      response.writeHead(200, { 'content-length': '100' }).write('half', () => response.socket?.destroy())
      return 'handled'
    })
    expect(await refusalCode(read())).toBe('content-truncated')
    expect(stub.requests).toHaveLength(3)
  })

  it.each([400, 404, 405, 501])('is not what a %i is', async (status) => {
    stub.on('GET', '*', { status })
    await read().catch(() => {})
    expect(stub.requests).toHaveLength(1)
  })

  it('is not a refused connection', async () => {
    await stub.close()
    const start = performance.now()
    expect(await refusalCode(read())).toBe('registry-unreachable')
    expect(performance.now() - start).toBeLessThan(1000)
    stub = await startStubRegistry()
  })

  it('of a repeated write repeats the same bytes', async () => {
    stub.on('PUT', '*', (_request, count) => ({ status: count === 1 ? 503 : 201 }))
    await clientFor().putManifest(at(stub), 'v1', { bytes: Buffer.from('body'), mediaType: 'text/plain' }, context())
    expect(stub.requests.map(({ body }) => body.toString())).toEqual(['body', 'body'])
  })
})

describe('Retry-After', () => {
  it('is waited for', async () => {
    stub.on('GET', '*', (_request, count) =>
      count === 1 ? { status: 429, headers: { 'retry-after': '1' } } : { body: 'x' },
    )
    const start = performance.now()
    expect(await read()).not.toBeNull()
    expect(performance.now() - start).toBeGreaterThanOrEqual(990)
  })

  it('that is longer than the deadline is answered at once', async () => {
    stub.on('GET', '*', { status: 429, headers: { 'retry-after': '2' } })
    const start = performance.now()
    const error = await refusal(read(clientFor(), { ...context(), deadline: Date.now() + 1500 }))
    expect(error.code).toBe('registry-throttled')
    expect(error.message).toContain('2 s')
    expect(performance.now() - start).toBeLessThan(1000)
    expect(stub.requests).toHaveLength(1)
  })

  it('is remembered: nobody of the same scope asks again meanwhile, others do', async () => {
    stub.on('GET', '*', { status: 429, headers: { 'retry-after': '30' } })
    const client = clientFor()
    for (let turn = 0; turn < 5; turn++) expect(await refusalCode(read(client))).toBe('registry-throttled')
    expect(stub.requests).toHaveLength(1)
    expect(await refusalCode(read(client, { ...context(), scope: 'other' }))).toBe('registry-throttled')
    expect(stub.requests).toHaveLength(2)
  })

  it('does not lock a registry out for longer than a minute', async () => {
    let now = 1_700_000_000_000
    stub.on('GET', '*', (_request, count) =>
      count === 1 ? { status: 429, headers: { 'retry-after': '86400' } } : { body: 'x' },
    )
    const client = clientFor({ now: () => now })
    expect(await refusalCode(read(client))).toBe('registry-throttled')
    now += 50_000
    expect(await refusalCode(read(client))).toBe('registry-throttled')
    expect(stub.requests).toHaveLength(1)
    now += 10_001
    expect(await read(client)).not.toBeNull()
  })

  it('FT-05: ends after its time, though the clock was set back meanwhile', async () => {
    let now = 1_700_000_000_000
    stub.on('GET', '*', (_request, count) =>
      count === 1 ? { status: 429, headers: { 'retry-after': '4' } } : { body: 'x' },
    )
    const client = clientFor({ now: () => now })
    expect(await refusalCode(read(client))).toBe('registry-throttled')
    now -= 3_600_000
    expect(await refusalCode(read(client))).toBe('registry-throttled')
    expect(stub.requests).toHaveLength(1)
    await expect.poll(() => read(client).catch(() => null), { timeout: 8_000, interval: 250 }).not.toBeNull()
  })

  it('does not outlast the signal of the caller', async () => {
    stub.on('GET', '*', { status: 503, headers: { 'retry-after': '2' } })
    const start = performance.now()
    expect(await refusalCode(read(clientFor(), context(200)))).toBe('registry-failing')
    expect(performance.now() - start).toBeLessThan(1500)
  })

  const now = Date.parse('2026-11-24T00:00:00Z')
  it.each([
    ['120', 120_000],
    [' 7 ', 7_000],
    ['0', 0],
    ['Tue, 24 Nov 2026 00:00:30 GMT', 30_000],
    ['Mon, 23 Nov 2026 00:00:30 GMT', 0],
    ['-5', undefined],
    ['1e9', undefined],
    ['99999999999', undefined],
    ['tomorrow', undefined],
    ['2026-11-24', undefined],
    [undefined, undefined],
  ])('%s', (text, expected) => {
    expect(parseRetryAfter(text, now)).toBe(expected)
  })
})
