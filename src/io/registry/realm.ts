// Which token service may see credentials of a registry. A realm comes from the registry's answer, so whoever can forge
// an answer could collect passwords; therefore: https, and a host that belongs to the registry, or one that is configured.

import { isIP } from 'node:net'
import { printable } from '#core/encoding/printable.ts'
import { CodedError } from '#core/errors.ts'
import { showUrl } from '#io/http/failure.ts'

export interface RealmRules {
  /** Hosts (`auth.example.com`, `auth.example.com:8443`) that may issue tokens for any registry. */
  readonly allowedRealms: readonly string[]
}

/**
 * The URL of the token service, if it may be used for the registry at `registry`.
 *
 * @throws CodedError `realm-refused`
 */
export function guardRealm(realm: string, registry: URL, rules: RealmRules): URL {
  const refused = (reason: string) =>
    new CodedError('realm-refused', `${registry.host} names a token service that may not see credentials: ${reason}`)
  if (!URL.canParse(realm)) throw refused(`"${printable(realm, 100)}" is no URL`)
  const url = new URL(realm)
  if (url.username !== '' || url.password !== '') throw refused('its URL holds a user name or password')
  if (url.protocol !== 'https:') {
    // A registry that is spoken to in plain HTTP gives nothing more away on its own host.
    const plain = url.protocol === 'http:' && registry.protocol === 'http:' && url.hostname === registry.hostname
    if (!plain) throw refused(`${showUrl(url)} is not https`)
    return url
  }
  const configured = rules.allowedRealms.some((host) => host === url.host || host === url.hostname)
  if (url.hostname === registry.hostname || configured || sameSite(url.hostname, registry.hostname)) return url
  throw refused(`${printable(url.host, 100)} does not belong to it; allow that host if it is right`)
}

/** Do two host names lie under one registrable domain? Never for addresses, single labels and shared suffixes. */
export function sameSite(a: string, b: string): boolean {
  const site = registrableDomain(a)
  return site !== undefined && site === registrableDomain(b)
}

/**
 * Under these anybody can have a name, at any depth, so they tell nothing about the owner. Not complete: what follows is
 * a rule of thumb, in place of the public suffix list, for hosts that an operator chose to pull from.
 */
const sharedSuffixes = [
  'cluster.local',
  'amazonaws.com',
  'azurewebsites.net',
  'cloudapp.azure.com',
  'windows.net',
  'cloudfront.net',
  'herokuapp.com',
  'github.io',
  'gitlab.io',
  'appspot.com',
  'run.app',
  'web.app',
  'pages.dev',
  'workers.dev',
  'vercel.app',
  'netlify.app',
  'ngrok.io',
  'ngrok-free.app',
  'nip.io',
  'sslip.io',
  'duckdns.org',
]
/** `example.co.uk`, `example.com.cn`: below a two-letter country these belong to a registry, not to an owner. */
const secondLevel = new Set(['ac', 'co', 'com', 'edu', 'go', 'gob', 'gov', 'mil', 'ne', 'net', 'nom', 'or', 'org'])

function registrableDomain(hostname: string): string | undefined {
  const name = hostname.toLowerCase().replace(/\.$/, '')
  if (name.startsWith('[') || isIP(name) !== 0) return undefined
  const labels = name.split('.')
  if (sharedSuffixes.some((suffix) => name === suffix || name.endsWith(`.${suffix}`))) return undefined
  const country = (labels.at(-1) ?? '').length === 2 && secondLevel.has(labels.at(-2) ?? '')
  const size = country ? 3 : 2
  return labels.length < size ? undefined : labels.slice(-size).join('.')
}
