// `npm run cluster`, as a person uses it: what it prints works, and Ctrl-C leaves nothing.

import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import process from 'node:process'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { missing, titled } from '../support/tools.ts'
import { clusterTools } from './control-plane.ts'

/** Eight seconds on a quiet machine; with five other suites at work on two cores it took 43. */
const startMs = 150_000

describe.skipIf(missing(...clusterTools))(titled('npm run cluster', ...clusterTools), () => {
  let child: ChildProcess
  let said = ''
  beforeAll(async () => {
    // A group of its own, as a terminal gives it: Ctrl-C reaches every process in it.
    child = spawn(process.execPath, ['scripts/cluster.ts'], { detached: true, stdio: ['ignore', 'pipe', 'pipe'] })
    for (const stream of [child.stdout, child.stderr]) {
      stream?.on('data', (part: Buffer) => {
        said += part.toString()
      })
    }
    await vi.waitUntil(() => said.includes('Ctrl-C ends it') || child.exitCode !== null, { timeout: startMs })
  }, startMs + 5_000)
  afterAll(() => {
    if (child.exitCode === null) child.kill()
  })

  const settings = () => /^ {2}(export KUBECONFIG=.*)$/m.exec(said)?.[1] ?? 'false'
  const commands = () => [...said.matchAll(/^ {2}(kubectl .*)$/gm)].map(([, line = '']) => line)
  const run = (line: string) =>
    new Promise<string>((resolve) => {
      const script = `${settings()}; ${line}`
      execFile('bash', ['-c', script], (error, stdout, stderr) => resolve(`${error?.code ?? 0} ${stdout}${stderr}`))
    })

  test('prints three commands that do what it says', async () => {
    const [signed = '', unsigned = '', policies = '', ...others] = commands()
    expect(others, said).toEqual([])
    expect(await run(signed)).toBe('0 deployment.apps/signed created\n')
    expect(await run('kubectl get deployment signed -o wide')).toMatch(/shop\/app:signed@sha256:[0-9a-f]{64}/)
    const refused = await run(unsigned)
    expect(refused).toMatch(/^1 error: failed to create deployment: admission webhook "images\.sealward\.dev" denied/)
    expect(refused).toContain('code: signature-missing')
    expect(await run(policies)).toMatch(/^demo +Enforce +Active/m)
  })

  test('ends by Ctrl-C in order, with everything that it made', async () => {
    const [, kubeconfig = ''] = /KUBECONFIG=(\S+)/.exec(said) ?? []
    expect(existsSync(kubeconfig)).toBe(true)
    process.kill(-(child.pid ?? 0), 'SIGINT')
    await vi.waitUntil(() => child.exitCode !== null, { timeout: 30_000 })
    expect(child.exitCode).toBe(0)
    expect(existsSync(kubeconfig)).toBe(false)
    expect(() => process.kill(-(child.pid ?? 0), 0)).toThrow('ESRCH')
  }, 40_000)
})
