// Renders the JSON answers of the commands: `docs/schemas/<name>.json`, and the table of them in `docs/output.md`.

import { z } from 'zod'
import { outputs } from '#app/cli/output.ts'

/** By file name. */
export function renderSchemas(): Readonly<Record<string, string>> {
  const files = Object.entries(outputs).map(([name, { schema }]) => {
    const json = z.toJSONSchema(schema, { target: 'draft-2020-12' })
    return [`${name}.json`, `${JSON.stringify(json, null, 2)}\n`] as const
  })
  return Object.fromEntries(files)
}

const [begin, end] = ['<!-- schemas: made by npm run docs -->', '<!-- end -->']

/** The document with its table made anew. */
export function withOutputs(document: string): string {
  const rows = Object.entries(outputs).map(
    ([name, { schema, commands }]) =>
      `| \`${schema.shape.kind.value}\` | ${commands} | [${name}.json](schemas/${name}.json) |`,
  )
  const table = ['| kind | answer of | schema |', '| --- | --- | --- |', ...rows].join('\n')
  const [before, rest] = cut(document, begin)
  const [, after] = cut(rest, end)
  return `${before}${begin}\n${table}\n${end}${after}`
}

function cut(text: string, at: string): readonly [string, string] {
  const index = text.indexOf(at)
  if (index < 0) throw new Error(`docs/output.md lacks the line ${at}`)
  return [text.slice(0, index), text.slice(index + at.length)]
}
