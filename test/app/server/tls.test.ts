import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls'
import { promisify } from 'node:util'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { makeServingCertificate } from '#app/server/certificate.ts'
import type { RunningServer } from '#app/server/server.ts'
import { encodePem, parsePem } from '#core/encoding/pem.ts'
import { refusal, refusalCode } from '../../support/coded.ts'
import { missing, needed, titled } from '../../support/tools.ts'
import { ask, dial, reviewOf, start } from './harness.ts'

let folder = ''
let server: RunningServer | undefined

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sealward-tls-'))
})

afterEach(async () => {
  await server?.close()
  server = undefined
  await rm(folder, { recursive: true })
})

const at = (name: string) => join(folder, name)

async function writePair(names: readonly string[]): Promise<ReturnType<typeof makeServingCertificate>> {
  const made = makeServingCertificate(names, Date.now())
  await writeFile(at('tls.crt'), made.certPem)
  await writeFile(at('tls.key'), made.keyPem)
  return made
}

const files = () => ({ kind: 'files', cert: at('tls.crt'), key: at('tls.key') }) as const

/** The fingerprint of the certificate that a new connection is shown. */
async function shown(port: number): Promise<string> {
  const socket = connect({ host: '127.0.0.1', port, rejectUnauthorized: false })
  await once(socket, 'secureConnect')
  const { fingerprint256 } = socket.getPeerCertificate()
  socket.destroy()
  return fingerprint256
}

async function pinged(socket: TLSSocket): Promise<string> {
  socket.write('GET /healthz HTTP/1.1\r\nhost: a\r\n\r\n')
  const [data] = await once(socket, 'data')
  return String(data).split('\r\n')[0] ?? ''
}

describe('the connection', () => {
  test('is TLS 1.2 or newer and HTTP/1.1, and can be resumed by ticket', async () => {
    const on = await start()
    server = on
    const options = { host: '127.0.0.1', port: on.port, ca: on.ca, ALPNProtocols: ['h2', 'http/1.1'] }
    const first = connect(options)
    const session = once(first, 'session')
    await once(first, 'secureConnect')
    expect([first.getProtocol(), first.alpnProtocol, first.isSessionReused()]).toEqual(['TLSv1.3', 'http/1.1', false])
    const [ticket] = await session
    const second = connect({ ...options, session: ticket })
    await once(second, 'secureConnect')
    expect(second.isSessionReused()).toBe(true)
    first.destroy()
    second.destroy()
    const old = connect({ ...options, minVersion: 'TLSv1', maxVersion: 'TLSv1.1' })
    const [refused] = await once(old, 'error')
    expect(String(refused.code)).toMatch(/^ERR_SSL/)
  })

  test('is refused by whoever does not trust the authority, or asks for another name', async () => {
    const on = await start()
    server = on
    const failure = async (options: ConnectionOptions) => {
      const [error] = await once(connect({ host: '127.0.0.1', port: on.port, ...options }), 'error')
      return error.code
    }
    expect(await failure({})).toMatch(/UNABLE_TO_VERIFY|UNABLE_TO_GET_ISSUER/)
    expect(await failure({ ca: on.ca, servername: 'other.example.com' })).toBe('ERR_TLS_CERT_ALTNAME_INVALID')
  })

  test('stays open for longer than the API server keeps it', async () => {
    const on = await start()
    server = on
    const socket = await dial(on)
    socket.write('GET /healthz HTTP/1.1\r\nhost: a\r\n\r\n')
    const [data] = await once(socket, 'data')
    expect(Number(/keep-alive: timeout=(\d+)/i.exec(String(data))?.[1])).toBeGreaterThan(90)
    socket.destroy()
  })
})

describe('a self-made authority', () => {
  test('is written whole to the file that was asked for, readable by all, without a key', async () => {
    const tls = { kind: 'self-made', names: ['127.0.0.1'], caOut: at('ca.crt') } as const
    const on = await start({}, {}, { tls })
    server = on
    expect(await readFile(at('ca.crt'), 'utf8')).toBe(on.ca)
    expect((await stat(at('ca.crt'))).mode & 0o777).toBe(0o644)
    expect(on.ca).not.toContain('PRIVATE')
    expect(await ask(on, reviewOf('u-1'))).toMatchObject({ allowed: true })
  })

  test('is an error where it cannot be written', async () => {
    const tls = { kind: 'self-made', names: ['127.0.0.1'], caOut: at('no/such/ca.crt') } as const
    expect(await refusalCode(start({}, {}, { tls }))).toBe('file-unwritable')
  })
})

describe('FT-04: a certificate that somebody renews', () => {
  const pairOf = ({ certPem: cert, keyPem: key }: ReturnType<typeof makeServingCertificate>) => ({ cert, key })

  test('neighbour: is taken up without disturbing anybody, and no longer once the server is closed', async () => {
    const made = makeServingCertificate(['127.0.0.1'], Date.now())
    const tellers = new Set<(pair: ReturnType<typeof pairOf>) => void>()
    const watch = (tell: (pair: ReturnType<typeof pairOf>) => void) => {
      tellers.add(tell)
      return () => {
        tellers.delete(tell)
      }
    }
    const on = await start({}, {}, { tls: { kind: 'live', first: pairOf(made), watch } })
    server = on
    const before = await shown(on.port)
    const kept = connect({ host: '127.0.0.1', port: on.port, ca: made.caPem })
    await once(kept, 'secureConnect')
    for (const tell of tellers) tell(pairOf(makeServingCertificate(['127.0.0.1'], Date.now())))
    expect(await shown(on.port)).not.toBe(before)
    expect(await pinged(kept)).toBe('HTTP/1.1 200 OK')
    kept.destroy()
    await on.close()
    expect(tellers.size).toBe(0)
  })

  test('leaves the old one in place if it is no pair', async () => {
    const made = makeServingCertificate(['127.0.0.1'], Date.now())
    let tell: (pair: ReturnType<typeof pairOf>) => void = () => undefined
    const watch = (given: typeof tell) => {
      tell = given
      return () => undefined
    }
    const on = await start({}, {}, { tls: { kind: 'live', first: pairOf(made), watch } })
    server = on
    const before = await shown(on.port)
    tell({ ...pairOf(made), key: makeServingCertificate(['127.0.0.1'], Date.now()).keyPem })
    expect(await shown(on.port)).toBe(before)
    expect(on.lines.join('')).toContain('kept the old serving certificate')
    expect(on.lines.join('')).not.toContain('PRIVATE')
  })
})

describe('FT-04: certificate files', () => {
  test('neighbour: are taken up when they change, without disturbing anybody', async () => {
    const made = await writePair(['127.0.0.1'])
    const on = await start({}, { reloadMs: 30 }, { tls: files() })
    server = on
    const before = await shown(on.port)
    const kept = connect({ host: '127.0.0.1', port: on.port, ca: made.caPem })
    await once(kept, 'secureConnect')
    await writePair(['127.0.0.1', 'localhost'])
    await expect.poll(() => shown(on.port), { timeout: 5_000 }).not.toBe(before)
    expect(await pinged(kept)).toBe('HTTP/1.1 200 OK')
    kept.destroy()
    expect(on.lines.join('')).toContain('took a new serving certificate')
  })

  test('that are no pair any more leave the old one in place, said once, until they are', async () => {
    await writePair(['127.0.0.1'])
    const on = await start({}, { reloadMs: 20 }, { tls: files() })
    server = on
    const before = await shown(on.port)
    const complaints = () => on.lines.filter((line) => line.includes('kept the old serving certificate'))
    const next = makeServingCertificate(['127.0.0.1'], Date.now())
    await writeFile(at('tls.crt'), next.certPem)
    await expect.poll(complaints).toHaveLength(1)
    await sleep(150)
    expect(complaints()).toHaveLength(1)
    expect(complaints()[0]).toContain('tls-invalid')
    expect(await shown(on.port)).toBe(before)
    await rm(at('tls.key'))
    await expect.poll(complaints).toHaveLength(2)
    expect(await shown(on.port)).toBe(before)
    await writeFile(at('tls.key'), next.keyPem)
    await expect.poll(() => shown(on.port), { timeout: 5_000 }).not.toBe(before)
  })

  test('neighbour: lose no request when they and their authority change under load', async () => {
    const made = await writePair(['127.0.0.1'])
    const on = await start({}, { reloadMs: 10 }, { tls: files() })
    server = on
    let ca = made.caPem
    let failures = 0
    for (let round = 0; round < 5; round++) {
      const next = makeServingCertificate(['127.0.0.1'], Date.now())
      const trusting = { ...on, ca: `${ca}${next.caPem}` }
      const sent = Array.from({ length: 40 }, async (_, index) => {
        await sleep(index)
        return ask(trusting, reviewOf(`u-${round}-${index}`))
      })
      await writeFile(at('tls.crt'), next.certPem)
      await sleep(15)
      await writeFile(at('tls.key'), next.keyPem)
      ca = next.caPem
      const answers = await Promise.allSettled(sent)
      failures += answers.filter((given) => given.status === 'rejected').length
      await expect.poll(() => ask({ ...on, ca }, reviewOf('u')).catch(() => undefined)).toMatchObject({ allowed: true })
    }
    expect(failures).toBe(0)
  })

  test.each([
    ['is not there', async () => rm(at('tls.key')), 'file-unreadable', 'tls.key: there is no such file'],
    ['is empty', async () => writeFile(at('tls.key'), ''), 'tls-invalid', 'tls.key: it holds no private key in PEM'],
    [
      'is no PEM',
      async () => writeFile(at('tls.crt'), 'hello'),
      'tls-invalid',
      'tls.crt: it holds no certificate in PEM',
    ],
    [
      'is the other one',
      async () => writeFile(at('tls.crt'), await readFile(at('tls.key'))),
      'tls-invalid',
      'tls.crt: it holds no certificate in PEM',
    ],
    [
      'is sealed',
      async () => writeFile(at('tls.key'), encodePem('ENCRYPTED PRIVATE KEY', Buffer.alloc(9))),
      'tls-invalid',
      'tls.key: its private key is encrypted',
    ],
    [
      'is damaged',
      async () => writeFile(at('tls.key'), encodePem('PRIVATE KEY', Buffer.alloc(9))),
      'tls-invalid',
      'tls.key: its private key is damaged: ',
    ],
    [
      'is far too large',
      async () => writeFile(at('tls.crt'), Buffer.alloc(2_000_000)),
      'input-too-large',
      'tls.crt is larger',
    ],
    [
      'belongs to another key',
      async () => writeFile(at('tls.crt'), makeServingCertificate(['a'], Date.now()).certPem),
      'tls-invalid',
      'tls.key: it is not the key of the certificate in ',
    ],
    [
      'ends in a month that is none',
      async () => writeFile(at('tls.crt'), endless(await readFile(at('tls.crt'), 'utf8'))),
      'tls-invalid',
      'tls.crt: ',
    ],
  ])('one of which %s stop the start, with its name', async (_, spoil, code, said) => {
    await writePair(['127.0.0.1'])
    await spoil()
    const refused = await refusal(start({}, {}, { tls: files() }))
    expect([refused.code, refused.message]).toEqual([code, expect.stringContaining(`${folder}/${said}`)])
  })
})

/** The first certificate with `99` for the month of its end. */
function endless(chain: string): string {
  const [leaf] = parsePem(chain)
  const written = Buffer.from(leaf?.bytes ?? []).toString('latin1')
  const spoilt = written.replace(/(\d{10,12}Z..\d*)\d\d(?=\d{8}Z)/s, '$199')
  expect(spoilt).not.toBe(written)
  return encodePem('CERTIFICATE', Buffer.from(spoilt, 'latin1'))
}

test('a port that is taken is said', async () => {
  const on = await start()
  server = on
  expect(await refusalCode(start({}, {}, { port: on.port }))).toBe('listen-failed')
})

describe.skipIf(missing('curl'))(titled('curl and a self-made authority', 'curl'), () => {
  test('agree on the connection', async () => {
    const on = await start({}, {}, { tls: { kind: 'self-made', names: ['127.0.0.1'], caOut: at('ca.crt') } })
    server = on
    const { stdout } = await promisify(execFile)(needed('curl'), [
      '--silent',
      '--fail',
      '--noproxy',
      '*',
      '--cacert',
      at('ca.crt'),
      `${on.url}/healthz`,
    ])
    expect(JSON.parse(stdout)).toEqual({ status: 'ok' })
  })
})
