import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, describe, expect, test, vi } from 'vitest'
import type { Handlers } from '#app/server/handlers.ts'
import { allowed, allowedWithPatch, denied } from '#core/admission/answer.ts'
import type { AdmissionRequest } from '#core/admission/review.ts'
import { CodedError } from '#core/errors.ts'
import { ask, dial, exchange, restOf, reviewOf, start, type TestServer } from './harness.ts'

let server: TestServer | undefined

async function started(...given: Parameters<typeof start>): Promise<TestServer> {
  server = await start(...given)
  return server
}

/** What the log says about requests that were refused. */
function refusals({ lines }: TestServer): unknown[] {
  return lines.map((line) => JSON.parse(line)).filter(({ msg }) => msg === 'refused an HTTP request')
}

afterEach(async () => {
  await server?.close()
  server = undefined
})

const patch = [{ op: 'replace', path: '/spec/containers/0/image', value: 'a@sha256:1' }] as const

describe('POST /mutate and /validate', () => {
  test('answer what the handler of the path answers, with uid, version and declared length', async () => {
    const seen: AdmissionRequest[] = []
    const on = await started({
      mutate: async (request) => {
        seen.push(request)
        return allowedWithPatch(patch)
      },
      validate: async () => denied('not-pinned', 'not pinned'),
    })
    const mutated = await exchange(on, { path: '/mutate?timeout=10s', body: JSON.stringify(reviewOf('u-1')) })
    expect(mutated.status).toBe(200)
    expect(mutated.headers).toMatchObject({ 'content-type': 'application/json' })
    expect(Number(mutated.headers['content-length'])).toBe(Buffer.byteLength(mutated.text))
    expect(JSON.parse(mutated.text)).toMatchObject({
      apiVersion: 'admission.k8s.io/v1',
      kind: 'AdmissionReview',
      response: { uid: 'u-1', allowed: true, patchType: 'JSONPatch' },
    })
    expect(seen).toMatchObject([{ uid: 'u-1', namespace: 'prod', operation: 'CREATE' }])
    const old = { ...reviewOf('u-2'), apiVersion: 'admission.k8s.io/v1beta1' }
    const { text } = await exchange(on, { path: '/validate', body: JSON.stringify(old) })
    expect(JSON.parse(text)).toMatchObject({
      apiVersion: 'admission.k8s.io/v1beta1',
      response: { uid: 'u-2', allowed: false, status: { code: 403, reason: 'Forbidden', message: 'not pinned' } },
    })
  })

  test('answer many requests at once, each its own', async () => {
    const on = await started({
      mutate: async (request) => {
        await sleep(Math.random() * 20)
        return denied('signature-missing', `about ${request.uid}`)
      },
    })
    const uids = Array.from({ length: 60 }, (_, index) => `u-${index}`)
    const answers = await Promise.all(uids.map((uid) => ask(on, reviewOf(uid))))
    for (const [index, uid] of uids.entries()) {
      expect(answers[index]).toMatchObject({ uid, status: { message: `about ${uid}` } })
    }
  })

  test.each([
    ['throws', () => Promise.reject(new Error('secret detail'))],
    [
      'throws at once',
      () => {
        throw new Error('secret detail')
      },
    ],
    ['throws nothing in particular', () => Promise.reject(undefined)],
    ['answers nothing', async () => JSON.parse('null')],
    ['answers something else', async () => JSON.parse('{"outcome":"maybe"}')],
  ])('deny with the uid if the handler %s', async (_, mutate) => {
    const on = await started({ mutate } as Partial<Handlers>)
    const given = await ask(on, reviewOf('u-1'))
    expect(given).toMatchObject({ uid: 'u-1', allowed: false })
    expect(JSON.stringify(given)).toContain('code: internal-error')
    expect(JSON.stringify(given)).not.toContain('secret detail')
    expect(on.lines.join('')).toMatch(/"level":"error"/)
    expect(await ask(on, reviewOf('u-2'), '/validate')).toMatchObject({ uid: 'u-2', allowed: true })
  })

  test('deny with the code of an expected failure', async () => {
    const on = await started({
      mutate: () => Promise.reject(new CodedError('workload-malformed', 'spec.containers is not a list')),
    })
    const given = JSON.stringify(await ask(on, reviewOf('u-1')))
    expect(given).toContain('spec.containers is not a list')
    expect(given).toContain('code: workload-malformed')
  })

  test('deny rather than send a patch from validating, which the API server refuses', async () => {
    const on = await started({ validate: async () => JSON.parse('{"outcome":"patched","patch":[],"warnings":[]}') })
    expect(await ask(on, reviewOf('u-1'), '/validate')).toMatchObject({ uid: 'u-1', allowed: false })
  })

  test('deny with the uid what is broken behind it', async () => {
    const on = await started()
    const given = await ask(on, reviewOf('u-1', { object: null }))
    expect(given).toMatchObject({ uid: 'u-1', allowed: false })
    expect(JSON.stringify(given)).toContain('code: review-malformed')
  })

  test.each([
    ['nothing', '', 'json-malformed'],
    ['no JSON', 'hello', 'json-malformed'],
    ['a review that is cut off', JSON.stringify(reviewOf('u-1')).slice(0, -5), 'json-malformed'],
    ['two values', `${JSON.stringify(reviewOf('u-1'))} {}`, 'json-malformed'],
    ['a member twice', JSON.stringify(reviewOf('u-1')).replace('"uid":', '"uid":"x","uid":'), 'json-duplicate'],
    ['bytes that are no text', Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]), 'json-malformed'],
    ['something too deep', '['.repeat(100_000), 'json-too-deep'],
    ['null', 'null', 'review-malformed'],
    ['a Pod', '{"apiVersion":"v1","kind":"Pod"}', 'review-malformed'],
    ['no uid', JSON.stringify(reviewOf('')), 'review-malformed'],
    ['another version', JSON.stringify(reviewOf('u-1')).replace('k8s.io/v1', 'k8s.io/v2'), 'review-malformed'],
  ])('refuse %s with 400 and a code', async (_, body, code) => {
    const on = await started()
    const { status, text } = await exchange(on, { body })
    expect([status, JSON.parse(text).code]).toEqual([400, code])
    expect(await ask(on, reviewOf('u-2'))).toMatchObject({ allowed: true })
  })

  test.each([
    { 'content-type': 'text/plain' },
    { 'content-type': 'application/jsonx' },
    { 'content-type': 'application/json', 'content-encoding': 'gzip' },
  ])('refuse %j with 415', async (headers) => {
    const on = await started()
    const { status, text } = await exchange(on, { headers, body: JSON.stringify(reviewOf('u-1')) })
    expect([status, JSON.parse(text).code]).toEqual([415, 'http-request'])
  })

  test('take JSON with parameters of its type', async () => {
    const on = await started()
    const headers = { 'content-type': 'application/json; charset=utf-8' }
    expect((await exchange(on, { headers, body: JSON.stringify(reviewOf('u-1')) })).status).toBe(200)
  })
})

describe('bodies', () => {
  const limits = { bodyBytes: 10_000, bodiesBytes: 15_000, smallBodyBytes: 2_000 }
  const padded = (uid: string, length: number) => {
    const body = JSON.stringify(reviewOf(uid))
    return `${body}${' '.repeat(length - body.length)}`
  }

  test('are read up to the cap', async () => {
    const on = await started({}, limits)
    expect((await exchange(on, { body: padded('u-1', 10_000) })).status).toBe(200)
    const tooLarge = await exchange(on, { body: padded('u-1', 10_001) })
    expect([tooLarge.status, JSON.parse(tooLarge.text).code]).toEqual([413, 'input-too-large'])
  })

  test('are refused at the cap if their length is not declared', async () => {
    const on = await started({}, limits)
    const headers = { 'transfer-encoding': 'chunked' }
    expect((await exchange(on, { headers, body: padded('u-1', 10_000) })).status).toBe(200)
    expect((await exchange(on, { headers, body: padded('u-1', 10_001) })).status).toBe(413)
  })

  test('that are far too large still get their answer', async () => {
    const on = await started({}, limits)
    const body = Buffer.alloc(64 * 1024 * 1024, 0x20)
    const answers = await Promise.allSettled([
      exchange(on, { body }),
      exchange(on, { headers: { 'transfer-encoding': 'chunked' }, body }),
    ])
    expect(answers.map((given) => (given.status === 'fulfilled' ? given.value.status : String(given.reason)))).toEqual([
      413, 413,
    ])
  })

  test('that never end are cut off soon after their refusal', async () => {
    const on = await started({}, limits)
    const socket = await dial(on)
    socket.on('error', () => undefined)
    socket.write(
      'POST /mutate HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n',
    )
    const chunk = `400\r\n${' '.repeat(1024)}\r\n`
    const timer = setInterval(() => socket.write(chunk), 5)
    const from = performance.now()
    expect(await restOf(socket)).toMatch(/^HTTP\/1\.1 413 /)
    clearInterval(timer)
    expect(performance.now() - from).toBeLessThan(3_000)
  })

  test('that are judged are bounded together, except for small ones, and their bytes come back', async () => {
    const waiting: (() => void)[] = []
    const on = await started(
      {
        mutate: async () => {
          await new Promise<void>((resolve) => waiting.push(resolve))
          return allowed()
        },
      },
      { ...limits, judgedBytes: 15_000, momentMs: 20, cutOffGraceMs: 20 },
    )
    const first = exchange(on, { body: padded('u-1', 9_000) })
    await expect.poll(() => waiting.length).toBe(1)
    const second = await exchange(on, { body: padded('u-2', 9_000) })
    expect([second.status, second.text]).toEqual([200, expect.stringContaining('code: overloaded')])
    const small = exchange(on, { body: padded('u-small', 1_500) })
    await expect.poll(() => waiting.length).toBe(3)
    for (const go of waiting.splice(0)) go()
    expect(JSON.parse((await small).text).response.allowed).toBe(true)
    expect(JSON.parse((await first).text).response.allowed).toBe(true)
    const third = exchange(on, { body: padded('u-3', 9_000) })
    await expect.poll(() => waiting.length).toBe(1)
    await sleep(60)
    waiting.pop()?.()
    expect(JSON.parse((await third).text).response.allowed).toBe(true)
  })

  test('that come slowest give way to others while too many are read at once', async () => {
    const on = await started({}, limits)
    const slow = await dial(on)
    slow.write('POST /mutate HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ncontent-length: 9000\r\n\r\n')
    slow.write(' '.repeat(8_999))
    await sleep(100)
    const quick = await exchange(on, { body: padded('u-1', 9_000) })
    expect(quick.status).toBe(200)
    const refused = await restOf(slow)
    expect(refused).toMatch(/^HTTP\/1\.1 503 /)
    expect(refused).toContain('overloaded')
    expect((await exchange(on, { body: padded('u-2', 9_000) })).status).toBe(200)
  })

  test('that stop coming are given up', async () => {
    const on = await started({}, { headersMs: 300, bodyMs: 300 })
    const socket = await dial(on)
    socket.write('POST /mutate HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{')
    expect(await restOf(socket)).toMatch(/^HTTP\/1\.1 408 /)
    await vi.waitFor(() => expect(refusals(on)).toMatchObject([{ status: 408, code: 'http-timeout' }]))
    expect((await exchange(on, { method: 'GET', path: '/metrics' })).text).toContain(
      'sealward_http_refused_total{status="408"} 1',
    )
  })

  test('whose sender goes away harm nobody', async () => {
    const on = await started()
    const socket = await dial(on)
    socket.write('POST /mutate HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{')
    socket.destroy()
    await once(socket, 'close')
    const gone = { status: 400, code: 'http-request', error: expect.stringContaining('went away') }
    await vi.waitFor(() => expect(refusals(on)).toMatchObject([gone]))
    expect(await ask(on, reviewOf('u-1'))).toMatchObject({ allowed: true })
  })
})

describe('headers', () => {
  test('that trickle are given up', async () => {
    const on = await started({}, { headersMs: 300 })
    const socket = await dial(on)
    socket.write('POST /mutate HTTP/1.1\r\nhost: a\r\n')
    expect(await restOf(socket)).toMatch(/^HTTP\/1\.1 408 /)
  })

  test('that are too large are refused', async () => {
    const on = await started()
    const socket = await dial(on)
    socket.write(`POST /mutate HTTP/1.1\r\nhost: a\r\nx: ${'y'.repeat(20_000)}\r\n\r\n`)
    expect(await restOf(socket)).toMatch(/^HTTP\/1\.1 431 /)
  })

  test('a connection that is kept open may idle longer than headers may take', async () => {
    const on = await started({}, { headersMs: 200, bodyMs: 200 })
    const socket = await dial(on)
    const ping = 'GET /healthz HTTP/1.1\r\nhost: a\r\n\r\n'
    socket.write(ping)
    expect(String(await once(socket, 'data'))).toContain('200 OK')
    await sleep(1_500)
    socket.write(ping)
    expect(String(await once(socket, 'data'))).toContain('200 OK')
    socket.destroy()
  })
})

describe('other paths', () => {
  test('health, readiness and their bodies', async () => {
    const states = [
      { ready: false, body: { reasons: ['no policy yet'] } },
      { ready: true, body: { policies: 2 } },
    ]
    const on = await started({ ready: () => states.shift() ?? { ready: true, body: {} } })
    const health = await exchange(on, { method: 'GET', path: '/healthz' })
    expect([health.status, JSON.parse(health.text)]).toEqual([200, { status: 'ok' }])
    const not = await exchange(on, { method: 'GET', path: '/readyz' })
    expect([not.status, JSON.parse(not.text)]).toEqual([503, { ready: false, reasons: ['no policy yet'] }])
    const yes = await exchange(on, { method: 'GET', path: '/readyz' })
    expect([yes.status, JSON.parse(yes.text)]).toEqual([200, { ready: true, policies: 2 }])
    const head = await exchange(on, { method: 'HEAD', path: '/readyz?verbose' })
    expect([head.status, head.text]).toEqual([200, ''])
  })

  test('metrics count answers by path, outcome and code, and refusals by status', async () => {
    const on = await started({ mutate: async () => denied('signature-missing', 'no') })
    await ask(on, reviewOf('u-1'))
    await ask(on, reviewOf('u-2'), '/validate')
    await exchange(on, { path: '/nothing', body: '{}' })
    const { status, text, headers } = await exchange(on, { method: 'GET', path: '/metrics' })
    expect([status, headers['content-type']]).toEqual([200, 'text/plain; version=0.0.4; charset=utf-8'])
    const lines = text.split('\n')
    expect(lines).toContain(
      'sealward_admission_answers_total{path="mutate",outcome="denied",code="signature-missing"} 1',
    )
    expect(lines).toContain('sealward_admission_answers_total{path="validate",outcome="allowed",code=""} 1')
    expect(lines).toContain('sealward_admission_duration_seconds_count{path="mutate"} 1')
    expect(lines).toContain('sealward_http_refused_total{status="404"} 1')
    expect(lines).toContain('sealward_connections 1')
    expect(text).toMatch(/^sealward_certificate_expires_timestamp_seconds \d/m)
  })

  test('an unknown path, another method, and a sender of nonsense', async () => {
    const on = await started()
    const unknown = await exchange(on, { method: 'GET', path: '/mutate/' })
    expect([unknown.status, JSON.parse(unknown.text).code]).toEqual([404, 'http-request'])
    const read = await exchange(on, { method: 'GET', path: '/mutate' })
    expect([read.status, read.headers['allow']]).toEqual([405, 'POST'])
    const write = await exchange(on, { path: '/healthz', body: '{}' })
    expect([write.status, write.headers['allow']]).toEqual([405, 'GET, HEAD'])
    const socket = await dial(on)
    socket.write('nonsense\r\n\r\n')
    expect(await restOf(socket)).toMatch(/^HTTP\/1\.1 400 /)
    expect(await ask(on, reviewOf('u-1'))).toMatchObject({ allowed: true })
  })
})
