// Objects of Kubernetes in YAML, as tests look at them.

import { parseAllDocuments } from 'yaml'

/** As much of any object as tests look at. */
export interface Manifest {
  readonly apiVersion: string
  readonly kind: string
  readonly metadata: {
    readonly name: string
    readonly namespace?: string
    readonly labels?: Readonly<Record<string, string>>
  }
  readonly [member: string]: unknown
}

export function toManifests(text: string): readonly Manifest[] {
  return parseAllDocuments(text).flatMap((document) => document.toJS() ?? [])
}
