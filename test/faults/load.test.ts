// The stream that judges the runs of faults must see what it is there for.

import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { makeServingCertificate } from '#app/server/certificate.ts'
import type { Handlers } from '#app/server/handlers.ts'
import { type AdmissionAnswer, allowed, allowedWithPatch, denied } from '#core/admission/answer.ts'
import { start, type TestServer } from '../app/server/harness.ts'
import { stall } from '../support/hostile-answers.ts'
import { startStubRegistry } from '../support/stub-registry.ts'
import type { Shot } from './images.ts'
import type { Answered } from './load.ts'
import { startStream } from './load.ts'

let server: TestServer | undefined
afterEach(() => server?.close())

const digest = `sha256:${'a'.repeat(64)}`
const shot = (isSigned: boolean, isTagged: boolean): Shot => {
  return { image: isTagged ? 'r.example.com/app:v1' : `r.example.com/app@${digest}`, digest, isSigned, isTagged }
}

/** What a Pod of this image counts as, if the webhook answers so. */
async function counted(asked: Shot, mutate: Handlers['mutate']): Promise<Answered | undefined> {
  server = await start({ mutate }, { lingerMs: 0 })
  const target = { port: server.port, authorities: [server.ca] }
  const stream = startStream(target, () => asked, { perSecond: 10, timeoutMs: 10_000 })
  await expect.poll(() => stream.answered.length, { timeout: 10_000 }).toBeGreaterThan(0)
  await stream.stop()
  return stream.answered[0]
}

const pinned = (to: string): AdmissionAnswer =>
  allowedWithPatch([{ op: 'replace', path: '/spec/containers/0/image', value: `r.example.com/app:v1@${to}` }])
const because = (code: Parameters<typeof denied>[0]) => denied(code, `No.\n\ncode: ${code}`)

describe('an answer', () => {
  test.each([
    ['a yes to an unsigned image', shot(false, true), pinned(digest), 'wrong'],
    ['a yes to a signed image that does not pin its tag', shot(true, true), allowed(), 'wrong'],
    ['a yes that pins another digest', shot(true, true), pinned(`sha256:${'b'.repeat(64)}`), 'wrong'],
    ['"unsigned" said of a signed image', shot(true, false), because('signature-missing'), 'wrong'],
    ['a denial without a code', shot(true, false), denied('signature-missing', 'No.'), 'wrong'],
    ['a yes that pins the digest', shot(true, true), pinned(digest), 'right'],
    ['a yes to a signed image by digest', shot(true, false), allowed(), 'right'],
    ['"unsigned" said of an unsigned image', shot(false, true), because('signature-missing'), 'right'],
    ['"could not find out" of a signed image', shot(true, true), because('registry-timeout'), 'undetermined'],
    ['"could not find out" of an unsigned image', shot(false, true), because('overloaded'), 'undetermined'],
  ] as const)('%s counts as it should', async (_what, asked, answer, kind) => {
    expect(await counted(asked, async () => answer)).toMatchObject({ kind, again: 0 })
  })

  test('that does not come is lost', async () => {
    const { certPem: certificate, keyPem: key, caPem } = makeServingCertificate(['127.0.0.1'], Date.now())
    const silent = await startStubRegistry({ certificate, key })
    silent.on('POST', '/mutate', stall)
    const port = Number(silent.host.split(':')[1])
    const next = () => shot(true, true)
    const stream = startStream({ port, authorities: [caPem] }, next, { perSecond: 10, timeoutMs: 600 })
    await expect.poll(() => stream.answered.length, { timeout: 10_000 }).toBeGreaterThan(0)
    await stream.stop()
    expect(stream.answered[0]).toMatchObject({ kind: 'lost', again: 0 })
    await silent.close()
  })
})

describe('a server that is away', () => {
  let port = 0
  beforeEach(async () => {
    const gone = await start({}, { lingerMs: 0 })
    port = gone.port
    await gone.close()
  })

  test('is asked again, and what nobody answered in time is lost', async () => {
    const stream = startStream({ port, authorities: [] }, () => shot(true, true), { perSecond: 10, timeoutMs: 600 })
    await expect.poll(() => stream.answered.length, { timeout: 10_000 }).toBeGreaterThan(0)
    await stream.stop()
    expect(stream.answered[0]).toMatchObject({ kind: 'lost' })
    expect(stream.answered[0]?.again).toBeGreaterThan(1)
  })
})
