// Finding tools: nothing is taken from a place that does not say what was built, and what is missing is named.

import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { buildFolder, buildPrefix } from '../support/tool-recipes.ts'
import { missing, needed, titled, tool } from '../support/tools.ts'

let cache = ''

beforeEach(() => {
  cache = mkdtempSync(join(tmpdir(), 'sealward-tools-test-'))
  vi.stubEnv('SEALWARD_TOOLS_DIR', cache)
  vi.stubEnv('PATH', join(cache, 'bin'))
})

afterEach(() => {
  vi.unstubAllEnvs()
  rmSync(cache, { recursive: true, force: true })
})

function place(folder: string, name: string, mode = 0o755): string {
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, name), '#!/bin/sh\n')
  chmodSync(join(folder, name), mode)
  return join(folder, name)
}

describe('a Go tool', () => {
  test('is found where its build left it', () => {
    expect(tool('cosign2')).toBeUndefined()
    const path = place(buildFolder('cosign2', 'go1.26.8'), 'cosign2')
    expect(tool('cosign2')).toBe(path)
    expect(tool('cosign3')).toBeUndefined()
  })

  test('is not taken from a build of another module, another platform, or one that is not finished', () => {
    const folder = buildFolder('cosign2', 'go1.26.8')
    const prefix = buildPrefix('cosign2')
    place(folder.replace(prefix, 'cosign2-0123456789abcdef-'), 'cosign2')
    place(`${folder.slice(0, -process.arch.length)}sparc`, 'cosign2')
    place(folder, 'cosign2', 0o644)
    expect(tool('cosign2')).toBeUndefined()
  })

  test('is built from another module than its neighbour', () => {
    expect(buildPrefix('cosign2').replace('cosign2', '')).not.toBe(buildPrefix('cosign3').replace('cosign3', ''))
  })
})

describe('a tool of the system', () => {
  test('is found on the PATH, by an absolute path', () => {
    const path = place(join(cache, 'bin'), 'skopeo')
    expect(tool('skopeo')).toBe(path)
  })

  test('can be hidden', () => {
    place(join(cache, 'bin'), 'skopeo')
    vi.stubEnv('SEALWARD_WITHOUT', 'jq,skopeo')
    expect(tool('skopeo')).toBeUndefined()
  })
})

describe('a suite', () => {
  test('is skipped, and says what it lacks', () => {
    vi.stubEnv('SEALWARD_WITHOUT', 'cosign3')
    place(buildFolder('cosign2', 'go1.26.8'), 'cosign2')
    expect(missing('cosign2')).toBe(false)
    expect(missing('cosign2', 'cosign3')).toBe(true)
    expect(titled('both agree', 'cosign2', 'cosign3')).toBe('both agree [needs cosign3]')
    expect(titled('one agrees', 'cosign2')).toBe('one agrees')
    expect(() => needed('cosign3')).toThrow(/guard the suite/)
  })
})
