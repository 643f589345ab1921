// The scenario of `demo --once`: what is sent to the webhook, and which verdict each case must get. A demo that cannot
// fail would show nothing.

import type { DemoWorld } from './world.ts'
import { demoRepository } from './world.ts'

export interface DemoCase {
  readonly title: string
  /** What is created: a Pod, or a Deployment whose template runs the images. */
  readonly kind: 'Pod' | 'Deployment'
  readonly images: readonly string[]
  readonly initImages?: readonly string[]
  readonly expect:
    | { readonly allowed: true; readonly pins: readonly string[] }
    | { readonly allowed: false; readonly code: string }
}

export function demoCases(world: DemoWorld): readonly DemoCase[] {
  const name = `${world.host}/${demoRepository}`
  const { signed, bundled } = world.digests
  const pinned = (tag: string, digest: string) => `${name}:${tag}@${digest}`
  const refused = (code: string) => ({ allowed: false, code }) as const
  return [
    {
      title: 'signed',
      kind: 'Pod',
      images: [`${name}:signed`],
      expect: { allowed: true, pins: [pinned('signed', signed)] },
    },
    {
      title: 'signed, newer layout',
      kind: 'Pod',
      images: [`${name}:bundled`],
      expect: { allowed: true, pins: [pinned('bundled', bundled)] },
    },
    {
      title: 'signed, by digest',
      kind: 'Deployment',
      images: [`${name}@${signed}`],
      expect: { allowed: true, pins: [] },
    },
    { title: 'nobody signed it', kind: 'Pod', images: [`${name}:unsigned`], expect: refused('signature-missing') },
    {
      title: 'somebody else signed it',
      kind: 'Pod',
      images: [`${name}:stranger`],
      expect: refused('signature-by-stranger'),
    },
    { title: 'tag moved after signing', kind: 'Pod', images: [`${name}:moved`], expect: refused('signature-missing') },
    {
      title: 'unsigned init container',
      kind: 'Deployment',
      images: [`${name}:signed`],
      initImages: [`${name}:unsigned`],
      expect: refused('signature-missing'),
    },
    {
      title: 'refused by a rule',
      kind: 'Pod',
      images: [`${world.host}/mirror/app:1`],
      expect: refused('denied-by-rule'),
    },
    { title: 'no rule covers it', kind: 'Pod', images: ['docker.io/library/alpine:3'], expect: refused('no-rule') },
    {
      title: 'registry does not answer',
      kind: 'Pod',
      images: [`${world.silentHost}/shop/app:1`],
      expect: refused('registry-unreachable'),
    },
  ]
}

/** The AdmissionReview that the API server would send. */
export function reviewOf({ kind, images, initImages = [] }: DemoCase, uid: string): object {
  const containers = (list: readonly string[], prefix: string) =>
    list.map((image, index) => ({ name: `${prefix}${index}`, image }))
  const podSpec = {
    ...(initImages.length > 0 ? { initContainers: containers(initImages, 'init') } : {}),
    containers: containers(images, 'app'),
  }
  const labels = { app: 'demo' }
  const [group, resource, spec] =
    kind === 'Pod'
      ? ['', 'pods', podSpec]
      : [
          'apps',
          'deployments',
          { selector: { matchLabels: labels }, template: { metadata: { labels }, spec: podSpec } },
        ]
  return {
    apiVersion: 'admission.k8s.io/v1',
    kind: 'AdmissionReview',
    request: {
      uid,
      kind: { group, version: 'v1', kind },
      resource: { group, version: 'v1', resource },
      namespace: 'shop',
      operation: 'CREATE',
      userInfo: { username: 'demo' },
      object: {
        apiVersion: group === '' ? 'v1' : `${group}/v1`,
        kind,
        metadata: { name: 'demo', namespace: 'shop', labels },
        spec,
      },
    },
  }
}
