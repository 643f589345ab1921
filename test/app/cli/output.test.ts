import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { newDecisionId } from '#app/cli/judging.ts'
import { isLoopback } from '#app/cli/registry-flags.ts'
import { treeLines } from '#app/cli/tree-lines.ts'
import { renderSchemas, withOutputs } from '../../../scripts/render-output.ts'

describe('the documents about output', () => {
  test('are what `npm run docs` writes', () => {
    const schemas = renderSchemas()
    expect(readdirSync('docs/schemas').sort()).toEqual(Object.keys(schemas).sort())
    for (const [name, text] of Object.entries(schemas)) expect(readFileSync(`docs/schemas/${name}`, 'utf8')).toBe(text)
    const document = readFileSync('docs/output.md', 'utf8')
    expect(document).toBe(withOutputs(document))
  })
})

describe('decision ids', () => {
  test('are ULIDs: 26 characters of Crockford’s alphabet that sort by time and differ by chance', () => {
    const [early, late] = [newDecisionId(1_700_000_000_000), newDecisionId(1_700_000_000_001)]
    expect(early).toMatch(/^[0-7][0-9A-HJKMNP-TV-Z]{25}$/)
    expect(early.slice(0, 10) < late.slice(0, 10)).toBe(true)
    expect(newDecisionId(5)).not.toBe(newDecisionId(5))
    expect(newDecisionId(0).slice(0, 10)).toBe('0000000000')
    // The example of the specification's authors: 1469918176385 is 01ARYZ6S41.
    expect(newDecisionId(1_469_918_176_385).slice(0, 10)).toBe('01ARYZ6S41')
  })
})

describe('a registry on this machine', () => {
  test.each(['localhost', 'localhost:5000', '127.0.0.1:5000', '127.9.9.9', '[::1]:5000', 'a.localhost:80'])(
    '%s is one',
    (host) => {
      expect(isLoopback(host)).toBe(true)
    },
  )

  test.each([
    'localhost.example.com',
    '127.0.0.1.example.com',
    '10.0.0.1:5000',
    'notlocalhost',
    '[::2]:5000',
    '128.0.0.1',
  ])('%s is none', (host) => {
    expect(isLoopback(host)).toBe(false)
  })
})

test('trees are drawn with the lines of their depth', () => {
  const tree = { text: 'a', children: [{ text: 'b', children: [{ text: 'c' }] }, { text: 'd' }] }
  expect(treeLines(tree)).toEqual(['a', '├─ b', '│  └─ c', '└─ d'])
})
