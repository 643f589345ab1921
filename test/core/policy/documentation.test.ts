import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { lintPolicies } from '#core/policy/lint.ts'
import { pems, read, toolsWith } from '../../support/policy-documents.ts'

interface Example {
  readonly files: readonly string[]
  readonly text: string
}

/** Every YAML block of the document; each has a comment before it that says which key files it needs. */
function examples(document: string): readonly Example[] {
  const blocks = [...document.matchAll(/(?:<!-- example(?:: files ([^>]*))? -->\n)?```yaml\n([\s\S]*?)```/g)]
  return blocks.map(([all, files = '', text = '']) => {
    expect(all, 'a YAML block without the comment of an example').toMatch(/^<!-- example/)
    return { files: files.split(' ').filter((name) => name !== ''), text }
  })
}

describe('docs/policy.md', () => {
  const document = readFileSync('docs/policy.md', 'utf8')
  const found = examples(document)

  it('has examples', () => {
    expect(found.length).toBeGreaterThanOrEqual(5)
  })

  it.each(found.map((example, index): [number, Example] => [index + 1, example]))(
    'example %d is read without a problem',
    (_, { files, text }) => {
      const all = Object.values(pems)
      const tools = toolsWith(Object.fromEntries(files.map((name, index) => [name, all[index] ?? ''])))
      const result = read(text, tools)
      expect(result.problems).toEqual([])
      expect(result.policies.length + result.denyLists.length).toBeGreaterThan(0)
      expect(
        lintPolicies(result, { now: Date.UTC(2026, 0, 1) }).filter(({ code }) => code === 'rule-unreachable'),
      ).toEqual([])
    },
  )

  it('names the words that it says are exempt', async () => {
    const { defaultExempt } = await import('#core/policy/set.ts')
    expect(document).toContain(
      `${defaultExempt
        .slice(0, -1)
        .map((name) => `\`${name}\``)
        .join(', ')} and \`${defaultExempt.at(-1)}\``,
    )
  })
})
