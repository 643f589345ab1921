// Renders the words of the policy language for docs/policy.md: the parts between its markers.

import type { DescribedWord } from '#core/policy/describe.ts'
import { describedWords, laterWords } from '#core/policy/describe.ts'
import { kinds } from '#core/policy/schema.ts'
import type { Shape } from '#core/policy/shape.ts'

/** The document with its generated parts made anew. */
export function withWords(document: string): string {
  return between(between(document, 'words', wordTables()), 'later', laterList())
}

function between(document: string, name: string, content: string): string {
  const begin = `<!-- ${name}: made by npm run docs -->`
  const end = `<!-- ${name}: end -->`
  const from = document.indexOf(begin)
  const to = document.indexOf(end)
  if (from === -1 || to < from) throw new Error(`docs/policy.md lacks the markers of "${name}"`)
  return `${document.slice(0, from + begin.length)}\n\n${content}\n\n${document.slice(to)}`
}

function wordTables(): string {
  const words = describedWords().filter(({ supported }) => supported)
  const readable = Object.keys(kinds).filter((kind) => kinds[kind]?.spec !== undefined)
  const sections = readable.map((kind) => {
    const members = words.filter((word) => word.kind === kind && word.role === 'member')
    const rows = members.map((word) => row(word, words))
    const head = '| word under `spec` | what | default | meaning |\n| --- | --- | --- | --- |'
    return [`### ${kind}`, '', kinds[kind]?.doc ?? '', '', head, ...rows].join('\n')
  })
  return sections.join('\n\n')
}

function laterList(): string {
  return laterWords()
    .map((word) => `- \`${word}\``)
    .join('\n')
}

function row({ kind, path, doc, shape, word }: DescribedWord, words: readonly DescribedWord[]): string {
  const limits = [
    shape ? whatOf(shape) : '',
    word?.required ? 'required' : '',
    word?.only === 'files' ? 'in files only' : '',
  ]
  const fallback = word?.default === undefined ? '' : `\`${JSON.stringify(word.default).replaceAll('"', '')}\``
  const values = words.flatMap((value) => {
    const [at, name] = value.path.split(': ')
    return value.role === 'value' && value.kind === kind && at?.replace(/\[\]$/, '') === path
      ? [`\`${name}\`: ${value.doc}`]
      : []
  })
  const meaning = [doc, ...values].join('<br>')
  const cells = [
    `\`${path.replace(/^spec\./, '')}\``,
    limits.filter((part) => part !== '').join('; '),
    fallback,
    meaning,
  ]
  return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`
}

function whatOf(shape: Shape): string {
  switch (shape.kind) {
    case 'text':
      return shape.format.doc.replaceAll('*', '\\*')
    case 'choice':
      return 'a value'
    case 'integer':
      return `a whole number, ${shape.min} to ${shape.max}`
    case 'list':
      return `list (${shape.min > 0 ? `${shape.min} to` : 'at most'} ${shape.max}) of: ${whatOf(shape.of)}`
    case 'names':
      return `at most ${shape.max} names (${shape.format.doc}) with: ${whatOf(shape.of)}`
    case 'object': {
      const offered = shape.exactlyOne?.filter((name) => !shape.members[name]?.later)
      return offered === undefined
        ? 'object'
        : `object with exactly one of ${offered.map((name) => `\`${name}\``).join(', ')}`
    }
    case 'again':
      return `a ${shape.name}`
    case 'ignored':
      return 'anything'
  }
}
