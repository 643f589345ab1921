// From flags to what `serve --kube` is told about its cluster.

import { isIP } from 'node:net'
import type { WebhookEndpoint } from '#app/kube/webhook-configuration.ts'
import { printable } from '#core/encoding/printable.ts'
import { CodedError } from '#core/errors.ts'
import { namespaceName, objectName } from '#core/policy/text-formats.ts'
import type { Args } from './command.ts'
import { kubeOptions } from './kube-options.ts'

export interface KubeFlags {
  readonly kubeconfig: string | undefined
  readonly name: string
  /** Of Sealward itself; absent: that of the Pod, or `sealward` outside of the cluster. */
  readonly namespace: string | undefined
  /** Absent: through the Service, where the process runs inside of the cluster; not at all outside. */
  readonly endpoint: WebhookEndpoint | undefined
  readonly timeoutSeconds: number
  /** The authorities of a serving certificate that comes from files. */
  readonly ca: string | undefined
  readonly pullSecrets: boolean
}

/** `undefined` without `--kube`. @throws CodedError `usage` */
export function kubeFlags(args: Args): KubeFlags | undefined {
  if (!args.flag('kube')) {
    for (const { flags } of kubeOptions) {
      const [, name = '', value] = /^--([a-z-]+)( <)?/.exec(flags) ?? []
      if (value === undefined ? args.flag(name) : args.text(name) !== undefined)
        throw new CodedError('usage', `--${name} is about a cluster; add --kube`)
    }
    return undefined
  }
  const ca = args.text('webhook-ca')
  const endpoint = endpointOf(args.text('webhook-url'), args.text('webhook-port'))
  const hasFiles = args.text('tls-cert') !== undefined
  if (ca !== undefined && !hasFiles)
    throw new CodedError(
      'usage',
      '--webhook-ca goes with --tls-cert; a certificate of our own has an authority of our own',
    )
  if (ca === undefined && hasFiles)
    throw new CodedError('usage', '--tls-cert needs --webhook-ca: the API server has to be told whom to trust')
  return {
    kubeconfig: args.text('kubeconfig'),
    name: nameOf(args.text('kube-name') ?? 'sealward'),
    namespace: namespaceOf(args.text('kube-namespace')),
    endpoint,
    timeoutSeconds: numberOf('webhook-timeout', args.text('webhook-timeout') ?? '10', 1, 30),
    ca,
    pullSecrets: args.flag('pull-secrets'),
  }
}

function nameOf(text: string): string {
  if (text.length <= 253 && objectName.problem?.(text) === undefined) return text
  throw new CodedError(
    'usage',
    `--kube-name ${printable(text, 100)}: not a name of lower-case letters, digits, "-" and "."`,
  )
}

function namespaceOf(text: string | undefined): string | undefined {
  if (text === undefined || (text.length <= 63 && namespaceName.problem?.(text) === undefined)) return text
  throw new CodedError('usage', `--kube-namespace ${printable(text, 100)}: not the name of a namespace`)
}

function endpointOf(url: string | undefined, port: string | undefined): WebhookEndpoint | undefined {
  if (url !== undefined && port !== undefined)
    throw new CodedError('usage', '--webhook-url and --webhook-port contradict each other: a URL has its port')
  if (port !== undefined) return { kind: 'service', port: numberOf('webhook-port', port, 1, 65_535) }
  if (url === undefined) return undefined
  const parsed = URL.parse(url)
  // An API server takes no others (admissionregistration.k8s.io/v1, WebhookClientConfig).
  const isPlain = parsed !== null && parsed.username === '' && parsed.search === '' && parsed.hash === ''
  if (!isPlain || parsed.protocol !== 'https:' || parsed.hostname === '')
    throw new CodedError('usage', `--webhook-url ${printable(url, 200)}: write https://host:port`)
  return { kind: 'url', url: parsed.href.replace(/\/$/, '') }
}

function numberOf(name: string, text: string, min: number, max: number): number {
  const value = /^\d{1,5}$/.test(text) ? Number(text) : Number.NaN
  if (value >= min && value <= max) return value
  throw new CodedError('usage', `--${name} takes a number from ${min} to ${max}`)
}

/** What the serving certificate has to be for. */
export function webhookNames(
  endpoint: WebhookEndpoint | undefined,
  name: string,
  namespace: string,
): readonly string[] {
  if (endpoint?.kind === 'url') {
    const { hostname } = new URL(endpoint.url)
    const bare = hostname.replace(/^\[|\]$/g, '')
    return [isIP(bare) === 0 ? hostname : bare]
  }
  return [`${name}.${namespace}.svc`, `${name}.${namespace}.svc.cluster.local`]
}
