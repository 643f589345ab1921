// What `npm run fuzz` does with its options. That it finds what is planted is in the plants' own runs.

import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { afterAll, describe, expect, test } from 'vitest'
import { partsOf, renderCase } from './case.ts'

const folder = mkdtempSync(join(tmpdir(), 'sealward-fuzz-test-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

function fuzz(...args: readonly string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [join(process.cwd(), 'test/fuzz/main.ts'), ...args], {
    encoding: 'utf8',
    cwd: folder,
  })
  return { status, stdout, stderr }
}

describe('one case', () => {
  const tooDeep = join(folder, 'too-deep.json')
  const deep = `${'['.repeat(300)}1${']'.repeat(300)}`
  writeFileSync(tooDeep, renderCase({ target: 'json', about: 'deep', parts: partsOf({ text: deep }) }))
  const flat = join(folder, 'flat.json')
  writeFileSync(flat, renderCase({ target: 'json', about: 'flat', parts: partsOf({ text: '[1]' }) }))

  test('is tried on the sources as they are', () => {
    const { status, stdout } = fuzz('--case', tooDeep)
    expect([status, stdout]).toEqual([0, expect.stringContaining('nothing is wrong')])
  })

  test('is tried with a defect planted, if one is named, and has to find it', () => {
    const found = fuzz('--plant', 'depth-cap', '--case', tooDeep)
    expect([found.status, found.stdout]).toEqual([
      0,
      expect.stringContaining('VIOLATED strict JSON accepted more depth'),
    ])
    const unfound = fuzz('--plant', 'depth-cap', '--case', flat)
    expect([unfound.status, unfound.stdout]).toEqual([1, expect.stringContaining('"depth-cap" was NOT found')])
  })
})

describe('a run', () => {
  test('with a plant says how to repeat what it finds, and keeps it apart from what is found unplanted', () => {
    const { status, stdout } = fuzz('--plant', 'depth-cap', '--seed', '1', '--workers', '1')
    expect(status).toBe(0)
    const [, path = ''] = /repeat it: npm run fuzz -- --plant depth-cap --case (\S+)$/m.exec(stdout) ?? []
    expect(path).toMatch(/^\.cache\/fuzz\/planted\/json-/)
    expect(JSON.parse(readFileSync(join(folder, path), 'utf8'))).toMatchObject({ target: 'json' })
  }, 60_000)

  test('says how it is used, if asked or misused', () => {
    expect(fuzz('--help')).toMatchObject({
      status: 0,
      stdout: expect.stringMatching(/^Usage: npm run fuzz/),
      stderr: '',
    })
    const misused = fuzz('--bogus')
    expect(misused).toMatchObject({ status: 2, stdout: '', stderr: expect.stringContaining('Usage: npm run fuzz') })
    expect(misused.stderr).not.toContain('    at ')
    expect(fuzz('--plant', 'nope')).toMatchObject({ status: 2, stderr: expect.stringContaining('no such plant') })
  })
})
