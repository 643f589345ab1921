// Kinds that somebody else has defined in a real API server: sent to the webhook, judged and pinned as configured.

import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { missing, titled } from '../support/tools.ts'
import { clusterTools } from './control-plane.ts'
import { type Installed, install } from './installed.ts'

const soon = { timeout: 15_000, interval: 100 }

/** Any content under `spec`, in two versions. */
function definition(group: string, plural: string, kind: string, versions: readonly string[]) {
  const open = { type: 'object', 'x-kubernetes-preserve-unknown-fields': true }
  const schema = { openAPIV3Schema: { type: 'object', properties: { spec: open } } }
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${plural}.${group}` },
    spec: {
      group,
      scope: 'Namespaced',
      names: { kind, plural },
      versions: versions.map((name, at) => ({ name, served: true, storage: at === 0, schema })),
    },
  }
}

describe.skipIf(missing(...clusterTools))(titled('kinds that are judged by configuration', ...clusterTools), () => {
  let installed: Installed
  beforeAll(async () => {
    const places = [
      'example.com/v1/widgets=spec.image',
      'example.com/v1/widgets=spec.parts[*].image',
      'argoproj.io/v1alpha1/rollouts=spec.template.spec',
    ]
    installed = await install({ flags: places.flatMap((place) => ['--also-judge', place]) })
    await installed.apply(
      definition('example.com', 'widgets', 'Widget', ['v1', 'v1beta1']),
      definition('example.com', 'gadgets', 'Gadget', ['v1']),
      definition('argoproj.io', 'rollouts', 'Rollout', ['v1alpha1']),
    )
    await installed.kubectl('wait', '--for=condition=Established', 'crd', '--all')
    await installed.apply(
      {
        apiVersion: 'sealward.dev/v1alpha1',
        kind: 'Attestor',
        metadata: { name: 'release' },
        spec: { key: { keys: [{ name: 'demo', pem: installed.world.releaseKey }] } },
      },
      {
        apiVersion: 'sealward.dev/v1alpha1',
        kind: 'ClusterTrustPolicy',
        metadata: { name: 'production' },
        spec: {
          rules: [{ images: [`${installed.world.host}/shop/**`], require: { signature: { attestor: 'release' } } }],
        },
      },
    )
    await vi.waitFor(async () => {
      const { code } = await make('Widget', 'example.com/v1', { image: unsigned() }, ['--dry-run=server'])
      if (code === 0) throw new Error('not registered yet')
    }, soon)
  }, 120_000)
  afterAll(() => installed?.stop())

  const unsigned = () => installed.world.image('unsigned')
  const signed = () => installed.world.image('signed')
  const pinned = () => `${signed()}@${installed.world.digests.signed}`
  let objects = 0
  const make = (kind: string, apiVersion: string, spec: object, flags: readonly string[] = []) => {
    const object = { apiVersion, kind, metadata: { name: `object-${++objects}` }, spec }
    return installed.cluster.kubectl(['create', '-o', 'json', ...flags, '-f', '-'], JSON.stringify(object))
  }
  const stored = async (kind: string, apiVersion: string, spec: object) => {
    const { stdout, stderr } = await make(kind, apiVersion, spec)
    if (stdout === '') throw new Error(stderr)
    return JSON.parse(stdout).spec
  }
  const pod = (image: string) => ({ containers: [{ name: 'app', image }] })

  test('a signed image at a configured place is admitted and pinned there', async () => {
    expect(await stored('Widget', 'example.com/v1', { image: signed(), other: unsigned() })).toEqual({
      image: pinned(),
      other: unsigned(),
    })
    const parts = { a: { image: signed() }, 'b.c': { image: signed(), note: 'x' } }
    expect((await stored('Widget', 'example.com/v1', { parts })).parts).toEqual({
      a: { image: pinned() },
      'b.c': { image: pinned(), note: 'x' },
    })
    const template = { metadata: {}, spec: pod(signed()) }
    expect((await stored('Rollout', 'argoproj.io/v1alpha1', { template })).template.spec).toEqual(pod(pinned()))
  })

  test('an unsigned one is refused, with its place', async () => {
    const widget = await make('Widget', 'example.com/v1', { image: unsigned() })
    expect(widget.stderr).toContain(`The image "${unsigned()}" of spec.image is refused by policy "production"`)
    const parts = { a: { image: signed() }, 'b.c': { image: unsigned() } }
    expect((await make('Widget', 'example.com/v1', { parts })).stderr).toContain(
      'of spec.parts["b.c"].image is refused',
    )
    const rollout = await make('Rollout', 'argoproj.io/v1alpha1', { template: { spec: pod(unsigned()) } })
    expect(rollout.stderr).toContain('container "app" (spec.template.spec.containers[0].image) is refused')
  })

  test('an unsigned one in another version of the kind is refused, too', async () => {
    expect((await make('Widget', 'example.com/v1beta1', { image: unsigned() })).stderr).toContain(
      'is refused by policy',
    )
    expect(await stored('Widget', 'example.com/v1beta1', { image: signed() })).toEqual({ image: pinned() })
  })

  test('what cannot be an image is refused', async () => {
    const parts = await make('Widget', 'example.com/v1', { image: { repository: 'a', tag: '1' } })
    expect(parts.stderr).toContain('spec.image is neither an image nor a pod spec')
    expect((await make('Widget', 'example.com/v1', {})).code).toBe(0)
  })

  test('neighbour: a kind that is not configured is as it was', async () => {
    expect(await stored('Gadget', 'example.com/v1', { image: unsigned() })).toEqual({ image: unsigned() })
  })

  test('an unchanged image does not hold up an update', async () => {
    const name = `object-${objects + 1}`
    await stored('Widget', 'example.com/v1', { image: signed() })
    const label = await installed.cluster.kubectl(['label', 'widget', name, 'a=b'])
    expect(label.code).toBe(0)
    const patch = JSON.stringify({ spec: { image: unsigned() } })
    const edit = await installed.cluster.kubectl(['patch', 'widget', name, '--type=merge', '-p', patch])
    expect(edit.stderr).toContain('of spec.image is refused')
  })
})
