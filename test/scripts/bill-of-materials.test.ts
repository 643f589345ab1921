import { createHash } from 'node:crypto'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { billOfMaterials } from '../../scripts/bill-of-materials.ts'
import { bundledPackages, licenceList, placeOf } from '../../scripts/bundled-packages.ts'

const subject = { name: 'sealward', version: '1.0.0', licence: 'Apache-2.0' }
const one = {
  name: '@x/one',
  version: '2.0.0',
  licence: 'MIT',
  licenceText: 'You may.',
  integrity: `sha512-${Buffer.alloc(64, 7).toString('base64')}`,
}
const file = { path: 'dist/main.js', bytes: Buffer.from('main') }

describe('the bill of materials', () => {
  test('names every package with its hash and licence, and every file with its own', () => {
    const bill = JSON.parse(billOfMaterials(subject, [one], [file]))
    expect(bill).toMatchObject({ bomFormat: 'CycloneDX', specVersion: '1.6', version: 1 })
    expect(bill.metadata.component.purl).toBe('pkg:npm/sealward@1.0.0')
    expect(bill.components).toEqual([
      {
        type: 'library',
        'bom-ref': 'pkg:npm/%40x/one@2.0.0',
        name: '@x/one',
        version: '2.0.0',
        scope: 'required',
        hashes: [{ alg: 'SHA-512', content: '07'.repeat(64) }],
        licenses: [{ expression: 'MIT' }],
        purl: 'pkg:npm/%40x/one@2.0.0',
      },
      {
        type: 'file',
        'bom-ref': 'file:dist/main.js',
        name: 'dist/main.js',
        hashes: [{ alg: 'SHA-256', content: createHash('sha256').update('main').digest('hex') }],
      },
    ])
    expect(bill.dependencies[0].dependsOn).toEqual(['pkg:npm/%40x/one@2.0.0'])
  })

  test('is the same for the same content, and another for other content', () => {
    const bills = [[file], [file], [{ ...file, bytes: Buffer.from('mair') }]].map((files) =>
      billOfMaterials(subject, [one], files),
    )
    expect(bills[0]).toBe(bills[1])
    const [first, , third] = bills.map((bill) => JSON.parse(bill).serialNumber)
    expect(first).toMatch(/^urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
    expect(third).not.toBe(first)
  })

  test('refuses a package that is pinned by a weak hash', () => {
    expect(() => billOfMaterials(subject, [{ ...one, integrity: 'sha1-AAAA' }], [])).toThrow('not by sha512')
  })
})

describe('what was bundled', () => {
  let root: string

  const plant = (manifest: object, { locked = {}, licence = true } = {}) => {
    const folder = join(root, 'node_modules/one')
    mkdirSync(folder, { recursive: true })
    writeFileSync(join(folder, 'package.json'), JSON.stringify({ name: 'one', version: '2.0.0', ...manifest }))
    if (licence) writeFileSync(join(folder, 'LICENSE.md'), 'You may.\n')
    const entry = { version: '2.0.0', integrity: one.integrity, ...locked }
    writeFileSync(join(root, 'package-lock.json'), JSON.stringify({ packages: { 'node_modules/one': entry } }))
    return () => bundledPackages([join(folder, 'lib/index.js'), join(folder, 'a.js'), '\0runtime'], root)
  }

  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'sealward-bundled-'))
  })
  afterEach(() => rmSync(root, { recursive: true, force: true }))

  test('is told from the modules, each package once', () => {
    const packages = plant({ license: 'MIT' })()
    expect(packages).toEqual([{ ...one, name: 'one', licenceText: 'You may.\n' }])
    expect(licenceList(packages)).toContain('one 2.0.0 (MIT)\n\nYou may.\n')
  })

  test.each([
    ['no licence', {}, {}, 'names no licence'],
    ['no text of its licence', { license: 'MIT' }, { licence: false }, 'holds no text'],
    ['another version than the lockfile pins', { license: 'MIT', version: '2.0.1' }, {}, 'not what the lockfile pins'],
    ['no hash in the lockfile', { license: 'MIT' }, { locked: { integrity: undefined } }, 'not what the lockfile pins'],
  ])('cannot be shipped with %s', (_, manifest, options, refusal) => {
    expect(plant(manifest, options)).toThrow(refusal)
  })

  test.each([
    ['/r/node_modules/one/a.js', 'node_modules/one'],
    ['/r/node_modules/@x/one/a/b.js', 'node_modules/@x/one'],
    ['/r/node_modules/one/node_modules/two/a.js', 'node_modules/one/node_modules/two'],
    ['C:\\r\\node_modules\\one\\a.js', 'node_modules/one'],
    ['/r/src/main.ts', undefined],
    ['\0/node_modules/one/a.js', undefined],
  ])('%s lies in %s', (id, place) => {
    expect(placeOf(id)).toBe(place)
  })
})
