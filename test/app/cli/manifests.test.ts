// Manifests as kubectl reads them, as far as the commands that use them do not show it.

import { expect, test } from 'vitest'
import { parseManifests } from '#app/cli/manifests.ts'

/** An object in YAML with a list of so many levels inside. */
const nested = (levels: number) =>
  `apiVersion: v1\nkind: Thing\nmetadata: {name: x}\nspec: ${'['.repeat(levels)}${']'.repeat(levels)}\n`

test('what is nested without end is refused by its line, before the stack is spent', () => {
  const [manifest] = parseManifests('deep.yaml', nested(450))
  expect(manifest).toMatchObject({ kind: 'Thing', line: 1 })
  for (const levels of [501, 50_000]) {
    expect(() => parseManifests('deep.yaml', nested(levels))).toThrow(
      expect.objectContaining({ code: 'yaml-malformed', message: 'deep.yaml:4: nested deeper than 500 levels' }),
    )
  }
})
