// Reviews to begin with: every place of an image, signed and unsigned ones, every operation.

import type { Parts } from './case.ts'
import { partsOf } from './case.ts'

export const goodImage = 'registry.example.com/team/app:v1'
export const badImage = 'registry.example.com/team/bad:v1'

const pods = {
  kind: { group: '', version: 'v1', kind: 'Pod' },
  resource: { group: '', version: 'v1', resource: 'pods' },
}
const workload = (group: string, kind: string) => ({
  kind: { group, version: 'v1', kind },
  resource: { group, version: 'v1', resource: `${kind.toLowerCase()}s` },
})

const container = (image: string, name = 'c') => ({ name, image })
const podSpec = (...images: readonly string[]) => ({
  containers: images.map((image, at) => container(image, `c${at}`)),
})

const review = (about: object, object: object, more: object = {}, apiVersion = 'admission.k8s.io/v1') =>
  JSON.stringify({
    apiVersion,
    kind: 'AdmissionReview',
    request: {
      uid: '705ab4f5-6393-11e8-b7cc-42010a800002',
      ...about,
      namespace: 'prod',
      operation: 'CREATE',
      userInfo: { username: 'ann', groups: ['system:authenticated'] },
      dryRun: false,
      object: { metadata: { name: 'web', labels: { app: 'web' } }, ...object },
      ...more,
    },
  })

const bodies: Readonly<Record<string, string>> = {
  'a signed image': review(pods, { spec: podSpec(goodImage) }),
  'an unsigned image': review(pods, { spec: podSpec(badImage) }),
  'an unsigned image beside a signed one': review(pods, { spec: podSpec(goodImage, badImage) }),
  'an unsigned init container': review(pods, {
    spec: { ...podSpec(goodImage), initContainers: [container(badImage, 'i')] },
  }),
  'an unsigned image volume': review(pods, {
    spec: { ...podSpec(goodImage), volumes: [{ name: 'v', image: { reference: badImage } }] },
  }),
  'an unsigned ephemeral container': review(
    pods,
    { spec: { ...podSpec(goodImage), ephemeralContainers: [container(badImage, 'e')] } },
    { operation: 'UPDATE', subResource: 'ephemeralcontainers', oldObject: { metadata: {}, spec: podSpec(goodImage) } },
  ),
  'a Deployment': review(workload('apps', 'Deployment'), { spec: { template: { spec: podSpec(badImage) } } }),
  'a CronJob': review(workload('batch', 'CronJob'), {
    spec: { jobTemplate: { spec: { template: { spec: podSpec(badImage) } } } },
  }),
  'an unknown kind with a pod spec': review(workload('example.com', 'Widget'), {
    spec: { template: { spec: podSpec(badImage) } },
  }),
  'a kind without images': review(workload('', 'ConfigMap'), { data: { a: 'b' } }),
  'an update that changes the image': review(
    pods,
    { spec: podSpec(badImage) },
    { operation: 'UPDATE', oldObject: { metadata: {}, spec: podSpec(goodImage) } },
  ),
  'an update that changes nothing': review(
    pods,
    { spec: podSpec(badImage) },
    { operation: 'UPDATE', oldObject: { metadata: {}, spec: podSpec(badImage) } },
  ),
  'a deletion': review(pods, {}, { operation: 'DELETE', object: null, oldObject: { spec: podSpec(badImage) } }),
  'of the older version': review(pods, { spec: podSpec(goodImage) }, {}, 'admission.k8s.io/v1beta1'),
}

export const reviewSeeds: Readonly<Record<string, Parts>> = Object.fromEntries(
  Object.entries(bodies).flatMap(([name, body]) => [
    [`${name}, /mutate`, partsOf({ body, path: '/mutate?timeout=10s' })],
    [`${name}, /validate`, partsOf({ body, path: '/validate' })],
  ]),
)

export const reviewWords: readonly string[] = [
  goodImage,
  badImage,
  'REGISTRY.example.com/team/app:v1',
  'registry.example.com:443/team/app:v1',
  'registry.example.com/team/app',
  'registry.example.com/team/app:v2',
  `registry.example.com/team/bad@sha256:${'0'.repeat(64)}`,
  'evil.example/registry.example.com/team/app:v1',
  ...[
    'CREATE',
    'UPDATE',
    'DELETE',
    'CONNECT',
    'Pod',
    'Deployment',
    'ConfigMap',
    'apps',
    'batch',
    'status',
    'ephemeralcontainers',
  ],
  ...[
    'request',
    'object',
    'oldObject',
    'spec',
    'template',
    'jobTemplate',
    'containers',
    'initContainers',
    'ephemeralContainers',
  ],
  ...[
    'volumes',
    'image',
    'reference',
    'uid',
    'kind',
    'group',
    'operation',
    'subResource',
    'dryRun',
    'namespace',
    'labels',
    'metadata',
  ],
  ...[
    'kube-system',
    'deletionTimestamp',
    'sealward.dev/exempt',
    'admission.k8s.io/v1',
    'admission.k8s.io/v1beta1',
    'AdmissionReview',
  ],
]
