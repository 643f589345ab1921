// The options of `serve` about the cluster that it serves.

import type { OptionSpec } from './command.ts'

export const kubeOptions: readonly OptionSpec[] = [
  { flags: '--kube', description: 'take policies from the objects of a cluster, and register with its API server' },
  {
    flags: '--kubeconfig <file>',
    description: 'how to reach the cluster; else KUBECONFIG, the service account of the Pod, or ~/.kube/config',
    completes: 'file',
  },
  {
    flags: '--kube-name <name>',
    description: 'of the Service, the ClusterRole and the webhook configurations; sealward if absent',
  },
  {
    flags: '--kube-namespace <name>',
    description: 'of Sealward itself, which is exempt; that of the Pod, or sealward outside of the cluster, if absent',
  },
  {
    flags: '--webhook-url <url>',
    description: 'https://host:port at which the API server reaches this process; needed outside of the cluster',
  },
  { flags: '--webhook-port <port>', description: 'of the Service; 443 if absent' },
  {
    flags: '--webhook-ca <file>',
    description:
      'PEM: whom the API server is told to trust, with --tls-cert; else Sealward makes and renews both in a Secret',
    completes: 'file',
  },
  {
    flags: '--pull-secrets',
    description: 'read images with the pull secrets of Pods, where a RoleBinding lets it read them',
  },
  { flags: '--webhook-timeout <seconds>', description: 'how long the API server waits, 1 to 30; 10 if absent' },
]
