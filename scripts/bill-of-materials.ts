// The bill of materials of what the package and the image hold, as CycloneDX 1.6 JSON
// (https://cyclonedx.org/docs/1.6/json/): the packages that were bundled and every file with its hash. It holds no time and
// no random number, so that the same sources give the same bytes.

import { createHash } from 'node:crypto'
import type { BundledPackage } from './bundled-packages.ts'

export interface Subject {
  readonly name: string
  readonly version: string
  readonly licence: string
}

export interface ShippedFile {
  /** From the root of the package, with forward slashes. */
  readonly path: string
  readonly bytes: Uint8Array
}

export function billOfMaterials(
  subject: Subject,
  packages: readonly BundledPackage[],
  files: readonly ShippedFile[],
): string {
  const root = purl(subject.name, subject.version)
  const components = [...packages.map(packageComponent), ...files.map(fileComponent)]
  const body = {
    metadata: {
      component: {
        type: 'application',
        'bom-ref': root,
        name: subject.name,
        version: subject.version,
        licenses: [{ expression: subject.licence }],
        purl: root,
      },
    },
    components,
    dependencies: [
      { ref: root, dependsOn: packages.map(({ name, version }) => purl(name, version)) },
      ...packages.map(({ name, version }) => ({ ref: purl(name, version) })),
    ],
    compositions: [{ aggregate: 'complete', assemblies: [root] }],
  }
  const serialNumber = `urn:uuid:${uuidOf(JSON.stringify(body))}`
  const head = { bomFormat: 'CycloneDX', specVersion: '1.6', serialNumber, version: 1 }
  return `${JSON.stringify({ ...head, ...body }, undefined, 2)}\n`
}

function packageComponent({ name, version, licence, integrity }: BundledPackage) {
  const [algorithm = '', base64 = ''] = integrity.split('-')
  if (algorithm !== 'sha512') throw new Error(`${name} is pinned by ${algorithm}, not by sha512`)
  return {
    type: 'library',
    'bom-ref': purl(name, version),
    name,
    version,
    scope: 'required',
    hashes: [{ alg: 'SHA-512', content: Buffer.from(base64, 'base64').toString('hex') }],
    licenses: [{ expression: licence }],
    purl: purl(name, version),
  }
}

function fileComponent({ path, bytes }: ShippedFile) {
  const content = createHash('sha256').update(bytes).digest('hex')
  return { type: 'file', 'bom-ref': `file:${path}`, name: path, hashes: [{ alg: 'SHA-256', content }] }
}

/** https://github.com/package-url/purl-spec: the `@` of a scope is escaped. */
function purl(name: string, version: string): string {
  return `pkg:npm/${name.replace('@', '%40')}@${version}`
}

/** A version 8 UUID (RFC 9562, section 5.8): its bits are of our own making, here a hash of the content. */
function uuidOf(text: string): string {
  const hex = createHash('sha256').update(text).digest('hex')
  const variant = '89ab'[Number.parseInt(hex.charAt(16), 16) % 4]
  return [
    hex.slice(0, 8),
    hex.slice(8, 12),
    `8${hex.slice(13, 16)}`,
    `${variant}${hex.slice(17, 20)}`,
    hex.slice(20, 32),
  ].join('-')
}
