// `sealward serve` and `sealward demo` as a person runs them: processes, sockets, signals, files that change.

import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { Agent, request } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { reviewOf } from '../../support/served.ts'

const run = promisify(execFile)
const program = 'bin/sealward.js'

const policy = (otherwise: 'Accept' | 'Deny') => `apiVersion: sealward.dev/v1alpha1
kind: ClusterTrustPolicy
metadata: { name: everything }
spec: { mode: Enforce, otherwise: ${otherwise} }
`

const review = reviewOf('a-uid')

interface Served {
  readonly url: string
  readonly ca: string
  readonly process: ChildProcess
  readonly exited: Promise<number | null>
}

let folder: string
let served: Served | undefined

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'sealward-serve-'))
})

afterEach(() => {
  served?.process.kill('SIGKILL')
  served = undefined
  rmSync(folder, { recursive: true, force: true })
})

async function serve(): Promise<Served> {
  const ca = join(folder, 'ca.pem')
  const args = [
    'serve',
    '--policy',
    join(folder, 'policy.yaml'),
    '--listen',
    '127.0.0.1:0',
    '--tls-ca-out',
    ca,
    '--log-level',
    'error',
  ]
  const child = spawn(process.execPath, [program, ...args], { stdio: ['ignore', 'ignore', 'pipe'] })
  const exited = new Promise<number | null>((resolve) => child.once('exit', resolve))
  const url = await new Promise<string>((resolve, reject) => {
    let text = ''
    child.stderr.on('data', (part: Buffer) => {
      text += part.toString()
      const found = /listening on (\S+)/.exec(text)
      if (found?.[1] !== undefined) resolve(found[1])
    })
    child.once('exit', () => reject(new Error(`serve ended: ${text}`)))
  })
  return { url, ca: readFileSync(ca, 'utf8'), process: child, exited }
}

interface Answer {
  readonly status: number
  readonly body: string
}

function send(url: string, agent: Agent, body?: string, onSent?: () => void): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const headers =
      body === undefined ? {} : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) }
    const sent = request(url, { method: body === undefined ? 'GET' : 'POST', agent, headers }, (response) => {
      const parts: Buffer[] = []
      response.on('data', (part: Buffer) => parts.push(part))
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body: Buffer.concat(parts).toString() }))
      response.on('error', reject)
    })
    sent.on('error', reject)
    sent.end(body, onSent)
  })
}

describe('sealward serve', () => {
  test('denies over TLS with its own authority, in the words of the policy', async () => {
    writeFileSync(join(folder, 'policy.yaml'), policy('Deny'))
    served = await serve()
    const agent = new Agent({ ca: served.ca })
    const { status, body } = await send(`${served.url}/mutate?timeout=5s`, agent, review)
    expect(status).toBe(200)
    const { response } = JSON.parse(body)
    expect(response).toMatchObject({ uid: 'a-uid', allowed: false, status: { code: 403, reason: 'Forbidden' } })
    expect(response.status.message).toContain('code: no-rule')
    await expect(send(`${served.url}/mutate`, new Agent(), review)).rejects.toThrow(/certificate/)
    agent.destroy()
  })

  test('FT-03, PC-06: takes an edit of the policy, keeps the last good one over a bad edit, and says so', async () => {
    const file = join(folder, 'policy.yaml')
    writeFileSync(file, policy('Deny'))
    served = await serve()
    const agent = new Agent({ ca: served.ca, keepAlive: true })
    const { url } = served
    const allowed = async () => JSON.parse((await send(`${url}/validate`, agent, review)).body).response.allowed
    const ready = async () => JSON.parse((await send(`${url}/readyz`, agent)).body)
    expect(await allowed()).toBe(false)
    writeFileSync(file, policy('Accept'))
    await expect.poll(allowed, { timeout: 10_000, interval: 100 }).toBe(true)
    writeFileSync(file, policy('Deny').replace('otherwise', 'othrwise'))
    await expect.poll(async () => (await ready()).problem, { timeout: 10_000, interval: 100 }).toContain('othrwise')
    expect(await allowed()).toBe(true)
    rmSync(file)
    await expect
      .poll(async () => (await ready()).problem, { timeout: 10_000, interval: 100 })
      .toContain('no ClusterTrustPolicy')
    expect(await allowed()).toBe(true)
    agent.destroy()
  }, 60_000)

  test('answers every request whose headers arrived when SIGTERM comes under load, and ends with 0 within 10 s', async () => {
    writeFileSync(join(folder, 'policy.yaml'), policy('Deny'))
    served = await serve()
    const { url } = served
    const agent = new Agent({ ca: served.ca, keepAlive: true, maxSockets: 20 })
    // A connection that the server has not accepted yet may be refused; one that it has answered before may not.
    await Promise.all(Array.from({ length: 20 }, () => send(`${url}/mutate?timeout=5s`, agent, review)))
    const sent = { count: 0, answered: 0, lost: [] as string[] }
    let stopping = false
    const clients = Array.from({ length: 20 }, async () => {
      while (!stopping) {
        let arrived = false
        try {
          const answer = await send(`${url}/mutate?timeout=5s`, agent, review, () => {
            arrived = true
            sent.count++
          })
          expect(JSON.parse(answer.body).response.uid).toBe('a-uid')
          sent.answered++
        } catch (error) {
          const refused = error instanceof Error && 'code' in error && error.code === 'ECONNREFUSED'
          if (arrived && !refused) sent.lost.push(String(error))
          return
        }
        await new Promise((resolve) => setTimeout(resolve, 100))
      }
    })
    await new Promise((resolve) => setTimeout(resolve, 1_000))
    const started = performance.now()
    served.process.kill('SIGTERM')
    setTimeout(() => {
      stopping = true
    }, 500)
    await Promise.all(clients)
    agent.destroy()
    expect(await served.exited).toBe(0)
    expect(performance.now() - started).toBeLessThan(10_000)
    expect(sent.lost).toEqual([])
    expect(sent.answered).toBeGreaterThan(100)
  }, 60_000)

  test.each([
    [['--policy', 'no-such-file'], 'file-unreadable'],
    [[], 'usage'],
    [['--policy', 'POLICY', '--listen', 'nowhere'], 'usage'],
    [['--policy', 'POLICY', '--tls-cert', 'POLICY'], 'usage'],
    [['--policy', 'POLICY', '--kube'], 'usage'],
    [['--policy', 'POLICY', '--pull-secrets'], 'usage'],
    [['--policy', 'POLICY', '--store', 'postgres://x/y'], 'usage'],
    // Flags are looked at before any file is.
    [['--policy', 'no-such-file', '--store', 'a.db', '--store-keep', 'soon'], 'usage'],
    [['--policy', 'no-such-file', '--store', 'a.db', '--store-keep-records', '0'], 'usage'],
    [['--policy', 'no-such-file', '--store-keep', '9d'], 'usage'],
    [['--policy', 'no-such-file', '--store-keep-records', '9'], 'usage'],
    [
      ['--policy', 'no-such-file', '--store', 'a.db', '--store-keep', '9d', '--store-keep-records', '9'],
      'file-unreadable',
    ],
  ])('ends with 2 for %j, saying why', async (args, code) => {
    writeFileSync(join(folder, 'policy.yaml'), policy('Deny'))
    const words = args.map((word) => word.replace('POLICY', join(folder, 'policy.yaml')))
    const failed = await run(process.execPath, [program, 'serve', ...words]).catch((error) => error)
    expect(failed).toMatchObject({ code: 2, stderr: expect.stringContaining(`code: ${code}`) })
  })
})

describe('sealward demo', () => {
  test('plays its scenario and ends with 0, because every verdict is the expected one', async () => {
    const { stdout } = await run(process.execPath, [program, 'demo', '--once'])
    for (const code of [
      'signature-missing',
      'signature-by-stranger',
      'denied-by-rule',
      'no-rule',
      'registry-unreachable',
    ]) {
      expect(stdout).toContain(code)
    }
    expect(stdout).toContain('pinned to sha256:')
    expect(stdout).toContain('All 10 verdicts are the expected ones.')
  }, 60_000)
})
