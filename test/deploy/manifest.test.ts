// The one file for `kubectl apply` is the chart, and stays it.

import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { renderManifest } from '../../scripts/render-manifest.ts'
import { render } from '../support/helm.ts'
import { toManifests } from '../support/manifests.ts'
import { missing, titled } from '../support/tools.ts'

const text = readFileSync('deploy/sealward.yaml', 'utf8')

describe('the plain manifest', () => {
  test('begins with its namespace, in which no Pod may have more rights than it needs', () => {
    expect(toManifests(text)[0]).toMatchObject({
      kind: 'Namespace',
      metadata: { name: 'sealward', labels: { 'pod-security.kubernetes.io/enforce': 'restricted' } },
    })
  })
})

describe.skipIf(missing('helm'))(titled('the plain manifest and the chart', 'helm'), () => {
  test('are the same; npm run manifest writes it', async () => {
    expect(text).toBe(await renderManifest())
  })

  test('hold the same objects', async () => {
    const [namespace, ...others] = toManifests(text)
    expect(namespace?.kind).toBe('Namespace')
    expect(others).toEqual(await render({ crds: true }))
  })
})
