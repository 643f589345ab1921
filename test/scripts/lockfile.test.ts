// `npm ci` must work on every platform from one package-lock.json: each platform package that may be wanted has an entry.

import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { absentEntries, type Lockfile } from '../../scripts/complete-lockfile.ts'

const own: Lockfile = JSON.parse(readFileSync(new URL('../../package-lock.json', import.meta.url), 'utf8'))

describe('package-lock.json', () => {
  test('has every platform package that a package wants (else run: npm run lockfile)', () => {
    expect(Object.keys(own.packages).length).toBeGreaterThan(50)
    expect(absentEntries(own)).toEqual({})
  })

  test('names no registry: whoever installs uses their own', () => {
    const text = readFileSync(new URL('../../package-lock.json', import.meta.url), 'utf8')
    expect(text.match(/"resolved": "(?!tools\/|console)[^"]*"/g) ?? []).toEqual([])
  })
})

describe('completing a lockfile', () => {
  const wanted = { optionalDependencies: { '@x/tool-linux-arm-gnueabihf': '2.0.0' } }
  const entry = { version: '2.0.0', optional: true, os: ['linux'], cpu: ['arm'] }

  test('adds what is absent on the top, marked as optional and for its platform', () => {
    const lockfile = { packages: { 'node_modules/tool': { version: '2.0.0', ...wanted } } }
    expect(absentEntries(lockfile)).toEqual({ 'node_modules/@x/tool-linux-arm-gnueabihf': entry })
  })

  test('adds inside the package what is on the top in another version', () => {
    const lockfile = {
      packages: {
        'node_modules/tool': { version: '2.0.0', ...wanted },
        'node_modules/@x/tool-linux-arm-gnueabihf': { version: '1.0.0' },
      },
    }
    const place = 'node_modules/tool/node_modules/@x/tool-linux-arm-gnueabihf'
    expect(absentEntries(lockfile)).toEqual({ [place]: entry })
  })

  test('adds nothing where the version wanted is found further up', () => {
    const lockfile = {
      packages: {
        'node_modules/a/node_modules/tool': { version: '2.0.0', ...wanted },
        'node_modules/@x/tool-linux-arm-gnueabihf': { version: '2.0.0' },
      },
    }
    expect(absentEntries(lockfile)).toEqual({})
  })

  test('refuses to guess the platform of a package that names none', () => {
    const lockfile = { packages: { 'node_modules/a': { optionalDependencies: { mystery: '1.0.0' } } } }
    expect(() => absentEntries(lockfile)).toThrow('mystery names no platform')
  })
})
