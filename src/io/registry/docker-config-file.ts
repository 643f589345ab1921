// Where the docker config lies, and credentials out of it together with the helpers that it names.

import { join } from 'node:path'
import { CodedError, messageOf } from '#core/errors.ts'
import { unreadableFile } from '#core/unreadable-file.ts'
import { readBounded } from '#io/bounded-file.ts'
import { createCache, createSingleFlight } from '#io/cache.ts'
import { untilAborted } from '#io/http/deadline.ts'
import { askCredentialHelper } from './credential-helper.ts'
import type { Credential, CredentialLookup } from './credentials.ts'
import { credentialsFor, type DockerConfig, emptyDockerConfig, helperFor, parseDockerConfig } from './docker-config.ts'

type Environment = Readonly<Record<string, string | undefined>>

/** A config with hundreds of registries is some 100 KiB; a Secret holds at most 1 MiB. */
const maxConfigBytes = 1024 * 1024
/** Helpers answer with tokens that live for hours; a minute keeps a burst from starting a process each. */
const helperAnswerTtl = 60_000

/** `REGISTRY_AUTH_FILE` as podman and skopeo know it, else docker's `DOCKER_CONFIG` directory, else `~/.docker`. */
export function dockerConfigPath(environment: Environment): string | undefined {
  const { REGISTRY_AUTH_FILE: file, DOCKER_CONFIG: directory, HOME: home } = environment
  if (file) return file
  if (directory) return join(directory, 'config.json')
  return home ? join(home, '.docker', 'config.json') : undefined
}

/**
 * The config of this user; none at all if there is no file.
 *
 * @throws CodedError `docker-config-malformed`, `file-unreadable`
 */
export async function loadDockerConfig(environment: Environment): Promise<DockerConfig> {
  const path = dockerConfigPath(environment)
  const text = path === undefined ? undefined : readConfig(path)
  if (path === undefined || text === undefined) return emptyDockerConfig
  try {
    return parseDockerConfig(text)
  } catch (error) {
    throw new CodedError('docker-config-malformed', `${path}: ${messageOf(error)}`, { where: path, cause: error })
  }
}

/** Credentials of a config. `helpers: false` where the config came from somebody else: then no program is run. */
export function dockerCredentials(config: DockerConfig, options: { readonly helpers: boolean }): CredentialLookup {
  const answers = createCache<{ readonly credential: Credential | undefined }>({ max: 1_000, ttl: helperAnswerTtl })
  const once = createSingleFlight<{ readonly credential: Credential | undefined }>()

  const ask = async (helper: string, server: string, signal: AbortSignal): Promise<Credential | undefined> => {
    const key = `${helper} ${server}`
    const known = answers.get(key)
    if (known !== undefined) return known.credential
    const asked = once(key, async () => {
      // Not the caller's signal: others wait for the same answer. The helper has its own deadline.
      const credential = await askCredentialHelper(helper, server, new AbortController().signal)
      answers.set(key, { credential })
      return { credential }
    })
    const late = () => new CodedError('credential-helper-failed', `docker-credential-${helper} did not answer in time`)
    return (await untilAborted(asked, signal, late)).credential
  }

  return async (at, _scope, signal) => {
    const own = credentialsFor(config, at)
    const program = options.helpers ? helperFor(config, at) : undefined
    if (program === undefined) return { credentials: own, problems: [] }
    try {
      const credential = await ask(program.helper, program.server, signal)
      return { credentials: credential === undefined ? own : [...own, credential], problems: [] }
    } catch (error) {
      if (error instanceof CodedError) return { credentials: own, problems: [error] }
      throw error
    }
  }
}

function readConfig(path: string): string | undefined {
  let bytes: Buffer | undefined
  try {
    bytes = readBounded(path, maxConfigBytes)
  } catch (error) {
    if (isErrno(error, 'ENOENT') || isErrno(error, 'ENOTDIR')) return undefined
    throw unreadableFile(path, error)
  }
  if (bytes !== undefined) return bytes.toString('utf8')
  throw new CodedError('docker-config-malformed', `${path} is larger than ${maxConfigBytes} bytes`, { where: path })
}

function isErrno(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code
}
