// There is no container engine in the tests: the program is run from exactly the files that the image would hold.

import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

const run = promisify(execFile)
const dockerfile = readFileSync('deploy/Dockerfile', 'utf8')
const finalStage = dockerfile.slice(dockerfile.lastIndexOf('\nFROM '))
const [, ...entrypoint]: readonly string[] = JSON.parse(/^ENTRYPOINT (.+)$/m.exec(finalStage)?.[1] ?? '[]')

describe('the image', () => {
  let root: string

  beforeAll(async () => {
    await run(process.execPath, ['scripts/build.ts'])
    root = mkdtempSync(join(tmpdir(), 'sealward-image-'))
    for (const [, sources = '', target = ''] of finalStage.matchAll(/^COPY --from=build (.+) (\S+)$/gm)) {
      for (const source of sources.split(' ')) {
        const path = source.replace('/build/', '')
        cpSync(path, target.endsWith('/') ? join(root, target, path) : join(root, target), { recursive: true })
      }
    }
  }, 60_000)

  afterAll(() => rmSync(root, { recursive: true, force: true }))

  test('holds a program that runs without anything beside it', async () => {
    const { stdout } = await run(process.execPath, ['bin/sealward.js', '--version'], { cwd: root, env: {} })
    expect(stdout.trim()).toBe(JSON.parse(readFileSync('package.json', 'utf8')).version)
  })

  test('plays the whole demo: registry, signing, webhook', async () => {
    const started = entrypoint.map((word) => word.replace('/app/', ''))
    const { stdout } = await run(process.execPath, [...started, 'demo', '--once'], { cwd: root, env: {} })
    expect(stdout).toContain('signature-by-stranger')
  }, 60_000)

  test('lets no text become code, whoever asks', async () => {
    const [flag = ''] = entrypoint
    await expect(run(process.execPath, [flag, '--eval', 'new Function("return 1")()'])).rejects.toThrow('EvalError')
  })

  test('holds the files of its bill of materials and no other', () => {
    const bill = JSON.parse(readFileSync(join(root, 'dist/sbom.cdx.json'), 'utf8'))
    const listed: readonly { name: string; hashes: readonly { content: string }[] }[] = bill.components.filter(
      ({ type }: { type: string }) => type === 'file',
    )
    const held = readdirSync(root, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => relative(root, join(entry.parentPath, entry.name)))
    expect(listed.map(({ name }) => name).sort()).toEqual(held.filter((name) => name !== 'dist/sbom.cdx.json').sort())
    for (const { name, hashes } of listed) {
      const content = createHash('sha256')
        .update(readFileSync(join(root, name)))
        .digest('hex')
      expect(hashes[0]?.content, name).toBe(content)
    }
  })

  test('passes on the licences of what was bundled, and names it', () => {
    const { components } = JSON.parse(readFileSync(join(root, 'dist/sbom.cdx.json'), 'utf8'))
    const licences = readFileSync(join(root, 'dist/THIRD-PARTY-LICENSES.txt'), 'utf8')
    const libraries: readonly { name: string; version: string }[] = components.filter(
      ({ type }: { type: string }) => type === 'library',
    )
    for (const { name, version } of libraries) expect(licences).toContain(`${name} ${version} (`)
    const { dependencies } = JSON.parse(readFileSync('package.json', 'utf8'))
    expect(libraries.map(({ name }) => name)).toEqual(expect.arrayContaining(Object.keys(dependencies)))
  })

  test('is built on one base image, which may be named by digest, and else is of a whole version', () => {
    const first = dockerfile.search(/^FROM /m)
    expect(dockerfile.slice(0, first)).toMatch(/^ARG NODE_IMAGE=node:\d+\.\d+\.\d+-[a-z-]+$/m)
    expect(dockerfile.match(/^FROM .*$/gm)).toEqual(['FROM $NODE_IMAGE AS build', 'FROM $NODE_IMAGE'])
  })

  test('is named in SECURITY.md as it is in the Dockerfile', () => {
    const [, image = ''] = /^ARG NODE_IMAGE=(.+)$/m.exec(dockerfile) ?? []
    expect(readFileSync('SECURITY.md', 'utf8')).toContain(`--build-arg NODE_IMAGE=${image}@sha256:…`)
  })

  test('runs as a user without rights, and starts the server', () => {
    expect(finalStage).toMatch(/^USER [1-9]\d*:[1-9]\d*$/m)
    expect(finalStage).toMatch(/^CMD \["serve",/m)
  })
})
