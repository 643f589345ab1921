// Bodies in many small pieces: what they cost is counted in pieces, and whoever sends too many of them is told so.

import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { allowed } from '#core/admission/answer.ts'
import type { AdmissionRequest } from '#core/admission/review.ts'
import { dial, exchange, restOf, reviewOf, start, type TestServer } from './harness.ts'

let server: TestServer
const judged: AdmissionRequest[] = []

beforeAll(async () => {
  server = await start({
    mutate: async (request) => {
      judged.push(request)
      return allowed()
    },
  })
})

afterAll(() => server.close())

const chunked = (line: string) =>
  `${line} HTTP/1.1\r\nhost: a\r\nconnection: close\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n`

function inPieces(text: string, size: number): string {
  const pieces: string[] = []
  for (let at = 0; at < text.length; at += size) {
    const piece = text.slice(at, at + size)
    pieces.push(`${piece.length.toString(16)}\r\n${piece}\r\n`)
  }
  return `${pieces.join('')}0\r\n\r\n`
}

async function send(line: string, body: string): Promise<string> {
  const socket = await dial(server)
  socket.on('error', () => {})
  socket.write(chunked(line))
  socket.write(body)
  return restOf(socket)
}

/** A review whose object holds a text of this length, different at every place. */
function long(length: number) {
  const note = Array.from({ length: length / 8 }, (_, index) => String(index).padStart(8, '-')).join('')
  const object = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'web', annotations: { note } },
    spec: { containers: [] },
  }
  return { note, text: JSON.stringify(reviewOf('u-1', { object })) }
}

describe('AD-16: a body in pieces of a byte', () => {
  test('is refused with its reason, long before it has its cap', async () => {
    judged.length = 0
    const given = await send('POST /mutate', inPieces(long(8_000).text, 1))
    expect(given).toMatch(/^HTTP\/1\.1 400 /)
    expect(given).toContain('"code":"http-request"')
    expect(judged).toEqual([])
  })

  test('is refused where no body is read at all', async () => {
    expect(await send('GET /healthz', inPieces('x', 1))).toMatch(/^HTTP\/1\.1 400 /)
    const body = 'x'
    const headers = { 'content-length': '1' }
    expect((await exchange(server, { method: 'GET', path: '/metrics', headers, body })).status).toBe(400)
  })

  test('neighbour: a question without a body is answered', async () => {
    for (const headers of [{}, { 'content-length': '0' }]) {
      expect((await exchange(server, { method: 'GET', path: '/healthz', headers })).status).toBe(200)
    }
  })

  test('neighbour: a small review is read whole, however it is cut', async () => {
    for (const size of [1, 2, 100]) {
      judged.length = 0
      const { note, text } = long(400)
      expect(await send('POST /mutate', inPieces(text, size))).toContain('"allowed":true')
      expect(judged).toMatchObject([{ object: { metadata: { annotations: { note } } } }])
    }
  })

  test('neighbour: a large one in thousands of pieces as a network makes them is read whole', async () => {
    for (const size of [300, 1_400, 16_384]) {
      judged.length = 0
      const { note, text } = long(800_000)
      expect(await send('POST /mutate', inPieces(text, size))).toContain('"allowed":true')
      expect(judged).toMatchObject([{ object: { metadata: { annotations: { note } } } }])
    }
  })
})
