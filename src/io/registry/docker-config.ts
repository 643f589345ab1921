// The docker config format (`config.json`, podman's `auth.json`, Kubernetes' `.dockerconfigjson`): reading it, and which
// of its entries speak for a repository. It opens no file (`docker-config-file.ts`) and runs no program
// (`credential-helper.ts`). Secrets never enter a message.

import type { Repository } from '#core/decision/question.ts'
import { decodeBase64 } from '#core/encoding/base64.ts'
import { printable } from '#core/encoding/printable.ts'
import { parseStrictJson } from '#core/encoding/strict-json.ts'
import { CodedError, codeOf, messageOf } from '#core/errors.ts'
import type { Credential } from './credentials.ts'

/** A place that credentials belong to: a host (with port if written) and, where given, the start of a path. */
export interface ConfigKey {
  /** As it was written; credential helpers know it by this. */
  readonly text: string
  readonly host: string
  /** Segments that the repository must begin with; empty for the whole host. */
  readonly path: readonly string[]
}

export interface DockerConfig {
  readonly auths: readonly { readonly key: ConfigKey; readonly credential: Credential }[]
  /** Names of helper programs by host. */
  readonly credHelpers: readonly { readonly key: ConfigKey; readonly helper: string }[]
  readonly credsStore?: string
}

export const emptyDockerConfig: DockerConfig = { auths: [], credHelpers: [] }

/** What `docker login` writes for Docker Hub. */
export const dockerHubKey = 'https://index.docker.io/v1/'

/**
 * Unknown members are docker's own business and ignored; a member that matters and is of a wrong type is refused, since
 * skipping it would look like "no credentials".
 *
 * @throws CodedError `docker-config-malformed`, naming the place
 */
export function parseDockerConfig(text: string): DockerConfig {
  const top = record(parseJson(text), '')
  const auths = entriesOf(optionalRecord(top, 'auths'))
  const credHelpers = Object.entries(optionalRecord(top, 'credHelpers')).map(([name, value]) => ({
    key: keyOf(name, 'credHelpers'),
    helper: helperName(value, `credHelpers["${name}"]`),
  }))
  const store = member(top, 'credsStore')
  const hasStore = store !== undefined && store !== null && store !== ''
  return { auths, credHelpers, ...(hasStore && { credsStore: helperName(store, 'credsStore') }) }
}

/**
 * The older form, `.dockercfg`: what `auths` holds, and nothing around it.
 *
 * @throws CodedError `docker-config-malformed`, naming the place
 */
export function parseLegacyDockerConfig(text: string): DockerConfig {
  return { auths: entriesOf(record(parseJson(text), '')), credHelpers: [] }
}

function entriesOf(auths: Readonly<Record<string, unknown>>): DockerConfig['auths'] {
  return Object.entries(auths).flatMap(([name, value]) => {
    const credential = credentialOf(value, name)
    return credential === undefined ? [] : [{ key: keyOf(name, 'auths'), credential }]
  })
}

/** Credentials of the file itself for a repository: the longest path first, then in the order of the file. */
export function credentialsFor(config: DockerConfig, at: Repository): readonly Credential[] {
  return config.auths
    .filter((entry) => speaksFor(entry.key, at))
    .sort((a, b) => b.key.path.length - a.key.path.length)
    .map((entry) => entry.credential)
}

/** The helper to ask and the name to ask it for: the host's own, else the one for all hosts. */
export function helperFor(
  config: DockerConfig,
  at: Repository,
): { readonly helper: string; readonly server: string } | undefined {
  const own = config.credHelpers
    .filter((entry) => speaksFor(entry.key, at))
    .sort((a, b) => b.key.path.length - a.key.path.length)[0]
  const server = at.registry === 'docker.io' ? dockerHubKey : at.registry
  if (own !== undefined) return { helper: own.helper, server: own.key.host === 'docker.io' ? server : own.key.text }
  return config.credsStore === undefined ? undefined : { helper: config.credsStore, server }
}

/** Does an entry belong to a repository? Hosts are compared whole, label by label, paths segment by segment. */
export function speaksFor(key: ConfigKey, at: Repository): boolean {
  if (!hostMatches(key.host, withoutTlsPort(at.registry.toLowerCase()))) return false
  const segments = at.repository.split('/')
  return key.path.every((segment, index) => segments[index] === segment)
}

/** `:443` says nothing: https is what registries speak. */
function withoutTlsPort(host: string): string {
  return host.endsWith(':443') ? host.slice(0, -':443'.length) : host
}

/** Kubernetes allows `*` inside a label of the host (`*.azurecr.io`); it never stands for a dot. */
function hostMatches(pattern: string, host: string): boolean {
  if (!pattern.includes('*')) return pattern === host
  const labels = pattern.split('.')
  const actual = host.split('.')
  return labels.length === actual.length && labels.every((label, index) => labelMatches(label, actual[index] ?? ''))
}

function labelMatches(pattern: string, label: string): boolean {
  const [first = '', ...rest] = pattern.split('*')
  if (rest.length === 0) return first === label
  const last = rest.pop() ?? ''
  if (!label.startsWith(first)) return false
  let at = first.length
  for (const part of rest) {
    const found = label.indexOf(part, at)
    if (found < 0) return false
    at = found + part.length
  }
  return label.length - last.length >= at && label.endsWith(last)
}

function keyOf(text: string, member: string): ConfigKey {
  const plain = withoutEnd(text.replace(/^https?:\/\//i, ''), '/')
  const [host = '', ...path] = plain.split('/')
  if (host === '' || !/^[A-Za-z0-9.:[\]*_-]+$/.test(host)) {
    throw malformed(`${member} has a key that names no registry: ${shownKey(text)}`)
  }
  // `docker login` used to write the version of the API behind the host.
  const scoped = path.length === 1 && (path[0] === 'v1' || path[0] === 'v2') ? [] : path
  const lower = withoutTlsPort(host.toLowerCase())
  const hub = lower === 'index.docker.io' || lower === 'registry-1.docker.io'
  return { text, host: hub ? 'docker.io' : lower, path: scoped }
}

/** Whoever wrote `https://user:password@host` finds the key by its end; nobody else learns the rest. */
function shownKey(text: string): string {
  const at = text.lastIndexOf('@')
  return at < 0 ? `"${printable(text, 100)}"` : `"…${printable(text.slice(at), 100)}"`
}

/** Looks at each character once; a pattern for the end would begin anew at every one of a long run in the middle. */
function withoutEnd(text: string, character: string): string {
  let end = text.length
  while (end > 0 && text[end - 1] === character) end -= 1
  return text.slice(0, end)
}

/** `undefined` for an empty entry, which docker leaves behind where a credential store has the secret. */
function credentialOf(value: unknown, name: string): Credential | undefined {
  const where = `auths[${shownKey(name)}]`
  const entry = record(value, where)
  const text = (field: string) => optionalText(entry, field, where)
  const registryToken = headerSafe(text('registrytoken'), `${where}.registrytoken`)
  if (registryToken !== undefined) return { kind: 'registry-token', token: registryToken }
  const pair = pairOf(text('auth'), where)
  const username = text('username') ?? pair?.username
  const password = text('password') ?? pair?.password
  const identityToken = text('identitytoken')
  if (identityToken !== undefined) {
    return { kind: 'identity-token', token: identityToken, ...(username !== undefined && { username }) }
  }
  if (username === undefined && password === undefined) return undefined
  if (username === undefined || password === undefined)
    throw malformed(`${where} has a user name or a password, not both`)
  return { kind: 'basic', username, password }
}

/** It is sent as it is. */
function headerSafe(token: string | undefined, where: string): string | undefined {
  if (token !== undefined && !/^[\x21-\x7e]+$/.test(token)) throw malformed(`${where} has characters that no token has`)
  return token
}

function pairOf(auth: string | undefined, where: string): { username: string; password: string } | undefined {
  if (auth === undefined) return undefined
  const decoded = decodedText(auth, where)
  const colon = decoded.indexOf(':')
  if (colon < 0) throw malformed(`${where}.auth is not user:password in base64`)
  // Docker pads the password with zero bytes in old files.
  return { username: decoded.slice(0, colon), password: withoutEnd(decoded.slice(colon + 1), '\0') }
}

function decodedText(auth: string, where: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(decodeBase64(auth.trim()))
  } catch {
    throw malformed(`${where}.auth is not user:password in base64`)
  }
}

function helperName(value: unknown, where: string): string {
  // It becomes part of the name of a program: nothing that could be a path.
  if (typeof value === 'string' && /^[A-Za-z0-9_.-]+$/.test(value)) return value
  throw malformed(`${where} is not the name of a credential helper`)
}

function parseJson(text: string): unknown {
  try {
    return parseStrictJson(text)
  } catch (error) {
    // The reader quotes what it stumbles over, which may be a password.
    const reason = codeOf(error) === 'json-duplicate' ? messageOf(error) : 'it is not JSON'
    throw malformed(reason)
  }
}

function record(value: unknown, where: string): Readonly<Record<string, unknown>> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>
  throw malformed(`${where === '' ? 'it' : printable(where, 120)} is not an object`)
}

function member(object: Readonly<Record<string, unknown>>, name: string): unknown {
  return Object.hasOwn(object, name) ? object[name] : undefined
}

function optionalRecord(object: Readonly<Record<string, unknown>>, name: string): Readonly<Record<string, unknown>> {
  const value = member(object, name)
  return value === undefined || value === null ? {} : record(value, name)
}

function optionalText(object: Readonly<Record<string, unknown>>, name: string, where: string): string | undefined {
  const value = member(object, name)
  if (value === undefined || value === null || value === '') return undefined
  if (typeof value === 'string') return value
  throw malformed(`${where}.${name} is not a text`)
}

function malformed(reason: string): CodedError {
  return new CodedError('docker-config-malformed', `docker config: ${printable(reason, 300)}`)
}
