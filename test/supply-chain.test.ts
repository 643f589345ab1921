// What somebody can do who gets at a package that we depend on, tried with npm itself on packages made here.

import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { promisify } from 'node:util'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'

const run = promisify(execFile)

interface LockEntry {
  readonly version?: string
  readonly integrity?: string
  readonly link?: boolean
  readonly hasInstallScript?: boolean
  readonly os?: readonly string[]
  readonly cpu?: readonly string[]
}

describe('JS-06: a dependency that was taken over', () => {
  let project: string
  const tarball = 'planted-1.0.0.tgz'

  /** Packs a package whose installation would leave a file behind, and a project that pins it. */
  beforeEach(async () => {
    project = mkdtempSync(join(tmpdir(), 'sealward-supply-'))
    await pack('module.exports = 1')
    const integrity = `sha512-${createHash('sha512')
      .update(readFileSync(join(project, tarball)))
      .digest('base64')}`
    const dependencies = { planted: `file:${tarball}` }
    writeFileSync(join(project, 'package.json'), JSON.stringify({ name: 'project', version: '1.0.0', dependencies }))
    const planted = { version: '1.0.0', resolved: `file:${tarball}`, integrity, hasInstallScript: true }
    const packages = { '': { name: 'project', version: '1.0.0', dependencies }, 'node_modules/planted': planted }
    writeFileSync(join(project, 'package-lock.json'), JSON.stringify({ lockfileVersion: 3, requires: true, packages }))
  })
  afterEach(() => rmSync(project, { recursive: true, force: true }))

  async function pack(code: string): Promise<void> {
    const source = join(project, 'source')
    mkdirSync(source, { recursive: true })
    const scripts = { install: "node -e \"require('fs').writeFileSync(process.env.INIT_CWD + '/ran', '')\"" }
    writeFileSync(join(source, 'package.json'), JSON.stringify({ name: 'planted', version: '1.0.0', scripts }))
    writeFileSync(join(source, 'index.js'), code)
    await run('npm', ['pack', '--ignore-scripts', '--pack-destination', project, source])
  }

  /** With a cache of its own, so that nothing of the user's decides. */
  const install = (...args: string[]) =>
    run('npm', ['ci', '--offline', '--no-audit', '--cache', join(project, 'cache'), ...args], {
      cwd: project,
      env: { PATH: process.env['PATH'] ?? '', HOME: project },
    })

  test('its install script does not run under the settings that the checkout brings', async () => {
    copyFileSync('.npmrc', join(project, '.npmrc'))
    await install()
    expect(existsSync(join(project, 'node_modules/planted/index.js'))).toBe(true)
    expect(existsSync(join(project, 'ran'))).toBe(false)
  })

  test('neighbour: it would run without them, so the test above can fail', async () => {
    await install('--ignore-scripts=false', '--dangerously-allow-all-scripts')
    expect(existsSync(join(project, 'ran'))).toBe(true)
  })

  test('other content under the same version is not installed', async () => {
    await pack('module.exports = 2')
    copyFileSync('.npmrc', join(project, '.npmrc'))
    await expect(install()).rejects.toThrow('EINTEGRITY')
    expect(existsSync(join(project, 'node_modules/planted/index.js'))).toBe(false)
  })
})

describe('our own dependencies', () => {
  const manifest = JSON.parse(readFileSync('package.json', 'utf8'))
  const { packages }: { packages: Readonly<Record<string, LockEntry>> } = JSON.parse(
    readFileSync('package-lock.json', 'utf8'),
  )
  const foreign = Object.entries(packages).filter(([path]) => path.includes('node_modules/'))

  test('are pinned to one version each, so that a new one comes only by a commit', () => {
    for (const group of [manifest.dependencies, manifest.devDependencies]) {
      for (const [name, range] of Object.entries(group)) {
        expect(range, name).toMatch(/^\d+\.\d+\.\d+(-[\w.]+)?$/)
        expect(packages[`node_modules/${name}`]?.version, name).toBe(range)
      }
    }
  })

  test('all carry a hash, but for packages of platforms that the lockfile was not made on', () => {
    const without = foreign.filter(([, { integrity, link }]) => integrity === undefined && link !== true)
    for (const [path, { os, cpu }] of without) expect(os ?? cpu, path).toBeDefined()
    const here = without.filter(([, { os, cpu }]) => os?.includes('linux') && cpu?.includes('x64'))
    expect(here.map(([path]) => path).filter((path) => !/musl|android/.test(path))).toEqual([])
  })

  test('of those that are shipped none wants to run something when it is installed', () => {
    const shipped = Object.keys(manifest.dependencies).map((name) => packages[`node_modules/${name}`])
    expect(shipped.length).toBeGreaterThan(5)
    for (const entry of shipped) expect(entry?.hasInstallScript).toBeUndefined()
  })

  test('and Sealward itself runs nothing when it is installed', () => {
    const hooks = ['preinstall', 'install', 'postinstall', 'prepublish', 'preprepare', 'prepare', 'postprepare']
    expect(Object.keys(manifest.scripts).filter((name) => hooks.includes(name))).toEqual([])
  })
})
