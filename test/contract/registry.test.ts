// One contract, two registries: Debian's distribution 2.8.2 and our demo registry, with every difference between them
// written down and counted.

import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startDemoRegistry } from '#app/demo/registry.ts'
import { startDockerRegistry } from '../support/docker-registry.ts'
import { missing, titled } from '../support/tools.ts'
import { type RegistryUnderTest, registryContract } from './registry-contract.ts'
import { differences } from './registry-differences.ts'

/** Every difference answers on this registry as it is written down. */
function declaredDifferences(start: () => Promise<RegistryUnderTest>, side: 'distribution' | 'demo'): void {
  let registry: RegistryUnderTest
  beforeAll(async () => {
    registry = await start()
  })
  afterAll(() => registry?.close())
  it.each(differences)('differs in $about', async (difference) => {
    expect(await difference.probe(registry.host)).toBe(difference[side])
  })
}

describe('the differences', () => {
  it('are as many as are known, and each is one', () => {
    expect(differences).toHaveLength(12)
    expect(differences.filter(({ distribution, demo }) => distribution === demo)).toEqual([])
  })
})

describe('the demo registry keeps the contract', () => {
  registryContract(() => startDemoRegistry())
  declaredDifferences(() => startDemoRegistry(), 'demo')
})

describe('the demo registry without referrers', () => {
  const aboutReferrers = differences.filter(({ about }) => /referrers|OCI-Subject/.test(about))

  it.each(aboutReferrers)('is like distribution 2.8 in $about', async ({ probe, distribution }) => {
    const registry = await startDemoRegistry({ referrers: false })
    try {
      expect(await probe(registry.host)).toBe(distribution)
    } finally {
      await registry.close()
    }
  })

  it('was asked about both', () => expect(aboutReferrers).toHaveLength(2))
})

describe.skipIf(missing('docker-registry'))(titled('distribution 2.8 keeps the contract', 'docker-registry'), () => {
  registryContract(() => startDockerRegistry({ deletion: true }))
  declaredDifferences(() => startDockerRegistry({ deletion: true }), 'distribution')
})
