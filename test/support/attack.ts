// An image in a hostile registry, a policy that wants it signed, and the webhook that judges it: real client, real engine,
// real formats. What a test changes is what the registry says.

import { generateKeyPairSync } from 'node:crypto'
import { createJudging } from '#app/cli/judging.ts'
import { createWebhook, type Webhook } from '#app/webhook.ts'
import type { AdmissionAnswer } from '#core/admission/answer.ts'
import type { AdmissionRequest } from '#core/admission/review.ts'
import type { Digest } from '#core/image/digest.ts'
import { compilePolicySet } from '#core/policy/set.ts'
import type { Attestor, AttestorKey, Policy } from '#core/policy/words.ts'
import { createRegistryClient, type RegistryClient, type RegistryClientOptions } from '#io/registry/client.ts'
import { attestorOf } from './evidence.ts'
import type { HostileRegistry } from './hostile-registry.ts'
import { descriptorOf, imageManifest, indexOf, repository, startHostileRegistry } from './hostile-registry.ts'
import { podRequest } from './pods.ts'
import { policy, type RuleParts, rule, signed } from './policies.ts'
import {
  bundleOf,
  type Json,
  type Layer,
  layer,
  manifestOf,
  payloadOf,
  pemOf,
  referring,
  statementOf,
} from './signed-evidence.ts'

export const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' })
export const stranger = generateKeyPairSync('ec', { namedCurve: 'P-256' })
export const release: Attestor = attestorOf(pemOf(pair.publicKey))

/** The attestor with another life of its key, under a revision of its own. */
export function releaseWith(life: Partial<AttestorKey>, revision: string): Attestor {
  return { ...release, revision, keys: release.keys.map((key) => ({ ...key, ...life })) }
}

export type Layout = 'Tag' | 'Bundle'

/** An Enforce policy that wants the signature of `release`, looked for in these layouts. */
export function demanding(layouts: readonly Layout[] = ['Tag', 'Bundle'], parts: RuleParts = {}, by = release): Policy {
  const attestor = { ...by, revision: `${by.revision} ${layouts.join()}`, storage: { layouts } }
  return policy('production', [rule(signed(attestor), parts)])
}

export interface Attack {
  readonly registry: HostileRegistry
  readonly client: RegistryClient
  readonly webhook: Webhook
  readonly digest: Digest
  readonly bytes: Buffer
  /** `host/team/app@sha256:…` */
  readonly pinned: string
  /** `host/team/app:v1` */
  readonly tagged: string
  /** What the webhook answers to a Pod of this image, or of these. */
  admit(images?: string | readonly string[], asking?: Admitting): Promise<Admitted>
  close(): Promise<void>
}

export interface Admitting {
  readonly signal?: AbortSignal
  readonly policies?: readonly Policy[]
  readonly namespace?: string
}

export interface Admitted {
  readonly outcome: AdmissionAnswer['outcome']
  readonly code: string | undefined
  readonly message: string
  /** Of a patched Pod: its image. */
  readonly image: unknown
}

export interface AttackOptions {
  readonly policies?: readonly Policy[]
  readonly client?: Partial<RegistryClientOptions>
  readonly registry?: HostileRegistry
  readonly now?: () => number
}

export async function startAttack(options: AttackOptions = {}): Promise<Attack> {
  const registry = options.registry ?? (await startHostileRegistry())
  const insecure = (host: string) => host.startsWith('127.0.0.1:') && registry.url.startsWith('http:')
  const client = createRegistryClient({ version: 'test', insecure, random: () => 0, ...options.client })
  let policies = options.policies ?? [demanding()]
  const { engine } = createJudging({ registry: client, ...(options.now && { now: options.now }) })
  const webhook = createWebhook({ engine, policies: () => setOf(policies) })
  const bytes = imageManifest('an image')
  const digest = registry.putManifest(bytes, { tag: 'v1' })
  const pinned = `${registry.host}/${repository}@${digest}`
  return {
    registry,
    client,
    webhook,
    digest,
    bytes,
    pinned,
    tagged: `${registry.host}/${repository}:v1`,
    async admit(images = pinned, asking = {}) {
      policies = asking.policies ?? options.policies ?? policies
      const request = {
        ...podOf(...[images].flat()),
        ...(asking.namespace !== undefined && { namespace: asking.namespace }),
      }
      return admitted(await webhook.mutate(request, asking.signal ?? AbortSignal.timeout(15_000)))
    },
    async close() {
      await client.close()
      await registry.close()
    },
  }
}

function setOf(policies: readonly Policy[]) {
  return compilePolicySet({ policies, attestors: [], namespaces: [], revision: '1' })
}

function admitted(answer: AdmissionAnswer): Admitted {
  return {
    outcome: answer.outcome,
    code: answer.outcome === 'denied' ? answer.code : undefined,
    message: answer.outcome === 'denied' ? answer.message : '',
    image:
      answer.outcome === 'patched'
        ? answer.patch.map((each) => ('value' in each ? each.value : undefined))[0]
        : undefined,
  }
}

export function podOf(...images: readonly string[]): AdmissionRequest {
  return podRequest(images)
}

/** A signature layer for a digest, by the key of `release` or another. */
export const layerFor = (digest: Digest, key = pair.privateKey): Layer => layer(payloadOf(digest), key)

/** Puts a manifest with these layers under the `.sig` tag. */
export function putClassic(
  registry: HostileRegistry,
  digest: Digest,
  layers: readonly Layer[],
  more: Json = {},
): Digest {
  for (const { bytes } of layers) registry.putBlob(bytes)
  return registry.putManifest(manifestOf(layers, more), { tag: `${digest.replace(':', '-')}.sig` })
}

/** Puts a bundle of this digest and its manifest, and answers the entry for a list of referrers. */
export function putBundle(
  registry: HostileRegistry,
  digest: Digest,
  parts: { key?: typeof pair.privateKey; bundle?: Json; more?: Json } = {},
) {
  const { key = pair.privateKey, bundle = bundleOf({ statement: statementOf(digest), key }), more = {} } = parts
  const subject = { mediaType: 'application/vnd.oci.image.manifest.v1+json', digest, size: 1 }
  const { manifest, layers, artifactType } = referring(bundle, { subject, ...more })
  for (const { bytes } of layers) registry.putBlob(bytes)
  registry.putManifest(manifest)
  return descriptorOf(manifest, { artifactType })
}

/** The list of referrers, by the API. */
export function putList(registry: HostileRegistry, digest: Digest, entries: readonly unknown[]): void {
  registry.putReferrers(digest, JSON.parse(indexOf(...entries).toString()))
}

/** The list of referrers, under the fallback tag. */
export function putFallback(registry: HostileRegistry, digest: Digest, entries: readonly unknown[]): void {
  registry.putManifest(indexOf(...entries), {
    mediaType: 'application/vnd.oci.image.index.v1+json',
    tag: digest.replace(':', '-'),
  })
}
