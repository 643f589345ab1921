// A real Kubernetes API on loopback: etcd, kube-apiserver and kube-controller-manager with RBAC and service accounts, no
// nodes. Pods are made and stay pending. Needs `clusterTools`; guard the suite with `missing(...clusterTools)`.

import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { request } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort } from '../support/free-port.ts'
import type { ToolName } from '../support/tool-recipes.ts'
import { writeCertificates } from './certificates.ts'
import { writeKubeconfig } from './kubeconfig.ts'
import { type Kubectl, kubectlFor } from './kubectl.ts'
import { type Program, startProgram } from './program.ts'

export const clusterTools = [
  'etcd',
  'kube-apiserver',
  'kube-controller-manager',
  'kubectl',
  'openssl',
] as const satisfies readonly ToolName[]

export interface ControlPlane {
  /** `https://127.0.0.1:PORT` */
  readonly server: string
  /** The path of the authority's certificate. */
  readonly ca: string
  /** A folder that goes away with the cluster. */
  readonly folder: string
  /** The path of a kubeconfig of the group system:masters. */
  readonly kubeconfig: string
  /** kubectl as that administrator. */
  readonly kubectl: Kubectl
  /** Makes a kubeconfig for the bearer of a token, who lives in this namespace. @returns its path */
  kubeconfigOf(token: string, namespace?: string): Promise<string>
  /** A line in JSON for each stage of each request of the audited users; absent: nobody is audited. */
  readonly auditLog?: string
  readonly etcd: Program
  /** Another one after each restart. */
  readonly apiServer: Program
  /** Stops the API server and starts it anew on the same port, over the same data. */
  restartApiServer(): Promise<void>
  stop(): Promise<void>
}

/** A quiet machine needs 3.5 s, a busy one 5. */
const startDeadline = 60_000

export interface ControlPlaneOptions {
  /** Users whose requests are written down: `system:serviceaccount:sealward:sealward`. */
  readonly audited?: readonly string[]
}

interface Layout {
  readonly folder: string
  readonly pki: (file: string) => string
  readonly server: string
  /** The file that its requests are written to. */
  readonly auditLog: string | undefined
  readonly ports: { readonly etcd: number; readonly peer: number; readonly api: number; readonly controllers: number }
}

async function layOut({ audited }: ControlPlaneOptions): Promise<Layout> {
  const folder = await mkdtemp(join(tmpdir(), 'sealward-cluster-'))
  const [etcd, peer, api, controllers] = await Promise.all([freePort(), freePort(), freePort(), freePort()])
  await writeCertificates(join(folder, 'pki'))
  const pki = (file: string) => join(folder, 'pki', file)
  const auditLog = audited && join(folder, 'audit.log')
  if (audited !== undefined) await writeFile(join(folder, 'audit.yaml'), JSON.stringify(auditPolicy(audited)))
  return { folder, pki, server: `https://127.0.0.1:${api}`, auditLog, ports: { etcd, peer, api, controllers } }
}

/** Who asked for what, and whether it was granted; nothing of what was sent. */
function auditPolicy(users: readonly string[]) {
  const rules = [{ level: 'Metadata', users, omitStages: ['RequestReceived'] }, { level: 'None' }]
  return { apiVersion: 'audit.k8s.io/v1', kind: 'Policy', rules }
}

function startEtcd({ folder, ports }: Layout): Program {
  const [client, peer] = [`http://127.0.0.1:${ports.etcd}`, `http://127.0.0.1:${ports.peer}`]
  const flags = {
    'data-dir': join(folder, 'etcd'),
    'unsafe-no-fsync': 'true',
    'listen-client-urls': client,
    'advertise-client-urls': client,
    'listen-peer-urls': peer,
    'initial-advertise-peer-urls': peer,
    'initial-cluster': `default=${peer}`,
  }
  return startProgram('etcd', flags, folder)
}

function startApiServer({ folder, pki, ports, auditLog }: Layout): Program {
  const flags = {
    'etcd-servers': `http://127.0.0.1:${ports.etcd}`,
    'bind-address': '127.0.0.1',
    'secure-port': `${ports.api}`,
    // Else it would publish the machine's own address as that of the service "kubernetes".
    'endpoint-reconciler-type': 'none',
    'tls-cert-file': pki('apiserver.crt'),
    'tls-private-key-file': pki('apiserver.key'),
    'client-ca-file': pki('ca.crt'),
    'cert-dir': join(folder, 'apiserver'),
    'authorization-mode': 'Node,RBAC',
    'service-cluster-ip-range': '10.0.0.0/24',
    'service-account-issuer': 'https://kubernetes.default.svc',
    'service-account-key-file': pki('sa.key'),
    'service-account-signing-key-file': pki('sa.key'),
    ...(auditLog !== undefined && {
      'audit-policy-file': join(folder, 'audit.yaml'),
      'audit-log-path': auditLog,
      // Before the answer is sent: whoever has the answer finds the line.
      'audit-log-mode': 'blocking-strict',
    }),
  }
  return startProgram('kube-apiserver', flags, folder)
}

function startControllers({ folder, pki, ports }: Layout, kubeconfig: string): Program {
  const flags = {
    kubeconfig,
    'authentication-kubeconfig': kubeconfig,
    'authorization-kubeconfig': kubeconfig,
    'bind-address': '127.0.0.1',
    'secure-port': `${ports.controllers}`,
    'cert-dir': join(folder, 'controllers'),
    'leader-elect': 'false',
    'use-service-account-credentials': 'true',
    'service-account-private-key-file': pki('sa.key'),
    'root-ca-file': pki('ca.crt'),
  }
  return startProgram('kube-controller-manager', flags, folder)
}

/** Does it say that it is ready, over TLS by its own authority? */
function isReady(server: string, ca: string): Promise<boolean> {
  return new Promise((resolve) => {
    const asked = request(`${server}/readyz`, { ca, timeout: 2000, agent: false }, (response) => {
      response.resume().once('end', () => resolve(response.statusCode === 200))
    })
    asked.once('timeout', () => asked.destroy(new Error('timeout')))
    asked.once('error', () => resolve(false))
    asked.end()
  })
}

async function waitUntil(what: string, programs: readonly Program[], holds: () => Promise<boolean>): Promise<void> {
  const end = performance.now() + startDeadline
  while (programs.every(({ running }) => running) && performance.now() < end) {
    if (await holds()) return
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  throw new Error(`${what}; the logs:\n${programs.map((program) => program.log()).join('\n')}`)
}

/**
 * Waits until pods can be made in the namespace `default`.
 * @throws Error with the logs where a program does not start
 */
export async function startControlPlane(options: ControlPlaneOptions = {}): Promise<ControlPlane> {
  const layout = await layOut(options)
  const { folder, pki, server, auditLog } = layout
  const ca = await readFile(pki('ca.crt'), 'utf8')
  const etcd = startEtcd(layout)
  let apiServer = startApiServer(layout)
  const programs = [etcd]
  const stop = async () => {
    etcd.signal('SIGCONT')
    for (const program of [...programs.slice(1), apiServer, etcd]) await program.stop()
    await rm(folder, { recursive: true, force: true })
  }
  const ready = () => waitUntil('the API server did not start', [etcd, apiServer], () => isReady(server, ca))
  try {
    const kubeconfig = join(folder, 'admin.kubeconfig')
    for (const [file, path] of [
      ['admin', kubeconfig],
      ['controller-manager', join(folder, 'controllers.kubeconfig')],
    ] as const) {
      const credentials = { certificate: pki(`${file}.crt`), key: pki(`${file}.key`) }
      await writeKubeconfig(path, { server, ca: pki('ca.crt'), credentials })
    }
    await ready()
    programs.push(startControllers(layout, join(folder, 'controllers.kubeconfig')))
    const kubectl = kubectlFor(kubeconfig)
    const hasAccount = async () => (await kubectl(['get', 'serviceaccount', 'default'])).code === 0
    await waitUntil('no service account was made', [...programs, apiServer], hasAccount)
    const restartApiServer = async () => {
      await apiServer.stop()
      apiServer = startApiServer(layout)
      await ready()
    }
    let tokens = 0
    const kubeconfigOf = async (token: string, namespace?: string) => {
      const path = join(folder, `token-${++tokens}.kubeconfig`)
      await writeKubeconfig(path, { server, ca: pki('ca.crt'), credentials: { token }, namespace })
      return path
    }
    return {
      server,
      ca: pki('ca.crt'),
      folder,
      kubeconfig,
      kubectl,
      kubeconfigOf,
      ...(auditLog !== undefined && { auditLog }),
      etcd,
      get apiServer() {
        return apiServer
      },
      restartApiServer,
      stop,
    }
  } catch (error) {
    await stop()
    throw error
  }
}
