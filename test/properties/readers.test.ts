// The properties of all readers, and that no reader is without.
//
// A reader is an exported function that is called `parse…`, `decode…`, `read…`, `load…`, `import…` or `open…`: house rule for
// whatever takes something from outside. What has another name is found by what it calls: a file that uses a reader of
// the platform (of JSON, YAML, base64, PEM, keys, certificates, URLs, headers) must have a reader with properties.

import { describe, expect, test } from 'vitest'
import { sourceFiles, withoutComments } from '../support/source-files.ts'
import { readers, withoutProperties } from './readers.ts'

const files = sourceFiles('src/**/*.ts')
const described = readers.flatMap(({ of }) => of)
const listed = [...described, ...Object.keys(withoutProperties)]

/** @returns `file function` of every exported function whose name says that it reads */
function readersIn(path: string, text: string): readonly string[] {
  const names = withoutComments(text).matchAll(
    /^export (?:async )?function\*? ((?:parse|decode|read|load|import|open)[A-Z]\w*)/gm,
  )
  return [...names].map(([, name]) => `${path} ${name}`)
}

const platformReaders =
  /\b(JSON\.parse|parseStrictJson|parseStrictJsonBytes|parseYamlDocuments|parsePem|decodeBase64|safeParse|URL\.canParse|createPublicKey|createPrivateKey|singleHeader|allHeaders|parseArgs)\(|\bnew (X509Certificate|Composer)\b/

function usesPlatformReader(text: string): boolean {
  return platformReaders.test(withoutComments(text).replaceAll(/^(export )?(async )?function .*$/gm, ''))
}

describe('every reader', () => {
  test('has its properties described', () => {
    const found = files.flatMap(({ path, text }) => readersIn(path, text))
    expect(found.filter((name) => !listed.includes(name))).toEqual([])
  })

  test('is found by what it calls where its name does not tell', () => {
    const found = files.filter(({ text }) => usesPlatformReader(text)).map(({ path }) => path)
    expect(found.filter((path) => !listed.some((name) => name.split(' ', 1)[0] === path))).toEqual([])
  })

  test('that is described is there', () => {
    const gone = listed.filter((entry) => {
      const [path, name] = entry.split(' ')
      const text = files.find((file) => file.path === path)?.text
      return text === undefined || (name !== undefined && !new RegExp(`function\\*? ${name}\\b`).test(text))
    })
    expect(gone).toEqual([])
    expect(listed.length).toBe(new Set(listed).size)
  })

  test('would be missed', () => {
    const source =
      'export async function loadIt(path: string) {}\nfunction parseInside() {}\n// export function readNothing() {}'
    expect(readersIn('src/a.ts', source)).toEqual(['src/a.ts loadIt'])
    expect(usesPlatformReader('const value = JSON.parse(text)')).toBe(true)
    expect(usesPlatformReader('export function parseStrictJson(text: string) {}\n// parsePem(text)')).toBe(false)
  })
})

for (const reader of readers) reader.declare()
