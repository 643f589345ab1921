// An installation of the plain manifest, and who the program is by it. It runs beside the cluster, which has no nodes: the
// Deployment is left out, its service account is not.

import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { stringify } from 'yaml'
import { type Manifest, toManifests } from '../support/manifests.ts'
import type { ControlPlane } from './control-plane.ts'

const path = fileURLToPath(new URL('../../deploy/sealward.yaml', import.meta.url))

export interface Installation {
  /** Everything that was applied. */
  readonly manifests: readonly Manifest[]
  /** Of the program: the token of its own service account, in its own namespace. */
  readonly kubeconfig: string
}

/** Longer than anybody tries it. The API server gives no token for less than ten minutes. */
const tokenLifetime = '24h'

/** @param more what an administrator applies besides, such as Roles for pull secrets @throws Error with what kubectl says */
export async function install(cluster: ControlPlane, more: readonly Manifest[] = []): Promise<Installation> {
  const manifests = [...toManifests(readFileSync(path, 'utf8')), ...more].filter(({ kind }) => kind !== 'Deployment')
  const text = manifests.map((manifest) => stringify(manifest, { aliasDuplicateObjects: false })).join('---\n')
  await kubectl(cluster, ['apply', '--server-side', '-f', '-'], text)
  await kubectl(cluster, ['wait', '--for=condition=Established', 'crd', '-l', 'app.kubernetes.io/part-of=sealward'])
  const token = await kubectl(cluster, ['create', 'token', 'sealward', '-n', 'sealward', `--duration=${tokenLifetime}`])
  return { manifests, kubeconfig: await cluster.kubeconfigOf(token.trim(), 'sealward') }
}

async function kubectl(cluster: ControlPlane, args: readonly string[], input?: string): Promise<string> {
  const { code, stdout, stderr } = await cluster.kubectl(args, input)
  if (code !== 0) throw new Error(`kubectl ${args.join(' ')}: ${stderr}`)
  return stdout
}
