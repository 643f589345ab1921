// What reading signatures costs: an image by digest whose attestor keeps signatures under the tag takes two requests.

import { afterAll, beforeAll, expect, test } from 'vitest'
import { type DemoRegistry, startDemoRegistry } from '#app/demo/registry.ts'
import { createRegistryClient, type RegistryClient } from '#io/registry/client.ts'
import { bundle } from '#signature/formats/bundle.ts'
import { cosign } from '#signature/formats/cosign.ts'
import { generateKey } from '#signature/keys/private-key.ts'
import { createSigner } from '#signature/keys/signer.ts'
import { attestorOf, judge, outcome, subjectAt } from '../support/evidence.ts'
import { pushImage } from '../support/images.ts'
import { pushBundle, pushClassic } from '../support/signing.ts'

let registry: DemoRegistry
let client: RegistryClient
beforeAll(async () => {
  registry = await startDemoRegistry({})
  client = createRegistryClient({ version: 'test', insecure: (host) => host === registry.host })
})
afterAll(async () => {
  await client.close()
  await registry.close()
})

test.each([
  ['cosign', cosign, pushClassic, 2],
  ['bundle', bundle, pushBundle, 3],
] as const)('%s: signed by digest, found, accepted, with no request too many', async (name, format, push, requests) => {
  const repository = `count/${name}`
  const image = await pushImage(registry.host, repository, 'v1')
  const signer = createSigner(await generateKey('ecdsa-p256'))
  await push({ client, host: registry.host, repository, image }, signer)
  registry.forgetRequests()
  const subject = subjectAt(registry.host, repository, image.digest)
  const { verifications } = await judge(client, format, subject, attestorOf(signer.publicKey.pem))
  expect(verifications.map(outcome)).toEqual(['accepted'])
  expect(registry.requests.map(({ method }) => method)).toEqual(Array.from({ length: requests }, () => 'GET'))
})
