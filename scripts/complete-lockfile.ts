// `npm run lockfile`: after a dependency changed, writes the platform packages into package-lock.json that npm left out.
// npm leaves out those that the registry at hand does not carry, and `npm ci` then refuses the whole file, although it
// would never install a package for another platform. Such an entry has no integrity: only that platform's npm reads it.

import { readFileSync, writeFileSync } from 'node:fs'
import process from 'node:process'
import { fileURLToPath } from 'node:url'

interface LockEntry {
  readonly version?: string
  readonly dev?: boolean
  readonly optional?: boolean
  readonly optionalDependencies?: Readonly<Record<string, string>>
  readonly os?: readonly string[]
  readonly cpu?: readonly string[]
}

export interface Lockfile {
  readonly packages: Readonly<Record<string, LockEntry>>
}

const systems: readonly string[] = ['android', 'darwin', 'freebsd', 'linux', 'openharmony', 'win32']
const processors: readonly string[] = ['arm64', 'arm', 'ia32', 'ppc64', 's390x', 'wasm32', 'x64']

/** `@scope/binding-linux-arm-gnueabihf` → linux, arm. A package that names no platform must be in the file already. */
function platformOf(name: string): Pick<LockEntry, 'os' | 'cpu'> {
  const words = name.split(/[-/]/)
  const os = systems.find((system) => words.includes(system))
  const cpu = processors.find((processor) => words.includes(processor))
  if (cpu === undefined || (os === undefined && cpu !== 'wasm32')) throw new Error(`${name} names no platform`)
  return { ...(os === undefined ? {} : { os: [os] }), cpu: [cpu] }
}

/** Where `require` would look from a package at `path`, nearest first. */
function placesFrom(path: string, name: string): readonly string[] {
  const steps = path.split('/node_modules/')
  return steps
    .map((_, index) => [...steps.slice(0, steps.length - index), name].join('/node_modules/'))
    .concat(`node_modules/${name}`)
}

/**
 * Platform packages that a package in the file may want, and that it would not find there in the version it wants: on
 * the top where that is free, else inside the package that wants it.
 */
export function absentEntries(lockfile: Lockfile): Readonly<Record<string, LockEntry>> {
  const entries: Record<string, LockEntry> = { ...lockfile.packages }
  const absent: Record<string, LockEntry> = {}
  for (const [path, wanting] of Object.entries(lockfile.packages)) {
    for (const [name, version] of Object.entries(wanting.optionalDependencies ?? {})) {
      const found = placesFrom(path, name).find((place) => Object.hasOwn(entries, place))
      const fits = found !== undefined && (!/^\d/.test(version) || entries[found]?.version === version)
      if (fits) continue
      const place = found === undefined ? `node_modules/${name}` : `${path}/node_modules/${name}`
      const dev = wanting.dev === true ? { dev: true } : {}
      const entry = { version, ...dev, optional: true, ...platformOf(name) }
      entries[place] = entry
      absent[place] = entry
    }
  }
  return absent
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const path = fileURLToPath(new URL('../package-lock.json', import.meta.url))
  const lockfile: Lockfile = JSON.parse(readFileSync(path, 'utf8'))
  const absent = absentEntries(lockfile)
  const entries = Object.entries({ ...lockfile.packages, ...absent })
  const sorted = entries.sort(([left], [right]) => (left < right ? -1 : 1))
  writeFileSync(path, `${JSON.stringify({ ...lockfile, packages: Object.fromEntries(sorted) }, undefined, 2)}\n`)
  process.stdout.write(`package-lock.json: ${Object.keys(absent).length} platform packages added\n`)
}
