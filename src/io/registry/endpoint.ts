// Where a repository is spoken to: the API host of its registry, plain or TLS, and the mirrors that are asked first.

import type { Repository } from '#core/decision/question.ts'
import { printable } from '#core/encoding/printable.ts'
import { CodedError } from '#core/errors.ts'

export interface Endpoint {
  /** What credentials and token scopes are looked up by. */
  readonly at: Repository
  /** `https://registry-1.docker.io` */
  readonly base: URL
}

export interface EndpointRules {
  /** Hosts (`localhost:5000`) that are spoken to in plain HTTP, and only so. */
  readonly insecure: (host: string) => boolean
  /** By registry, in the order to ask: `mirror.example.com`, or with a path that the repository is put below. */
  readonly mirrors: ReadonlyMap<string, readonly string[]>
}

/** The registry itself. @throws CodedError `registry-unreachable` for text that is no host */
export function originEndpoint(at: Repository, rules: EndpointRules): Endpoint {
  const host = at.registry === 'docker.io' ? 'registry-1.docker.io' : at.registry
  return { at, base: baseUrl(host, rules) }
}

/** Mirrors of the registry, not the registry itself. */
export function mirrorEndpoints(at: Repository, rules: EndpointRules): readonly Endpoint[] {
  return (rules.mirrors.get(at.registry) ?? []).map((mirror) => {
    const [host = '', ...prefix] = mirror.split('/').filter((part) => part !== '')
    return {
      at: { registry: host, repository: [...prefix, at.repository].join('/') },
      base: baseUrl(host, rules),
    }
  })
}

/** A URL below `/v2/<name>/`; every part is escaped, so none can leave its place. */
export function apiUrl(endpoint: Endpoint, ...parts: readonly string[]): URL {
  const path = [...endpoint.at.repository.split('/'), ...parts].map(segment).join('/')
  return new URL(`${endpoint.base.origin}/v2/${path}`)
}

function segment(text: string): string {
  if (text === '.' || text === '..')
    throw new CodedError('registry-protocol', 'a repository name cannot hold "." or ".."')
  // Colons stand in digests, and stand for themselves in a path.
  return text.includes(':') ? encodeURIComponent(text).replaceAll('%3A', ':') : encodeURIComponent(text)
}

function baseUrl(host: string, rules: EndpointRules): URL {
  const text = `${rules.insecure(host) ? 'http' : 'https'}://${host}/`
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url === undefined || url.href !== `${url.origin}/`) {
    throw new CodedError('registry-unreachable', `"${printable(host, 100)}" is not the host of a registry`)
  }
  return url
}
