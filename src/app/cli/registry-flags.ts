// From flags and environment to a registry client: which hosts may speak plain HTTP, which authorities vouch for which
// registry, whose credentials are shown, and how long all of it may take.

import { printable } from '#core/encoding/printable.ts'
import { CodedError } from '#core/errors.ts'
import { normaliseRegistry } from '#core/image/registry-host.ts'
import { loadNetworkSettings, readAuthorities } from '#io/http/network.ts'
import type { RegistryClient } from '#io/registry/client.ts'
import { createRegistryClient } from '#io/registry/client.ts'
import { type CredentialLookup, joinCredentials } from '#io/registry/credentials.ts'
import { dockerCredentials, loadDockerConfig } from '#io/registry/docker-config-file.ts'
import type { Args, CommandContext } from './command.ts'

export interface RegistryRules {
  /** Commands may speak plain HTTP with a registry on this machine unasked; a server has to be told each host. */
  readonly loopbackIsPlain: boolean
  /** Tried before those of the docker config. */
  readonly credentials?: CredentialLookup | undefined
}

/**
 * @throws CodedError `usage`, `file-unreadable`, `input-too-large`, `docker-config-malformed`
 */
export async function openRegistry(
  args: Args,
  context: CommandContext,
  { loopbackIsPlain, credentials }: RegistryRules = { loopbackIsPlain: true },
): Promise<RegistryClient> {
  const plain = new Set(args.all('insecure-registry').map((text) => hostOf(text, '--insecure-registry')))
  const [network, authorities, docker] = await Promise.all([
    loadNetworkSettings(context.env),
    loadAuthorities(args.all('registry-ca')),
    loadDockerConfig(context.env),
  ])
  for (const host of authorities.byHost.keys()) {
    if (plain.has(host)) throw new CodedError('usage', `${host} is named by --registry-ca and by --insecure-registry`)
  }
  // Whoever names an authority means TLS.
  const speaksTls = (host: string) => authorities.forAll !== undefined || authorities.byHost.has(host)
  const own = dockerCredentials(docker, { helpers: true })
  return createRegistryClient({
    version: context.version,
    credentials: credentials === undefined ? own : joinCredentials(credentials, own),
    insecure: (host) => plain.has(host) || (loopbackIsPlain && isLoopback(host) && !speaksTls(host)),
    registryCa: authorities.byHost,
    network: { ...network, ...(authorities.forAll !== undefined && { ca: authorities.forAll }) },
  })
}

/** The credentials of a command are those of the person who runs it. */
export const ownCredentials = 'own'

/** @throws CodedError `usage` */
export function timeoutOf(args: Args): number {
  const text = args.text('timeout') ?? ''
  const [, amount = '', unit = ''] = /^(\d{1,6})(ms|s|m)$/.exec(text) ?? []
  const factors: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000 }
  const milliseconds = Number(amount) * (factors[unit] ?? 0)
  // Longer than an hour is a slip, and timers end at 24 days.
  if (milliseconds >= 1 && milliseconds <= 3_600_000) return milliseconds
  throw new CodedError('usage', `--timeout ${printable(text, 40)}: write a time between 1ms and 60m, such as 30s`)
}

/** `localhost`, what lies below it, and the loopback addresses; with or without port. */
export function isLoopback(host: string): boolean {
  const name = host.replace(/:\d+$/, '')
  return name === 'localhost' || name.endsWith('.localhost') || name === '[::1]' || /^127(\.\d{1,3}){3}$/.test(name)
}

interface Authorities {
  readonly forAll: string | undefined
  readonly byHost: ReadonlyMap<string, string>
}

async function loadAuthorities(values: readonly string[]): Promise<Authorities> {
  const byHost = new Map<string, string>()
  const forAll: string[] = []
  for (const value of values) {
    const equals = value.indexOf('=')
    const host = equals < 0 ? undefined : hostOf(value.slice(0, equals), '--registry-ca')
    const pem = await readCertificates(value.slice(equals + 1))
    if (host === undefined) forAll.push(pem)
    else byHost.set(host, [byHost.get(host) ?? '', pem].join('\n'))
  }
  return { forAll: forAll.length === 0 ? undefined : forAll.join('\n'), byHost }
}

async function readCertificates(path: string): Promise<string> {
  const text = readAuthorities(path, '--registry-ca')
  if (text.includes('-----BEGIN CERTIFICATE-----')) return text
  throw new CodedError('usage', `--registry-ca ${path}: the file holds no certificate in PEM`)
}

function hostOf(text: string, flag: string): string {
  const host = normaliseRegistry(text)
  if (typeof host === 'string') return host
  throw new CodedError('usage', `${flag} ${printable(text, 100)}: not a host (HOST or HOST:PORT): ${host.problem}`)
}
