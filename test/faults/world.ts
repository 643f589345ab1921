// What a fault happens to: a registry, images of which the truth is known, and a webhook with a store of records.

import { mkdtempSync, rmSync } from 'node:fs'
import { Agent, get } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { stall } from '../support/hostile-answers.ts'
import { startStubRegistry } from '../support/stub-registry.ts'
import type { Images } from './images.ts'
import { imagesIn } from './images.ts'
import type { FaultyRegistry } from './registry.ts'
import { startFaultyRegistry } from './registry.ts'
import type { Service } from './service.ts'
import { createService, settableClock } from './service.ts'

export interface World {
  readonly registry: FaultyRegistry
  readonly images: Images
  /** In a registry that never answers. */
  readonly stalledImage: string
  readonly service: Service
  readonly folder: string
  readonly store: string
  /** What every policy file of this world says. */
  readonly policy: string
  metrics(): Promise<string>
  close(): Promise<void>
}

export interface WorldOptions {
  readonly nodeFlags?: readonly string[]
  readonly openFiles?: number
  readonly hasStore?: boolean
}

export async function startWorld({
  nodeFlags = ['--import', settableClock],
  openFiles,
  hasStore = true,
}: WorldOptions = {}): Promise<World> {
  const folder = mkdtempSync(join(tmpdir(), 'sealward-faults-'))
  const store = join(folder, 'decisions.db')
  const registry = await startFaultyRegistry()
  const stalled = await startStubRegistry()
  for (const method of ['GET', 'HEAD']) stalled.on(method, '*', stall)
  const images = imagesIn(registry)
  const policy = policyText(images.key.publicPem)
  const plain = [registry, stalled].flatMap(({ host }) => ['--insecure-registry', host])
  const flags = [...plain, ...(hasStore ? ['--store', store] : [])]
  const service = await createService({ folder, policy, flags, nodeFlags, openFiles })
  const close = async () => {
    await service.end('SIGKILL')
    await registry.close()
    await stalled.close()
    rmSync(folder, { recursive: true, force: true })
  }
  try {
    await service.start()
  } catch (error) {
    await close()
    throw error
  }
  const stalledImage = `${stalled.host}/shop/stalled:v1`
  return { registry, images, stalledImage, service, folder, store, policy, metrics: () => metricsOf(service), close }
}

function policyText(pem: string): string {
  const apiVersion = 'sealward.dev/v1alpha1'
  const documents = [
    { apiVersion, kind: 'Attestor', metadata: { name: 'release' }, spec: { key: { keys: [{ name: 'a', pem }] } } },
    {
      apiVersion,
      kind: 'ClusterTrustPolicy',
      metadata: { name: 'production' },
      spec: { rules: [{ images: ['**'], require: { signature: { attestor: 'release' } } }] },
    },
  ]
  return documents.map((document) => JSON.stringify(document)).join('\n---\n')
}

function metricsOf({ port, authorities }: Service): Promise<string> {
  return new Promise((resolve, reject) => {
    const options = { host: '127.0.0.1', port, path: '/metrics', ca: [...authorities], agent: new Agent() }
    get(options, (response) => {
      let text = ''
      response.on('data', (part: Buffer) => {
        text += part.toString()
      })
      response.on('error', reject)
      response.on('end', () => resolve(text))
    }).on('error', reject)
  })
}
