// Kubeconfig files, as client certificates or tokens name a user to the API server.

import { writeFile } from 'node:fs/promises'

export type Credentials =
  | { readonly certificate: string; readonly key: string }
  /** The token itself. */
  | { readonly token: string }

export interface Kubeconfig {
  readonly server: string
  /** The path of the authority's certificate. */
  readonly ca: string
  /** Paths of a certificate and its key, or a token. */
  readonly credentials: Credentials
  /** Of whoever does not name one. */
  readonly namespace?: string | undefined
}

export async function writeKubeconfig(path: string, { server, ca, credentials, namespace }: Kubeconfig): Promise<void> {
  const user =
    'token' in credentials
      ? { token: credentials.token }
      : { 'client-certificate': credentials.certificate, 'client-key': credentials.key }
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'test', cluster: { server, 'certificate-authority': ca } }],
    users: [{ name: 'user', user }],
    contexts: [
      { name: 'test', context: { cluster: 'test', user: 'user', ...(namespace !== undefined && { namespace }) } },
    ],
    'current-context': 'test',
  }
  await writeFile(path, JSON.stringify(config, undefined, 2), { mode: 0o600 }) // JSON is YAML
}
