// Which packages a bundle holds code of, from the modules that went into it: their versions, hashes and licences. What is
// installed but not bundled does not count.

import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

export interface BundledPackage {
  readonly name: string
  readonly version: string
  /** An SPDX expression. */
  readonly licence: string
  /** The text that the licence asks to be passed on. */
  readonly licenceText: string
  /** Of the package as it was published, from the lockfile: `sha512-…`. */
  readonly integrity: string
}

interface LockEntry {
  readonly version?: string
  readonly integrity?: string
}

/** `/x/node_modules/@noble/curves/ed25519.js` → `node_modules/@noble/curves`, the place in the lockfile. */
export function placeOf(moduleId: string): string | undefined {
  // A module that the bundler made itself begins with a NUL.
  if (moduleId.startsWith('\0')) return undefined
  return /(?:^|\/)((?:node_modules\/(?:@[^/]+\/)?[^/]+\/)*node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(
    moduleId.replaceAll('\\', '/'),
  )?.[1]
}

/**
 * @param root folder of `package-lock.json` and `node_modules`
 * @throws Error for a package without version, integrity or licence: nobody may ship what they cannot name
 */
export function bundledPackages(moduleIds: readonly string[], root: string): readonly BundledPackage[] {
  const lockfile: { readonly packages: Readonly<Record<string, LockEntry>> } = JSON.parse(
    readFileSync(join(root, 'package-lock.json'), 'utf8'),
  )
  const places = new Set(moduleIds.map(placeOf).filter((place) => place !== undefined))
  return [...places].sort().map((place) => readPackage(join(root, place), place, lockfile.packages[place]))
}

function readPackage(folder: string, place: string, locked: LockEntry | undefined): BundledPackage {
  const { name, version, license } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
  const integrity = locked?.integrity
  if (integrity === undefined || locked?.version !== version) throw new Error(`${place} is not what the lockfile pins`)
  if (typeof license !== 'string') throw new Error(`${place} names no licence`)
  const file = readdirSync(folder).find((entry) => /^licen[cs]e(\.|$)/i.test(entry))
  if (file === undefined) throw new Error(`${place} holds no text of its licence`)
  return { name, version, licence: license, licenceText: readFileSync(join(folder, file), 'utf8'), integrity }
}

/** Their licences one after the other, for `dist/THIRD-PARTY-LICENSES.txt`. */
export function licenceList(packages: readonly BundledPackage[]): string {
  const texts = packages.map(
    ({ name, version, licence, licenceText }) => `${name} ${version} (${licence})\n\n${licenceText.trim()}\n`,
  )
  return [`Sealward's bundle holds code of these packages.\n`, ...texts].join(`\n${'-'.repeat(80)}\n\n`)
}
