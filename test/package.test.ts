// The published package: exactly the files that npm would pack, in an empty folder.

import { execFile, spawn } from 'node:child_process'
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import process from 'node:process'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { programHelp } from '#app/cli/help.ts'
import { commands } from '#app/cli/table.ts'
import { startDemoRegistry } from '#app/demo/registry.ts'
import { version } from '../src/version.ts'
import { pushImage } from './support/images.ts'

const run = promisify(execFile)
const denyAll = `apiVersion: sealward.dev/v1alpha1
kind: ClusterTrustPolicy
metadata: { name: everything }
spec: { mode: Enforce, otherwise: Deny }
`

const manifest = JSON.parse(readFileSync('package.json', 'utf8'))

describe('the package', () => {
  let root: string
  let packed: readonly string[]

  beforeAll(async () => {
    const build = mkdtempSync(join(tmpdir(), 'sealward-build-'))
    root = mkdtempSync(join(tmpdir(), 'sealward-package-'))
    for (const name of ['package.json', ...manifest.files]) {
      if (name !== 'dist') cpSync(name, join(build, name), { recursive: true })
    }
    await run(process.execPath, ['scripts/build.ts', join(build, 'dist')])
    const { stdout } = await run('npm', ['pack', '--dry-run', '--json', '--ignore-scripts', '--loglevel=error'], {
      cwd: build,
    })
    packed = JSON.parse(stdout)[0].files.map(({ path }: { path: string }) => path)
    for (const path of packed) cpSync(join(build, path), join(root, path), { recursive: true })
    rmSync(build, { recursive: true, force: true })
  }, 60_000)

  afterAll(() => rmSync(root, { recursive: true, force: true }))

  const program = (...args: string[]) =>
    run(process.execPath, [join(root, 'bin/sealward.js'), ...args], {
      cwd: root,
      env: { PATH: process.env['PATH'] ?? '', HOME: root, COSIGN_PASSWORD: '' },
    })

  test('holds what it needs and nothing else: no sources, no tests', () => {
    const tops = new Set(packed.map((path) => path.split('/')[0]))
    expect([...tops].sort()).toEqual(['CHANGELOG.md', 'LICENSE', 'README.md', 'bin', 'dist', 'package.json'])
    expect(manifest.version).toBe(version)
    expect(existsSync(join(root, manifest.bin.sealward))).toBe(true)
    expect(dirname(manifest.bin.sealward)).toBe('bin')
  })

  test('prints version and help', async () => {
    const [told, help] = await Promise.all([program('--version'), program('--help')])
    expect(told.stdout).toBe(`${version}\n`)
    expect(help.stdout).toBe(programHelp())
  })

  test.each(commands.map(({ name }) => name))('%s is in the bundle', async (name) => {
    const { stdout } = await program(...name.split(' '), '--help')
    expect(stdout).toContain(`Usage: sealward ${name}`)
  })

  test('makes a key, signs and verifies', async () => {
    const registry = await startDemoRegistry()
    try {
      const { pinned } = await pushImage(registry.host, 'team/app', 'v1')
      await program('keys', 'generate')
      await program('sign', '--key', 'cosign.key', pinned)
      const { stdout } = await program('verify', '--key', 'cosign.pub', pinned)
      expect(stdout).toContain('trusted')
    } finally {
      await registry.close()
    }
  })

  test('keeps records: the thread that writes them is in the bundle', async () => {
    writeFileSync(join(root, 'policy.yaml'), denyAll)
    const args = ['serve', '--policy', 'policy.yaml', '--listen', '127.0.0.1:0', '--store', root]
    const served = spawn(process.execPath, [join(root, 'bin/sealward.js'), ...args], { cwd: root })
    const ended = new Promise<number | null>((resolve) => served.once('exit', resolve))
    await new Promise<void>((resolve) => {
      served.stderr.on('data', (text) => String(text).includes('listening on https') && resolve())
      served.once('exit', () => resolve())
    })
    served.kill()
    expect(await ended).toBe(0)
    const { stdout } = await program('decisions', 'verify', '--store', root)
    expect(stdout).toMatch(/The record is whole\.\nrecords: {2}0\n.*\nruns: {5}1\n/)
  })

  test('is hardened', async () => {
    const probe = join(root, 'probe.cjs')
    writeFileSync(probe, "process.once('exit', () => process.stdout.write(String(Object.isFrozen(JSON))))")
    const { stdout } = await run(process.execPath, ['--require', probe, join(root, 'bin/sealward.js'), '--version'])
    expect(stdout).toBe(`${version}\ntrue`)
  })

  test('starts with a small file: what is heavy is loaded on use', () => {
    const eager = eagerly(join(root, 'dist'), 'main.js')
    expect(eager).toHaveLength(2)
    const total = eager.reduce((sum, name) => sum + statSync(join(root, 'dist', name)).size, 0)
    // Commands, their help and the table of codes: 33 KB. The HTTP client alone is ten times as much.
    expect(total).toBeLessThan(64_000)
    expect(readdirSync(join(root, 'dist')).length).toBeGreaterThan(eager.length + 10)
  })
})

/** The chunks that are loaded before anything runs. */
function eagerly(folder: string, name: string, seen: string[] = []): readonly string[] {
  if (seen.includes(name)) return seen
  seen.push(name)
  const text = readFileSync(join(folder, name), 'utf8')
  for (const [, target = ''] of text.matchAll(/(?<!\(\)\s*=>\s*)\brequire\([`"']\.\/([^`"']+)[`"']\)/g))
    eagerly(folder, target, seen)
  return seen
}
