// There is no container engine in the tests: the program is run from exactly the files that the image would hold.

import { execFile } from 'node:child_process'
import { cpSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

const run = promisify(execFile)
const dockerfile = readFileSync('deploy/Dockerfile', 'utf8')
const finalStage = dockerfile.slice(dockerfile.lastIndexOf('\nFROM '))

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
    const { stdout } = await run(process.execPath, ['bin/sealward.js', 'demo', '--once'], { cwd: root, env: {} })
    expect(stdout).toContain('signature-by-stranger')
  }, 60_000)

  test('runs as a user without rights, and starts the server', () => {
    expect(finalStage).toMatch(/^USER [1-9]\d*:[1-9]\d*$/m)
    expect(finalStage).toMatch(/^CMD \["serve",/m)
  })
})
