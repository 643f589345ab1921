// The YAML reader against JSON, of which it must make the same values, and against itself.

import { isDeepStrictEqual } from 'node:util'
import { maxDepth, parseYamlDocuments } from '#core/encoding/yaml.ts'
import { partsOf, textOf } from '../case.ts'
import { hasRepeatedMember, jsonDepth, jsonValue, parseJsonText } from '../json-text.ts'
import { must, type Target } from '../target.ts'

const seeds = {
  block: partsOf({
    text: 'a: 1\nb:\n  - x\n  - "y"\n  - c: [1, 2.5, null, true]\nd: |\n  text\n  more\n---\ne: >-\n  folded\n',
  }),
  flow: partsOf({ text: '{"a": {"b": [1, "2", null, true, {}]}, "c": "\\u00e9"}' }),
  disputed: partsOf({ text: 'a: yes\nb: 0o7\nc: 1_000\nd: 0x1f\ne: 12:30:45\nf: ~\ng: 2026-01-01\n' }),
  aliases: partsOf({ text: 'a: &x [1]\nb: *x\n<<: {c: 1}\nd: !!str 5\n' }),
  twice: partsOf({ text: 'a: 1\n"a": 2\n? b\n: 3\n' }),
  deep: partsOf({ text: `${'['.repeat(33)}1${']'.repeat(33)}` }),
  deeper: partsOf({ text: Array.from({ length: 36 }, (_, depth) => `${' '.repeat(depth)}a:`).join('\n') }),
}

export const yaml: Target = {
  name: 'yaml',
  about: 'YAML documents, and JSON read as YAML',
  syntax: { text: 'lines' },
  dictionary: [
    '- ',
    '? ',
    ': ',
    '&a ',
    '*a',
    '<<: ',
    '!!str ',
    '!!binary ',
    '|',
    '>-',
    '---\n',
    '...\n',
    '%TAG ! x\n',
    '~',
    'yes',
    '.inf',
    '__proto__: 1\n',
    '[',
    '{',
    '"',
  ],
  // A document of a megabyte is read in about as much time as the library under it needs.
  cpuMs: 1_500,
  open: () => ({
    seeds,
    run: (parts) => {
      const text = textOf(parts['text'])
      const documents = parseYamlDocuments(text)
      const problems = documents.flatMap((each) => each.problems)
      for (const { line } of problems)
        must(line >= 1 && line <= text.split('\n').length + 1, 'a problem stands on no line')
      for (const { value, problems: own } of documents) if (own.length === 0) checkValue(value)
      if (problems.length === 0) checkJson(text, documents)
      return `${documents.length} ${[...new Set(problems.map(({ message }) => message.slice(0, 24)))].sort().join('; ')}`
    },
  }),
}

/** The same value again by way of JSON; nothing in it that JSON cannot say. */
function checkValue(value: unknown): void {
  if (value === undefined) return
  must(depthOf(value) <= maxDepth, 'YAML accepted more depth than its cap')
  const [again, ...more] = parseYamlDocuments(JSON.stringify(value))
  // Not all JSON is read: long documents and names with control characters have problems of their own.
  if (again === undefined || again.problems.length > 0) return
  must(more.length === 0 && isDeepStrictEqual(again.value, value), 'a value is another one when written as JSON')
}

function checkJson(text: string, documents: readonly { readonly value: unknown }[]): void {
  const node = parseJsonText(text)
  if (node === undefined) return
  must(!hasRepeatedMember(node), 'YAML accepted a member that is named twice')
  must(jsonDepth(node) <= maxDepth, 'YAML accepted more depth than its cap')
  must(
    documents.length === 1 && isDeepStrictEqual(documents[0]?.value, jsonValue(node)),
    'YAML made another value of JSON',
  )
}

function depthOf(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0
  return 1 + Object.values(value).reduce((deepest: number, child) => Math.max(deepest, depthOf(child)), 0)
}
