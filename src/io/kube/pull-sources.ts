// What a request has for credentials, source by source, as far as it is known now; and why a source gives none. Nothing is
// waited for here.

import type { FurtherKinds } from '#core/admission/further-kinds.ts'
import { isObjectName, pullSecretNames } from '#core/admission/pull-secrets.ts'
import type { AdmissionRequest } from '#core/admission/review.ts'
import type { DockerConfig } from '#io/registry/docker-config.ts'
import type { NamedObjects, NamedState } from './named-objects.ts'

/** What is known of a Secret. */
export type KnownSecret =
  | {
      readonly auths: DockerConfig['auths']
      /** Stands for the content, and tells nothing of it. */
      readonly mark: string
    }
  /** It cannot be used; for people. */
  | { readonly why: string }

/** What a request has for credentials. */
export type Source =
  | { readonly kind: 'secret'; readonly name: string; readonly mark: string }
  /** It gives none, for a reason that is for people. */
  | { readonly kind: 'nothing'; readonly why: string }
  /** It may have some, and could not be read. */
  | { readonly kind: 'unread'; readonly why: string }

/** Equal ones are equal sets of credentials. */
export interface PullScope {
  readonly namespace: string
  /** In the order in which they are tried. */
  readonly sources: readonly Source[]
}

export interface PullStores {
  readonly secrets: NamedObjects<KnownSecret>
  readonly accounts: NamedObjects<readonly string[]>
  /** Where else pod specs are than in the kinds of Kubernetes. */
  readonly alsoJudged: FurtherKinds
}

export interface Gathered {
  /** `undefined` where the request has no credentials of its own. */
  readonly scope: PullScope | undefined
  /** Resolve when more is known; until then their sources are unread. */
  readonly pending: readonly Promise<void>[]
}

export function gather(request: AdmissionRequest, { secrets, accounts, alsoJudged }: PullStores): Gathered {
  const { namespace, object, kind, resource } = request
  if (namespace === undefined || !isObjectName(namespace)) return { scope: undefined, pending: [] }
  const names = pullSecretNames(object, kind, alsoJudged.of(resource))
  const pending: Promise<void>[] = []
  const ask = <T>(store: NamedObjects<T>, name: string): NamedState<T> => {
    const state = store.look(namespace, name)
    if (state !== undefined) return state
    pending.push(store.news(namespace, name))
    return { kind: 'unread' }
  }
  const secretSource = (name: string) => sourceOf(namespace, name, ask(secrets, name))
  const sources = [
    ...names.secrets.map(secretSource),
    ...names.accounts.flatMap((name) => {
      const state = ask(accounts, name)
      return state.kind === 'found' ? state.value.map(secretSource) : [accountSource(namespace, name, state)]
    }),
    ...names.ignored.map((why): Source => ({ kind: 'nothing', why })),
  ]
  return { scope: sources.length === 0 ? undefined : { namespace, sources }, pending }
}

export function secretName(namespace: string, name: string): string {
  return `the pull secret ${namespace}/${name}`
}

function sourceOf(namespace: string, name: string, state: NamedState<KnownSecret>): Source {
  const what = secretName(namespace, name)
  switch (state.kind) {
    case 'found':
      if ('mark' in state.value) return { kind: 'secret', name, mark: state.value.mark }
      return { kind: 'nothing', why: `${what} cannot be used: ${state.value.why}` }
    case 'absent':
      return { kind: 'nothing', why: `${what} was not read: there is no such Secret` }
    case 'forbidden':
      return {
        kind: 'nothing',
        why: `${what} was not read: no RoleBinding in ${namespace} lets Sealward list and watch it`,
      }
    case 'unread':
      return { kind: 'unread', why: `${what} was not read: the API server did not give it in time` }
  }
}

function accountSource(
  namespace: string,
  name: string,
  { kind }: Exclude<NamedState<unknown>, { kind: 'found' }>,
): Source {
  const what = `the pull secrets of the service account ${namespace}/${name} were not read`
  switch (kind) {
    case 'absent':
      return { kind: 'nothing', why: `${what}: there is no such service account` }
    case 'forbidden':
      return { kind: 'nothing', why: `${what}: no RoleBinding in ${namespace} lets Sealward list and watch it` }
    case 'unread':
      return { kind: 'unread', why: `${what}: the API server did not give them in time` }
  }
}
