// Tenants of a cluster and their pull secrets, and a webhook that reads pull secrets from a cluster as the service account
// `sealward/sealward`. What it asks of the API server and of the registry is on record.

import { newDecisionId } from '#app/cli/judging.ts'
import { createEngine } from '#app/engine/engine.ts'
import type { Sources } from '#app/engine/sources.ts'
import { createWebhook } from '#app/webhook.ts'
import type { AdmissionRequest } from '#core/admission/review.ts'
import { compilePolicySet } from '#core/policy/set.ts'
import type { KubeClient, KubeRequest } from '#io/kube/client.ts'
import { followObjects } from '#io/kube/follow.ts'
import { openKube } from '#io/kube/kube.ts'
import { createPullSecrets, type PullSecretsOptions } from '#io/kube/pull-secrets.ts'
import { createRegistryClient } from '#io/registry/client.ts'
import { joinCredentials, noCredentials } from '#io/registry/credentials.ts'
import { formats } from '#signature/formats.ts'
import { verifyMaterial } from '#signature/verify.ts'
import { podRequest } from '../support/pods.ts'
import { type alice, signedByRelease } from '../support/private-registry.ts'
import type { ControlPlane } from './control-plane.ts'

type Login = typeof alice

export interface Tenants {
  readonly world: ControlPlane
  /** The token of the service account `sealward/sealward`, which may nothing yet. */
  readonly token: string
  namespace(name: string): Promise<void>
  /** A Secret of a type that a kubelet reads. */
  secret(place: string, auths: Readonly<Record<string, Login>>, type?: 'dockerconfigjson' | 'dockercfg'): Promise<void>
  /** Many of the same content. */
  secrets(namespace: string, names: readonly string[], auths: Readonly<Record<string, Login>>): Promise<void>
  /** Lets Sealward list and watch these Secrets (and service accounts) of a namespace, and no others. */
  grant(
    namespace: string,
    names: { readonly secrets?: readonly string[]; readonly accounts?: readonly string[] },
  ): Promise<void>
}

export async function prepareTenants(world: ControlPlane): Promise<Tenants> {
  const kubectl = async (...args: readonly string[]) => {
    const told = await world.kubectl(args)
    if (told.code !== 0) throw new Error(`kubectl ${args.join(' ')}: ${told.stderr}`)
    return told.stdout
  }
  const apply = async (object: unknown) => {
    const told = await world.kubectl(['apply', '--server-side', '--force-conflicts', '-f', '-'], JSON.stringify(object))
    if (told.code !== 0) throw new Error(told.stderr)
  }
  const namespace = (name: string) => kubectl('create', 'namespace', name).then(() => undefined)
  await namespace('sealward')
  await kubectl('create', 'serviceaccount', 'sealward', '-n', 'sealward')
  const token = (await kubectl('create', 'token', 'sealward', '-n', 'sealward', '--duration=1h')).trim()
  const ruleFor = (resource: string, resourceNames: readonly string[] = []) =>
    resourceNames.length === 0
      ? []
      : [{ apiGroups: [''], resources: [resource], verbs: ['list', 'watch'], resourceNames }]
  return {
    world,
    token,
    namespace,
    async secret(place, auths, type) {
      const [inNamespace = '', name = ''] = place.split('/')
      await apply(secretOf(inNamespace, name, auths, type))
    },
    async secrets(inNamespace, names, auths) {
      await apply({ apiVersion: 'v1', kind: 'List', items: names.map((name) => secretOf(inNamespace, name, auths)) })
    },
    async grant(inNamespace, { secrets, accounts }) {
      const group = 'rbac.authorization.k8s.io'
      const metadata = { namespace: inNamespace, name: 'sealward-pull-secrets' }
      const rules = [...ruleFor('secrets', secrets), ...ruleFor('serviceaccounts', accounts)]
      await apply({ apiVersion: `${group}/v1`, kind: 'Role', metadata, rules })
      await apply({
        apiVersion: `${group}/v1`,
        kind: 'RoleBinding',
        metadata,
        roleRef: { apiGroup: group, kind: 'Role', name: metadata.name },
        subjects: [{ kind: 'ServiceAccount', namespace: 'sealward', name: 'sealward' }],
      })
    },
  }
}

function secretOf(
  namespace: string,
  name: string,
  auths: Readonly<Record<string, Login>>,
  type: 'dockerconfigjson' | 'dockercfg' = 'dockerconfigjson',
) {
  const text = JSON.stringify(type === 'dockercfg' ? auths : { auths })
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { namespace, name },
    type: `kubernetes.io/${type}`,
    data: { [`.${type}`]: Buffer.from(text).toString('base64') },
  }
}

export interface PullWorld {
  /** What the API server was asked, in order. */
  readonly asked: readonly KubeRequest[]
  /** What registries were asked. */
  readonly read: string[]
  /** How many signatures were verified. */
  verified(): number
  readonly clock: { ahead: number }
  /** `outcome` of a request, with the code and the message of a denial. */
  admit(request: AdmissionRequest, signal?: AbortSignal): Promise<Admitted>
  /** Whether the credentials of a request are known without waiting. */
  isKnown(request: AdmissionRequest): boolean
  close(): Promise<void>
}

interface Admitted {
  readonly outcome: string
  readonly code?: string
  readonly message?: string
}

/** @param token of the service account */
export async function openPullWorld({ world, token }: Tenants, options: PullSecretsOptions = {}): Promise<PullWorld> {
  const kube = await openKube({ kubeconfig: await world.kubeconfigOf(token) })
  const asked: KubeRequest[] = []
  const recorded: KubeClient = {
    send: (request) => {
      asked.push(request)
      return kube.send(request)
    },
    lines: (request, how) => {
      asked.push(request)
      return kube.lines(request, how)
    },
  }
  const clock = { ahead: 0 }
  const now = () => performance.now() + clock.ahead
  const follow: typeof kube.follow = (follower, following) => followObjects(recorded, follower, following)
  const pulls = createPullSecrets({ follow }, { now, ...options })
  const client = createRegistryClient({
    version: 'test',
    insecure: (host) => host.startsWith('127.0.0.1:'),
    credentials: joinCredentials(pulls.lookup, noCredentials),
    random: () => 0,
  })
  const read: string[] = []
  let verified = 0
  const engine = createEngine({
    sources: counted(client, read),
    formats,
    verify: (question) => {
      verified += 1
      return verifyMaterial(question)
    },
    now: Date.now,
    newId: newDecisionId,
  })
  const policies = [signedByRelease()]
  const set = compilePolicySet({ policies, attestors: [], namespaces: [], revision: '1' })
  const webhook = createWebhook({ engine, policies: () => set, credentialScope: (...of) => pulls.scopeOf(...of) })
  const never = new AbortController().signal
  return {
    asked,
    read,
    clock,
    verified: () => verified,
    admit: async (request, signal = AbortSignal.timeout(15_000)) => webhook.mutate(request, signal),
    isKnown: (request) => !(pulls.scopeOf(request, never) instanceof Promise),
    async close() {
      await pulls.close()
      await client.close()
    },
  }
}

function counted(client: Sources, read: string[]): Sources {
  const count =
    <A extends readonly unknown[], R>(kind: string, ask: (...args: A) => R) =>
    (...args: A): R => {
      read.push(kind)
      return ask(...args)
    }
  return {
    resolve: count('resolve', client.resolve),
    access: count('access', client.access),
    manifest: count('manifest', client.manifest),
    tagged: count('tagged', client.tagged),
    referrers: count('referrers', client.referrers),
    blob: count('blob', client.blob),
  }
}

/** A Pod as a webhook sees it. */
export function podIn(namespace: string, image: string, spec: object = {}): AdmissionRequest {
  return podRequest([image], {
    namespace,
    object: { metadata: {}, spec: { containers: [{ name: 'c', image }], ...spec } },
  })
}

export function deploymentIn(namespace: string, image: string, spec: object = {}): AdmissionRequest {
  const template = { metadata: {}, spec: { containers: [{ name: 'c', image }], ...spec } }
  return podRequest([image], {
    namespace,
    kind: { group: 'apps', version: 'v1', kind: 'Deployment' },
    resource: { group: 'apps', version: 'v1', resource: 'deployments' },
    object: { metadata: {}, spec: { template } },
  })
}

export const named = (...names: readonly string[]) => ({ imagePullSecrets: names.map((name) => ({ name })) })
