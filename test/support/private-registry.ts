// A real registry that asks for passwords, with an image that is signed and one that is not, and the policy that tells them
// apart. Needs the tool `docker-registry`.

import { generateKeyPairSync } from 'node:crypto'
import type { Policy } from '#core/policy/words.ts'
import { createRegistryClient } from '#io/registry/client.ts'
import { importPrivateKey } from '#signature/keys/private-key.ts'
import { createSigner } from '#signature/keys/signer.ts'
import type { DockerRegistry } from './docker-registry.ts'
import { startDockerRegistry } from './docker-registry.ts'
import { attestorOf } from './evidence.ts'
import { type PushedImage, pushImage } from './images.ts'
import { policy, rule, signed } from './policies.ts'
import { pushClassic } from './signing.ts'

/** Who may read the private registry; the hashes are bcrypt, made by libxcrypt. */
export const alice = { username: 'alice', password: 's3cret' }
export const bob = { username: 'bob', password: 'bob-pass' }
const htpasswd = [
  'alice:$2b$05$abcdefghijklmnopqrstuuLK7U1u6pVRmL7L1BBM2aS35PSZnDXlK',
  'bob:$2b$05$abcdefghijklmnopqrstuuPypBfjDdTe5uIDzdeXqzqkCyd4HN4tK\n',
].join('\n')

export interface PrivateRegistry extends DockerRegistry {
  /** PEM of whoever signs. */
  readonly releaseKey: string
  readonly signed: PushedImage
  readonly unsigned: PushedImage
}

const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const releaseKey = pair.publicKey.export({ type: 'spki', format: 'pem' }).toString()
const release = attestorOf(releaseKey)

export async function startPrivateRegistry(): Promise<PrivateRegistry> {
  const registry = await startDockerRegistry({ htpasswd })
  const repository = 'team/app'
  const options = { authorization: `Basic ${Buffer.from(`${alice.username}:${alice.password}`).toString('base64')}` }
  const image = await pushImage(registry.host, repository, 'signed', { ...options, seed: 'signed' })
  const unsigned = await pushImage(registry.host, repository, 'unsigned', { ...options, seed: 'unsigned' })
  const client = createRegistryClient({
    version: 'test',
    insecure: () => true,
    credentials: async () => ({ credentials: [{ kind: 'basic', ...alice }], problems: [] }),
  })
  const signer = createSigner(importPrivateKey(pair.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()))
  await pushClassic({ client, host: registry.host, repository, image }, signer)
  await client.close()
  return { ...registry, releaseKey, signed: image, unsigned }
}

/** An Enforce policy that wants all images signed by who signed that one. */
export function signedByRelease(): Policy {
  return policy('production', [rule(signed({ ...release, storage: { layouts: ['Tag'] } }))])
}
