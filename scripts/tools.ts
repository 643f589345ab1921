// `npm run tools [name…]`: brings the real tools that suites compare us with. Go programs are built from the pinned
// modules under `test/tools/` into a cache outside the checkout; Debian packages are installed when we are root.
// Only the binaries are kept. `--clean-caches` afterwards empties Go's own module and build caches, which grow to gigabytes.

import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import process from 'node:process'
import {
  buildFolder,
  goBuildFlags,
  isToolName,
  moduleFolder,
  type ToolName,
  toolNames,
  toolRecipes,
  toolsFolder,
} from '../test/support/tool-recipes.ts'
import { tool } from '../test/support/tools.ts'

/** One build may take this long: ten times what the slowest one took on two quiet cores. */
const buildDeadline = 30 * 60_000

/** No toolchain but the installed one, no flags but ours: else the key would not say what was built. */
const goEnvironment = { ...process.env, GOTOOLCHAIN: 'local', GOFLAGS: '', CGO_ENABLED: '0', GOWORK: 'off' }

function say(line: string): void {
  process.stderr.write(`${line}\n`)
}

function run(
  command: string,
  args: readonly string[],
  options: { cwd?: string; env?: NodeJS.ProcessEnv } = {},
): boolean {
  const done = spawnSync(command, args, { stdio: ['ignore', 2, 2], timeout: buildDeadline, ...options })
  return done.status === 0
}

function goVersion(): string | undefined {
  const done = spawnSync('go', ['env', 'GOVERSION'], { env: goEnvironment, encoding: 'utf8' })
  return done.status === 0 ? done.stdout.trim() : undefined
}

/** Builds beside the target and renames, so that nobody ever runs half a binary. */
function buildGoTool(name: ToolName, version: string): boolean {
  const recipe = toolRecipes[name]
  if (recipe.kind !== 'go') return false
  say(`tools: building ${name} (${recipe.package}; about ${recipe.seconds} s on two cores with empty caches)`)
  mkdirSync(toolsFolder(), { recursive: true })
  const work = mkdtempSync(join(toolsFolder(), `.building-${name}-`))
  const started = performance.now()
  try {
    const args = ['build', ...goBuildFlags(name), '-o', join(work, name), recipe.package]
    if (!run('go', args, { cwd: moduleFolder(name), env: goEnvironment })) return false
    const folder = buildFolder(name, version)
    rmSync(folder, { recursive: true, force: true })
    renameSync(work, folder)
    say(`tools: built ${name} in ${Math.round((performance.now() - started) / 1000)} s`)
    return true
  } finally {
    rmSync(work, { recursive: true, force: true })
  }
}

function bringGoTools(names: readonly ToolName[]): readonly ToolName[] {
  const wanted = names.filter((name) => toolRecipes[name].kind === 'go' && tool(name) === undefined)
  if (wanted.length === 0) return []
  const version = goVersion()
  if (version === undefined) {
    say(`tools: no usable "go" command, so not built: ${wanted.join(', ')}. Install Go 1.26.3 or newer and try again.`)
    return wanted
  }
  return wanted.filter((name) => !buildGoTool(name, version))
}

function bringDebianTools(names: readonly ToolName[]): readonly ToolName[] {
  const wanted = names.filter((name) => toolRecipes[name].kind === 'debian' && tool(name) === undefined)
  if (wanted.length === 0) return []
  const install = [
    'apt-get',
    'install',
    '-y',
    '--no-install-recommends',
    ...wanted.map((name) => toolRecipes[name].package),
  ]
  if (process.getuid?.() !== 0 || process.platform !== 'linux') {
    say(`tools: missing ${wanted.join(', ')}. On Debian or Ubuntu: sudo ${install.join(' ')}`)
    return wanted
  }
  say(`tools: installing ${wanted.join(', ')}`)
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
  if (!run('apt-get', ['update', '-q'], { env }) || !run('apt-get', [...install.slice(1)], { env })) {
    say(`tools: that failed; by hand: ${install.join(' ')}`)
  }
  return wanted.filter((name) => tool(name) === undefined)
}

function main(args: readonly string[]): number {
  const unknown = args.filter((arg) => !isToolName(arg) && arg !== '--clean-caches')
  if (unknown.length > 0) {
    say(`tools: unknown: ${unknown.join(', ')}. Known: ${toolNames.join(', ')}, --clean-caches`)
    return 2
  }
  const named = args.filter(isToolName)
  const names = named.length === 0 ? toolNames : named
  const missing = [...bringDebianTools(names), ...bringGoTools(names)]
  if (args.includes('--clean-caches')) run('go', ['clean', '-cache', '-modcache'], { env: goEnvironment })
  for (const name of names) say(`tools: ${name.padEnd(16)} ${tool(name) ?? 'missing'}`)
  return missing.length === 0 ? 0 : 1
}

process.exitCode = main(process.argv.slice(2))
