// Every kind that holds images, every place of an image in it, and the ways in which one gets in: sent to a real API server,
// which sends it to us.

import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type CodedError, codeOf, messageOf } from '#core/errors.ts'
import { type Kube, openKube } from '#io/kube/kube.ts'
import { missing, titled } from '../support/tools.ts'
import { clusterTools } from './control-plane.ts'
import { type Installed, install } from './installed.ts'

const labels = { app: 'a' }
const selector = { matchLabels: labels }

/** A pod spec with this image at one place, and nothing else that is judged but what is signed. */
type Place = (image: string, signed: string) => object

const places: Readonly<Record<string, Place>> = {
  'containers[0].image': (image) => ({ containers: [{ name: 'c', image }] }),
  'containers[1].image': (image, signed) => ({
    containers: [
      { name: 'c', image: signed },
      { name: 'd', image },
    ],
  }),
  'initContainers[0].image': (image, signed) => ({
    initContainers: [{ name: 'i', image }],
    containers: [{ name: 'c', image: signed }],
  }),
  'volumes[0].image.reference': (image, signed) => ({
    containers: [{ name: 'c', image: signed }],
    volumes: [{ name: 'v', image: { reference: image } }],
  }),
}

interface Kind {
  readonly path: string
  readonly kind: string
  /** Where the pod spec is, as a denial names it. */
  readonly at: string
  readonly spec: (podSpec: object) => object
}

const template = (spec: object) => ({ metadata: { labels }, spec })
const onFailure = (spec: object) => ({ ...spec, restartPolicy: 'OnFailure' })

const kinds: readonly Kind[] = [
  { path: '/api/v1/namespaces/default/pods', kind: 'Pod', at: 'spec', spec: (spec) => ({ spec }) },
  {
    path: '/api/v1/namespaces/default/podtemplates',
    kind: 'PodTemplate',
    at: 'template.spec',
    spec: (spec) => ({ template: template(spec) }),
  },
  {
    path: '/api/v1/namespaces/default/replicationcontrollers',
    kind: 'ReplicationController',
    at: 'spec.template.spec',
    spec: (spec) => ({ spec: { replicas: 0, selector: labels, template: template(spec) } }),
  },
  ...['deployments', 'replicasets', 'statefulsets', 'daemonsets'].map((resource) => ({
    path: `/apis/apps/v1/namespaces/default/${resource}`,
    kind:
      { deployments: 'Deployment', replicasets: 'ReplicaSet', statefulsets: 'StatefulSet' }[resource] ?? 'DaemonSet',
    at: 'spec.template.spec',
    spec: (spec: object) => ({
      spec: { ...(resource !== 'daemonsets' && { replicas: 0 }), selector, template: template(spec) },
    }),
  })),
  {
    path: '/apis/batch/v1/namespaces/default/jobs',
    kind: 'Job',
    at: 'spec.template.spec',
    spec: (spec) => ({ spec: { suspend: true, template: { spec: onFailure(spec) } } }),
  },
  {
    path: '/apis/batch/v1/namespaces/default/cronjobs',
    kind: 'CronJob',
    at: 'spec.jobTemplate.spec.template.spec',
    spec: (spec) => ({
      spec: { schedule: '0 0 1 1 *', suspend: true, jobTemplate: { spec: { template: { spec: onFailure(spec) } } } },
    }),
  },
]

describe.skipIf(missing(...clusterTools))(titled('every kind and every place', ...clusterTools), () => {
  let installed: Installed
  let kube: Kube
  let made = 0
  beforeAll(async () => {
    installed = await install()
    kube = await openKube({ kubeconfig: installed.cluster.kubeconfig })
    const { world } = installed
    const require = { signature: { attestor: 'release' } }
    await installed.apply(
      {
        apiVersion: 'sealward.dev/v1alpha1',
        kind: 'Attestor',
        metadata: { name: 'release' },
        spec: { key: { keys: [{ name: 'demo', pem: world.releaseKey }] } },
      },
      {
        apiVersion: 'sealward.dev/v1alpha1',
        kind: 'ClusterTrustPolicy',
        metadata: { name: 'production' },
        spec: { rules: [{ images: [`${world.host}/shop/**`], require }] },
      },
    )
  }, 120_000)
  afterAll(() => installed?.stop())

  const image = (tag: 'signed' | 'unsigned') => installed.world.image(tag)
  const pinned = () => `${image('signed')}@${installed.world.digests.signed}`
  const sent = async (kind: Kind, podSpec: object) => {
    const body = { kind: kind.kind, metadata: { name: `a-${++made}`, labels }, ...kind.spec(podSpec) }
    return kube.send({ method: 'POST', path: kind.path, body })
  }
  /** The message of the refusal. */
  const refused = async (sending: Promise<unknown>): Promise<string> => {
    const error = await sending.then(
      () => undefined,
      (reason: CodedError) => reason,
    )
    expect(codeOf(error)).toBe('kube-forbidden')
    return error?.message ?? ''
  }

  test('the webhook is in force', async () => {
    const [pods] = kinds
    if (pods === undefined) throw new Error('no kinds')
    await expect
      .poll(() => sent(pods, { containers: [{ name: 'c', image: image('unsigned') }] }).then(() => 'made', codeOf), {
        timeout: 30_000,
      })
      .toBe('kube-forbidden')
  })

  const table = kinds.flatMap((kind) =>
    Object.entries(places).map(([at, place]) => ({ kind, at, place, title: `${kind.kind} ${kind.at}.${at}` })),
  )

  test.each(table)(
    '$title: what is signed is pinned, what is unsigned is refused, and named',
    async ({ kind, at, place }) => {
      const object = await sent(kind, place(image('signed'), image('signed')))
      const text = JSON.stringify(object)
      expect(text).toContain(JSON.stringify(pinned()))
      expect(text).not.toContain(JSON.stringify(image('signed')))
      const message = await refused(sent(kind, place(image('unsigned'), image('signed'))))
      expect(message).toContain('admission webhook "images.sealward.dev" denied the request')
      expect(message).toContain(`(${kind.at}.${at})`)
    },
  )

  describe('of a Pod that runs', () => {
    const path = '/api/v1/namespaces/default/pods/running'
    const ephemeral = (tag: 'signed' | 'unsigned', name: string) =>
      kube.send({
        method: 'PATCH',
        path: `${path}/ephemeralcontainers`,
        contentType: 'application/strategic-merge-patch+json',
        body: { spec: { ephemeralContainers: [{ name, image: image(tag) }] } },
      })

    beforeAll(async () => {
      const spec = { containers: [{ name: 'c', image: image('signed') }] }
      await kube.send({ method: 'POST', path: path.slice(0, -8), body: { metadata: { name: 'running' }, spec } })
    })

    test('an ephemeral container is judged, and pinned', async () => {
      const message = await refused(ephemeral('unsigned', 'e-1'))
      expect(message).toContain('(spec.ephemeralContainers[0].image)')
      expect(JSON.stringify(await ephemeral('signed', 'e-2'))).toContain(JSON.stringify(pinned()))
    })

    test('AD-12: a Pod that says it is the mirror of a static one is judged like every Pod', async () => {
      const mirror = (tag: 'signed' | 'unsigned') => {
        const annotations = { 'kubernetes.io/config.mirror': 'a', 'kubernetes.io/config.source': 'file' }
        const spec = { nodeName: 'node', containers: [{ name: 'c', image: image(tag) }] }
        const body = { metadata: { name: `mirror-${tag}`, annotations }, spec }
        return kube.send({ method: 'POST', path: path.slice(0, -8), body })
      }
      expect(await refused(mirror('unsigned'))).toContain('(spec.containers[0].image)')
      // With a signed image it is the API server that has the last word: it wants no service account's token in such a Pod.
      expect(await mirror('signed').then(() => 'made', messageOf)).not.toContain('images.sealward.dev')
    })

    test('another image is judged, another label is not', async () => {
      const patch = (body: object) =>
        kube.send({ method: 'PATCH', path, body, contentType: 'application/strategic-merge-patch+json' })
      const message = await refused(patch({ spec: { containers: [{ name: 'c', image: image('unsigned') }] } }))
      expect(message).toContain('(spec.containers[0].image)')
      await patch({ metadata: { labels: { more: 'yes' } } })
    })
  })

  describe('of a Deployment that was there before', () => {
    const path = '/apis/apps/v1/namespaces/default/deployments/before'
    const patch = (body: object) =>
      kube.send({ method: 'PATCH', path, body, contentType: 'application/strategic-merge-patch+json' })
    const policy = (mode: string) =>
      installed.kubectl('patch', 'ctp', 'production', '--type=merge', '-p', JSON.stringify({ spec: { mode } }))

    test('what is unsigned can be scaled and labelled, and gets no new image that is unsigned', async () => {
      await policy('Audit')
      const containers = [{ name: 'c', image: image('unsigned') }]
      const body = { metadata: { name: 'before' }, spec: { replicas: 0, selector, template: template({ containers }) } }
      const make = () => kube.send({ method: 'POST', path: path.slice(0, -7), body }).then(() => 'made', codeOf)
      await expect.poll(make, { timeout: 5_000 }).toBe('made')
      await policy('Enforce')
      const probe = { metadata: { name: 'probe' }, spec: { containers } }
      const judged = { method: 'POST', path: '/api/v1/namespaces/default/pods', body: probe } as const
      await expect
        .poll(() => kube.send({ ...judged, query: { dryRun: 'All' } }).then(() => 'made', codeOf), { timeout: 5_000 })
        .toBe('kube-forbidden')
      const stranger = {
        spec: { template: { spec: { containers: [{ name: 'c', image: installed.world.image('stranger') }] } } },
      }
      await refused(patch(stranger))
      await patch({ metadata: { labels: { more: 'yes' } } })
      const scale = { method: 'PATCH', path: `${path}/scale`, contentType: 'application/merge-patch+json' } as const
      await kube.send({ ...scale, body: { spec: { replicas: 1 } } })
      // Its new Pods are refused all the same.
      const events = () => installed.kubectl('get', 'events', '--field-selector', 'reason=FailedCreate')
      await expect.poll(events, { timeout: 15_000 }).toMatch(/replicaset\/before-\w+ .*nobody has signed it/)
    })
  })
})
