// Every word of the policy language with its meaning, default and limits: the one description from which the reader
// works and the docs are made. What several members must fulfil together is in the readers.

import { attestorSpec } from './schema-attestor.ts'
import { denyListSpec } from './schema-deny-list.ts'
import { clusterPolicySpec, policySpec } from './schema-policy.ts'
import type { ObjectShape, Shape, Word } from './shape.ts'
import { choice, ignored, names, object, text } from './shape.ts'
import { labelKey, labelValue, namespaceName, objectName } from './text-formats.ts'

export const apiVersion = 'sealward.dev/v1alpha1'

export interface Kind {
  readonly doc: string
  readonly scope: 'Cluster' | 'Namespaced'
  /** Absent: of a version to come. */
  readonly spec?: ObjectShape
}

export const kinds: Readonly<Record<string, Kind>> = {
  Attestor: { doc: 'Somebody who may vouch for images.', scope: 'Cluster', spec: attestorSpec },
  ClusterTrustPolicy: {
    doc: 'For which images in the cluster whose signatures are required.',
    scope: 'Cluster',
    spec: clusterPolicySpec,
  },
  TrustPolicy: {
    doc: 'The same for one namespace: it can only add demands to those of the cluster.',
    scope: 'Namespaced',
    spec: policySpec,
  },
  DenyList: { doc: 'Images and keys that nothing makes trusted.', scope: 'Cluster', spec: denyListSpec },
  SigstoreRoot: { doc: 'A private sigstore.', scope: 'Cluster' },
  SigningRule: { doc: 'What is signed by itself, and when.', scope: 'Cluster' },
  TrustException: { doc: 'An approved, dated exception for single images.', scope: 'Namespaced' },
  NodeTrust: { doc: 'The same trust, written for the container runtimes of the nodes.', scope: 'Cluster' },
}

/** What `kubectl get -o yaml` adds, and what other tools keep there: it says nothing about trust. */
const bookkeeping = [
  'annotations',
  'creationTimestamp',
  'deletionGracePeriodSeconds',
  'deletionTimestamp',
  'finalizers',
  'generateName',
  'generation',
  'managedFields',
  'ownerReferences',
  'resourceVersion',
  'selfLink',
  'uid',
] as const

function metadata(own: Readonly<Record<string, Word>>): Shape {
  const rest = bookkeeping.map((name): [string, Word] => [name, { doc: 'Allowed and not looked at.', shape: ignored }])
  return object({ ...own, ...Object.fromEntries(rest) })
}

const name: Word = { doc: 'What it is called.', shape: text(objectName, 253), required: true }
const ignoredLabels: Word = { doc: 'Allowed and not looked at.', shape: ignored }

/** The whole document of a kind. */
function documentShape(kindName: string, kind: Kind, spec: Shape): Shape {
  const namespace: Word = {
    doc: 'The only namespace in which it speaks.',
    shape: text(namespaceName, 63),
    default: 'default',
  }
  return object({
    apiVersion: { doc: 'The version of this language.', shape: choice({ [apiVersion]: { doc: '' } }), required: true },
    kind: { doc: 'What the document is.', shape: choice({ [kindName]: { doc: kind.doc } }), required: true },
    metadata: {
      doc: 'Its name.',
      required: true,
      shape: metadata(
        kind.scope === 'Namespaced' ? { name, namespace, labels: ignoredLabels } : { name, labels: ignoredLabels },
      ),
    },
    spec: { doc: 'What it says.', shape: spec, required: true },
    status: { doc: 'Allowed and not looked at.', shape: ignored },
  })
}

/** A namespace with its labels, for `namespaceSelector` without a cluster. */
export const namespaceShape: Shape = object({
  apiVersion: { doc: '', shape: choice({ v1: { doc: '' } }), required: true },
  kind: { doc: '', shape: choice({ Namespace: { doc: '' } }), required: true },
  metadata: {
    doc: '',
    required: true,
    shape: metadata({
      name: { doc: '', shape: text(namespaceName, 63), required: true },
      // Kubernetes bounds what an object carries to about this.
      labels: { doc: '', shape: names(labelKey, text(labelValue, 63), 1024) },
    }),
  },
  spec: { doc: '', shape: ignored },
  status: { doc: '', shape: ignored },
})

/** The shape of every kind that this version reads, made once. */
export const documentShapes: ReadonlyMap<string, Shape> = new Map(
  Object.entries(kinds).flatMap(([kindName, kind]) =>
    kind.spec ? [[kindName, documentShape(kindName, kind, kind.spec)]] : [],
  ),
)
