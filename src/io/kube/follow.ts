// Follows all objects of a kind: a list in pages, then a watch from there on, and again whenever the watch ends. What it
// tells is always a state that the API server had, never one older than what it told before.

import { CodedError, codeOf, messageOf } from '#core/errors.ts'
import type { KubeClient } from './client.ts'
import { type KubeObject, parseEvent, readPage } from './objects.ts'
import { Pace, realTiming, type Timing } from './pace.ts'

export type { KubeObject } from './objects.ts'

/** Called in order; not any more once the signal has told to end. */
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
  /** After a refusal for lack of rights it is not asked again for about so long; by default, as after any failure. */
  readonly forbiddenMs?: number
  readonly timing?: Timing
}

/** Of the largest objects, these are 30 MiB at once; of others, a large cluster has some hundred pages. */
const pageSize = 20
/** Ten times the namespaces that a cluster is built for; a server whose list has no end must not fill the memory. */
const maxPages = 5_000
/** The API server sends a bookmark about once a minute, so that silence of two is a dead connection. */
const idleMs = 130_000
/** It ends a watch after 30 to 60 minutes by itself; sooner, so that a half dead one is not kept for long. */
const watchSecondsByDefault = 600

/** Until the signal; never rejects. */
export async function followObjects(client: KubeClient, follower: Follower, options: FollowOptions): Promise<void> {
  const { signal, forbiddenMs = 0, timing = realTiming } = options
  const pace = new Pace(timing)
  let version: string | undefined
  while (!signal.aborted) {
    let leastMs = 0
    try {
      version ??= await listAll(client, follower, options)
      pace.begun()
      version = await watchFrom(version, client, follower, options)
      pace.ended(false)
    } catch (error) {
      if (signal.aborted) return
      // What a watch has missed is only told by a list.
      version = undefined
      pace.ended(true)
      if (codeOf(error) === 'kube-forbidden') leastMs = forbiddenMs
      // History is forgotten now and then; nobody has to know, unless it goes on.
      if (codeOf(error) !== 'kube-expired' || pace.failures > 1) follower.failed(asCoded(error))
    }
    await pace.pause(signal, leastMs)
  }
}

/** @returns the resource version of the whole */
async function listAll(client: KubeClient, follower: Follower, options: FollowOptions): Promise<string> {
  const { path, signal } = options
  const objects: KubeObject[] = []
  let token: string | undefined
  for (let pages = 0; pages < maxPages; pages++) {
    const query = {
      limit: `${pageSize}`,
      ...selectorsOf(options),
      ...(token !== undefined && { continue: token }),
    }
    const page = readPage(await client.send({ method: 'GET', path, query }, signal), path)
    signal.throwIfAborted()
    for (const object of page.objects) objects.push(object)
    token = page.next
    if (token === undefined) {
      follower.listed(objects)
      follower.heard()
      return page.version
    }
  }
  throw new CodedError('kube-failing', `the list of ${path} has more than ${maxPages} pages`)
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
    // Several lines come at once, and what one of them brings about may be the end.
    signal.throwIfAborted()
    const event = parseEvent(line, path)
    if (event.kind === 'over') throw new CodedError(event.code, event.why)
    at = event.version
    if (event.kind === 'changed') follower.changed(event.object)
    else if (event.kind === 'deleted') follower.deleted(event.object)
    follower.heard()
  }
  return at
}

function selectorsOf({ fieldSelector, labelSelector }: FollowOptions): Readonly<Record<string, string>> {
  return {
    ...(fieldSelector !== undefined && { fieldSelector }),
    ...(labelSelector !== undefined && { labelSelector }),
  }
}

function asCoded(error: unknown): CodedError {
  return error instanceof CodedError ? error : new CodedError('internal-error', messageOf(error), { cause: error })
}
