// What the API server would send if a manifest were created: the AdmissionRequest of a dry run.

import type { AdmissionRequest } from '#core/admission/review.ts'
import type { Manifest } from './manifests.ts'

export function createRequest(manifest: Manifest, defaultNamespace: string): AdmissionRequest {
  const { apiVersion, kind, value } = manifest
  const slash = apiVersion.indexOf('/')
  const group = slash < 0 ? '' : apiVersion.slice(0, slash)
  const version = apiVersion.slice(slash + 1)
  const { name, namespace } = namesOf(value)
  return {
    apiVersion: 'admission.k8s.io/v1',
    uid: 'check',
    kind: { group, version, kind },
    resource: { group, version, resource: pluralOf(kind) },
    ...(name !== undefined && { name }),
    namespace: namespace ?? defaultNamespace,
    operation: 'CREATE',
    userInfo: { username: 'sealward check', groups: [] },
    dryRun: true,
    object: value,
  }
}

/** Only the API server knows; this is how those who define kinds write it by default. */
function pluralOf(kind: string): string {
  const name = kind.toLowerCase()
  if (/(s|x|z|ch|sh)$/.test(name)) return `${name}es`
  return /[^aeiou]y$/.test(name) ? `${name.slice(0, -1)}ies` : `${name}s`
}

/** The labels that the Namespace objects among the manifests give. */
export function namespaceLabels(manifests: readonly Manifest[]): ReadonlyMap<string, Readonly<Record<string, string>>> {
  const labels = new Map<string, Readonly<Record<string, string>>>()
  for (const { apiVersion, kind, value } of manifests) {
    const { name } = namesOf(value)
    if (apiVersion !== 'v1' || kind !== 'Namespace' || name === undefined) continue
    const given = member(member(value, 'metadata'), 'labels')
    const texts = Object.entries(isObject(given) ? given : {}).filter(
      (entry): entry is [string, string] => typeof entry[1] === 'string',
    )
    // The API server adds this one to every namespace.
    labels.set(name, { ...Object.fromEntries(texts), 'kubernetes.io/metadata.name': name })
  }
  return labels
}

export function namesOf(value: unknown): { readonly name?: string; readonly namespace?: string } {
  const metadata = member(value, 'metadata')
  const [name, namespace] = [member(metadata, 'name'), member(metadata, 'namespace')]
  return {
    ...(typeof name === 'string' && name !== '' && { name }),
    ...(typeof namespace === 'string' && namespace !== '' && { namespace }),
  }
}

function member(value: unknown, name: string): unknown {
  return isObject(value) && Object.hasOwn(value, name) ? value[name] : undefined
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
