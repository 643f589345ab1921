// The registry client against a registry in the field, and against the demo registry with and without the referrers API
// and with pages so short that every list has several.

import { describe } from 'vitest'
import { startDemoRegistry } from '#app/demo/registry.ts'
import { startDockerRegistry } from '../support/docker-registry.ts'
import { missing, titled } from '../support/tools.ts'
import { clientContract } from './client-contract.ts'

describe('the registry client on the demo registry', () => {
  clientContract(() => startDemoRegistry())
})

describe('the registry client on the demo registry in pages of one', () => {
  clientContract(() => startDemoRegistry({ pageSize: 1 }))
})

describe('the registry client on the demo registry without the referrers API', () => {
  clientContract(() => startDemoRegistry({ referrers: false }))
})

describe.skipIf(missing('docker-registry'))(
  titled('the registry client on distribution 2.8', 'docker-registry'),
  () => {
    clientContract(() => startDockerRegistry())
  },
)
