// Follows all objects of a kind: a list in pages, then a watch from there on, and again whenever the watch ends. What it
// tells is always a state that the API server had, never one older than what it told before.

import { setTimeout as sleep } from 'node:timers/promises'
import { parseStrictJsonBytes } from '#core/encoding/strict-json.ts'
import { CodedError, codeOf } from '#core/errors.ts'
import type { KubeAnswer, KubeClient } from './client.ts'

export interface KubeObject extends KubeAnswer {
  readonly metadata: Readonly<Record<string, unknown>> & { readonly name: string; readonly resourceVersion: string }
}

/** Called in order. */
export interface Follower {
  /** All there is; replaces what was told before. */
  listed(objects: readonly KubeObject[]): void
  /** One object as it is now. */
  changed(object: KubeObject): void
  deleted(object: KubeObject): void
  /** The API server has told everything until now: at the end of a list, with every change and every bookmark. */
  heard(): void
  /** It could not be followed; it is tried again. */
  failed(error: CodedError): void
}

export interface FollowOptions {
  /** Of the kind, in all namespaces or one: `/apis/sealward.dev/v1alpha1/attestors`. */
  readonly path: string
  readonly fieldSelector?: string
  readonly labelSelector?: string
  readonly signal: AbortSignal
  /** How long a watch lasts before it is asked for anew, which is when the API server looks again whether we may. */
  readonly watchSeconds?: number
  /** Between 0 and 1. */
  readonly random?: () => number
}

/** Fifty of the largest objects are as much as an answer may have. */
const pageSize = '50'
/** The API server sends a bookmark about once a minute, so that silence of two is a dead connection. */
const idleMs = 130_000
/** It ends a watch after 30 to 60 minutes by itself; sooner, so that a half dead one is not kept for long. */
const watchSecondsByDefault = 600
const firstPauseMs = 200
const longestPauseMs = 10_000

/** Until the signal; never rejects. */
export async function followObjects(client: KubeClient, follower: Follower, options: FollowOptions): Promise<void> {
  const { signal, random = Math.random } = options
  let version: string | undefined
  let failures = 0
  while (!signal.aborted) {
    try {
      version ??= await listAll(client, follower, options)
      failures = 0
      version = await watchFrom(version, client, follower, options)
    } catch (error) {
      if (signal.aborted) return
      // What a watch has missed is only told by a list.
      version = undefined
      failures++
      if (codeOf(error) !== 'kube-expired') follower.failed(asCoded(error))
      const pause = Math.min(longestPauseMs, firstPauseMs * 2 ** Math.min(failures - 1, 10))
      await sleep(pause * (0.5 + random() / 2), undefined, { signal, ref: false }).catch(() => undefined)
    }
  }
}

/** @returns the resource version of the whole */
async function listAll(client: KubeClient, follower: Follower, options: FollowOptions): Promise<string> {
  const objects: KubeObject[] = []
  let page: string | undefined
  for (;;) {
    const more: Readonly<Record<string, string>> = page === undefined ? {} : { continue: page }
    const query = { limit: pageSize, ...selectorsOf(options), ...more }
    const answer = await client.send({ method: 'GET', path: options.path, query })
    const { items } = answer
    if (!Array.isArray(items)) throw malformed(options)
    objects.push(...items.map((item: unknown) => asObject(item, options)))
    const metadata = memberOf(answer, 'metadata')
    const next = metadata['continue']
    if (typeof next === 'string' && next !== '') {
      page = next
      continue
    }
    const version = metadata['resourceVersion']
    if (typeof version !== 'string') throw malformed(options)
    follower.listed(objects)
    follower.heard()
    return version
  }
}

/** @returns where the next watch goes on, when the API server has ended this one */
async function watchFrom(
  version: string,
  client: KubeClient,
  follower: Follower,
  options: FollowOptions,
): Promise<string> {
  const { path, signal, watchSeconds = watchSecondsByDefault } = options
  const query = {
    watch: 'true',
    allowWatchBookmarks: 'true',
    resourceVersion: version,
    timeoutSeconds: `${watchSeconds}`,
    ...selectorsOf(options),
  }
  let at = version
  for await (const line of client.lines({ method: 'GET', path, query }, { idleMs, signal })) {
    at = tell(line, follower, options)
  }
  return at
}

/** @returns the version of the object in the line */
function tell(line: Uint8Array, follower: Follower, options: FollowOptions): string {
  const event = parseStrictJsonBytes(line, { maxDepth: 256 })
  if (!isRecord(event)) throw malformed(options)
  if (event['type'] === 'ERROR') throw endOfWatch(memberOf(event, 'object'))
  const object = asObject(event['object'], options)
  switch (event['type']) {
    case 'ADDED':
    case 'MODIFIED':
      follower.changed(object)
      break
    case 'DELETED':
      follower.deleted(object)
      break
    case 'BOOKMARK':
      break
    default:
      throw malformed(options)
  }
  follower.heard()
  return object.metadata.resourceVersion
}

function endOfWatch(status: Readonly<Record<string, unknown>>): CodedError {
  const message = typeof status['message'] === 'string' ? status['message'] : 'the API server ended the watch'
  return new CodedError(status['code'] === 410 ? 'kube-expired' : 'kube-failing', message)
}

function selectorsOf({ fieldSelector, labelSelector }: FollowOptions): Readonly<Record<string, string>> {
  return {
    ...(fieldSelector !== undefined && { fieldSelector }),
    ...(labelSelector !== undefined && { labelSelector }),
  }
}

function asObject(value: unknown, options: FollowOptions): KubeObject {
  if (!isKubeObject(value)) throw malformed(options)
  return value
}

function isKubeObject(value: unknown): value is KubeObject {
  if (!isRecord(value)) return false
  const { metadata } = value
  // A bookmark has a version and no name.
  return isRecord(metadata) && typeof metadata['resourceVersion'] === 'string'
}

function memberOf(value: Readonly<Record<string, unknown>>, name: string): Readonly<Record<string, unknown>> {
  const member = value[name]
  return isRecord(member) ? member : {}
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function malformed({ path }: FollowOptions): CodedError {
  return new CodedError('kube-failing', `the API server told something of ${path} that is no list or watch of objects`)
}

function asCoded(error: unknown): CodedError {
  return error instanceof CodedError ? error : new CodedError('internal-error', String(error), { cause: error })
}
