// Credentials as a kubelet would use them: the pull secrets that the object of a request names, or those of its service
// account, in their order. Each set of credentials has a name (`scope`) that is another one as soon as a Secret is changed,
// deleted or no longer granted, so that what was read by it before is of no use to who asks later (`app/engine/memory.ts`).

import { createHmac, hash, randomBytes } from 'node:crypto'
import { type FurtherKinds, noFurtherKinds } from '#core/admission/further-kinds.ts'
import type { AdmissionRequest } from '#core/admission/review.ts'
import { CodedError } from '#core/errors.ts'
import { createCache } from '#io/cache.ts'
import { untilAborted } from '#io/http/deadline.ts'
import type { CredentialLookup } from '#io/registry/credentials.ts'
import type { DockerConfig } from '#io/registry/docker-config.ts'
import { credentialsFor } from '#io/registry/docker-config.ts'
import type { Kube } from './kube.ts'
import { createNamedObjects } from './named-objects.ts'
import { readAccountSecrets, readPullSecret } from './pull-secret.ts'
import type { KnownSecret, PullScope, PullStores, Source } from './pull-sources.ts'
import { gather, secretName } from './pull-sources.ts'
import { ReadingPlaces } from './reading-places.ts'
import { type RoomLimits, SharedRoom } from './shared-room.ts'

export interface PullSecrets {
  /** Gives nothing for other scopes than its own. To be joined with the credentials of the process, which come last. */
  readonly lookup: CredentialLookup
  /**
   * Names the credentials of a request; `undefined` where these are no others than those of the process. At once, where all
   * of them are known.
   */
  scopeOf(request: AdmissionRequest, signal: AbortSignal): string | undefined | Promise<string | undefined>
  close(): Promise<void>
}

export interface PullSecretsOptions {
  readonly limits?: RoomLimits
  /** Where else pod specs are than in the kinds of Kubernetes. */
  readonly alsoJudged?: FurtherKinds
  /** How long reading them may hold up a request, in milliseconds. */
  readonly patienceMs?: number
  /** After how many seconds it is felt that a RoleBinding was taken away. */
  readonly watchSeconds?: number
  /** Milliseconds; must not jump. */
  readonly now?: () => number
}

/** Each is a connection to the API server; a cluster's busy namespaces have one or two each. A config is some KiB. */
const defaultLimits: RoomLimits = { lodgers: 256, bytes: 16 * 1024 * 1024 }
/** The API server answers within milliseconds. Of the ten seconds of an admission, registries get the most. */
const defaultPatienceMs = 2_000
/** The API server looks at rights when a watch begins. Of 256 watches two begin in a second. */
const defaultWatchSeconds = 120
/** More than requests are judged at a time. With as many of the longest names as are looked for it would be 20 MiB. */
const keptScopes = 2_000
/** A config of many small entries takes so many times its text when it is read. */
const parsedTimes = 8

const prefix = 'pull:'

export function createPullSecrets(kube: Pick<Kube, 'follow'>, options: PullSecretsOptions = {}): PullSecrets {
  const { patienceMs = defaultPatienceMs, alsoJudged = noFurtherKinds } = options
  const stores = { ...createStores(kube, options), alsoJudged }
  const scopes = createCache<PullScope>({ max: keptScopes, ttl: 0 })
  const patient = (signal: AbortSignal) => AbortSignal.any([signal, AbortSignal.timeout(patienceMs)])
  const named = (scope: PullScope | undefined): string | undefined => {
    if (scope === undefined) return undefined
    const name = `${prefix}${hash('sha256', JSON.stringify(scope), 'base64url')}`
    scopes.set(name, scope)
    return name
  }
  return {
    lookup: async (at, name, signal) => {
      const scope = scopes.get(name)
      if (scope === undefined) return { credentials: [], problems: name.startsWith(prefix) ? [forgotten()] : [] }
      const found = await Promise.all(
        scope.sources.map((source) => entriesOf(source, scope, stores, () => patient(signal))),
      )
      return {
        // As a kubelet orders them: the longest path first over all of them, then in the order of the Secrets.
        credentials: credentialsFor({ auths: found.flatMap(({ auths = [] }) => auths), credHelpers: [] }, at),
        problems: found.flatMap(({ problem }) => problem ?? []),
        remarks: found.flatMap(({ remark }) => remark ?? []),
      }
    },
    scopeOf(request, signal) {
      const { scope, pending } = gather(request, stores)
      return pending.length === 0 ? named(scope) : gatherAll(request, stores, patient(signal)).then(named)
    },
    async close() {
      await Promise.all([stores.secrets.close(), stores.accounts.close()])
    },
  }
}

function createStores(kube: Pick<Kube, 'follow'>, options: PullSecretsOptions): Omit<PullStores, 'alsoJudged'> {
  const { limits = defaultLimits, watchSeconds = defaultWatchSeconds, now = () => performance.now() } = options
  const shared = { kube, room: new SharedRoom(limits), places: new ReadingPlaces(), watchSeconds, now }
  // Of this process alone: a mark is no hash that passwords could be tried on.
  const key = randomBytes(32)
  const secrets = createNamedObjects<KnownSecret>({
    ...shared,
    resource: 'secrets',
    read: (object) => {
      const { namespace, name } = object.metadata
      const read = readPullSecret(object, secretName(String(namespace), name))
      if (read.kind === 'unusable') return { value: { why: read.why }, bytes: 0 }
      const mark = createHmac('sha256', key).update(read.content).digest('base64url')
      return { value: { auths: read.auths, mark }, bytes: read.content.length * parsedTimes }
    },
  })
  const accounts = createNamedObjects<readonly string[]>({
    ...shared,
    resource: 'serviceaccounts',
    read: (object) => ({ value: readAccountSecrets(object), bytes: 0 }),
  })
  return { secrets, accounts }
}

/** With what is not known when patience is over as unread. */
async function gatherAll(
  request: AdmissionRequest,
  stores: PullStores,
  patience: AbortSignal,
): Promise<PullScope | undefined> {
  for (;;) {
    const { scope, pending } = gather(request, stores)
    if (pending.length === 0 || patience.aborted) return scope
    await within(Promise.all(pending), patience)
  }
}

interface Found {
  readonly auths?: DockerConfig['auths']
  readonly problem?: CodedError
  readonly remark?: string
}

/** What a scope stands for is what was known when it was named: a Secret of other content belongs to another scope. */
async function entriesOf(
  source: Source,
  { namespace }: PullScope,
  { secrets }: PullStores,
  patience: () => AbortSignal,
): Promise<Found> {
  if (source.kind === 'nothing') return { remark: source.why }
  if (source.kind === 'unread') return { problem: new CodedError('pull-secret-unread', source.why) }
  const { name, mark } = source
  // It may have had to leave meanwhile.
  if (secrets.look(namespace, name) === undefined) await within(secrets.news(namespace, name), patience())
  const state = secrets.look(namespace, name)
  if (state?.kind === 'found' && 'mark' in state.value && state.value.mark === mark) return { auths: state.value.auths }
  const what = secretName(namespace, name)
  return state === undefined || state.kind === 'unread'
    ? { problem: new CodedError('pull-secret-unread', `${what} was not read: the API server did not give it in time`) }
    : { remark: `${what} was changed meanwhile: try again` }
}

async function within(work: Promise<unknown>, patience: AbortSignal): Promise<void> {
  await untilAborted(work, patience, forgotten).catch(() => undefined)
}

function forgotten(): CodedError {
  return new CodedError('pull-secret-unread', 'the pull secrets of the request are no longer known: try again')
}
