// Finds the real tools that suites compare us with, and names what a suite lacks. It installs nothing: that is
// `npm run tools`. A suite that needs tools is written
//   describe.skipIf(missing('cosign2', 'openssl'))(titled('cosign verifies what we signed', 'cosign2', 'openssl'), …)
// so that the report can say which suites were skipped and why (see `scripts/test.ts`, `test/skips.json`).

import { accessSync, constants, statSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import process from 'node:process'
import { builtFolders, type ToolName, toolRecipes } from './tool-recipes.ts'

/** Administrators' folders hold servers on Debian, and a user's PATH often lacks them. */
const extraFolders: readonly string[] = ['/usr/local/sbin', '/usr/sbin', '/sbin']

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return statSync(path).isFile()
  } catch {
    return false
  }
}

/**
 * The absolute path of a tool, or `undefined` where it is not there. `SEALWARD_WITHOUT=cosign2,skopeo` hides tools, to
 * see what a poorer machine would see.
 */
export function tool(name: ToolName): string | undefined {
  if ((process.env['SEALWARD_WITHOUT'] ?? '').split(',').includes(name)) return undefined
  const recipe = toolRecipes[name]
  if (recipe.kind === 'go') {
    return builtFolders(name)
      .map((folder) => join(folder, name))
      .findLast(isExecutable)
  }
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), ...extraFolders]
  return folders
    .filter((folder) => folder.startsWith('/'))
    .map((folder) => join(folder, recipe.command))
    .find(isExecutable)
}

/** The path of a tool inside a suite that is skipped without it. */
export function needed(name: ToolName): string {
  const path = tool(name)
  if (path === undefined) throw new Error(`${name} is not here; guard the suite with missing('${name}')`)
  return path
}

function lacking(names: readonly ToolName[]): readonly ToolName[] {
  return names.filter((name) => tool(name) === undefined)
}

/** True when at least one of the tools is not there: the argument of `describe.skipIf`. */
export function missing(...names: readonly ToolName[]): boolean {
  return lacking(names).length > 0
}

/** The suite's title, followed by what it lacks on this machine; `scripts/test.ts` reads the reason from there. */
export function titled(title: string, ...names: readonly ToolName[]): string {
  const absent = lacking(names)
  return absent.length === 0 ? title : `${title} [needs ${absent.join(', ')}]`
}
