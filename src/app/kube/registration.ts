// Registers the webhook with the API server: keeps both configurations as the state of the policies wants them. Without a
// policy there is no webhook; while nobody has said what is wanted, nothing is changed.

import type { Log } from '#app/log.ts'
import type { Metrics } from '#app/server/metrics.ts'
import type { Kube } from '#io/kube/kube.ts'
import { createOwner } from './configuration-owner.ts'
import { keepConfiguration } from './kept-configuration.ts'
import {
  type ConfigurationKind,
  desiredWebhook,
  unjudgedNamespaces,
  type WebhookOptions,
  type WebhookState,
} from './webhook-configuration.ts'

export type Wanted =
  /** No policy is in force: nothing has to be asked, and nobody may be held up. */
  | { readonly kind: 'nothing' }
  /** Only once the server listens. */
  | ({ readonly kind: 'webhooks' } & WebhookState)

export interface RegistrationOptions extends WebhookOptions {
  readonly kube: Pick<Kube, 'send' | 'follow'>
  readonly log: Log
  readonly metrics: Pick<Metrics, 'record'>
}

export interface Registration {
  /** Whenever it changes; until the first time the configurations stay as they are. */
  want(wanted: Wanted): void
  /** Are both configurations there, as they shall be? */
  isRegistered(): boolean
  /** Is this authority in both configurations, as far as the API server has told? Where nothing is registered, nobody asks. */
  trusts(certPem: string): boolean
  /** For `/readyz`. */
  report(): Readonly<Record<string, unknown>>
  /** Leaves the configurations as they are: another replica, or the next start, answers them. */
  close(): Promise<void>
}

const kinds: readonly ConfigurationKind[] = ['MutatingWebhookConfiguration', 'ValidatingWebhookConfiguration']

/** Begins to follow both configurations at once. Never throws; what stands in the way is in the log and in the report. */
export function createRegistration(options: RegistrationOptions): Registration {
  const { kube, log, metrics, name } = options
  const owner = createOwner(kube, name, log)
  let wanted: Wanted | undefined
  const areKept = () => kept.every((each) => each.isKept())
  const isRegistered = () => wanted?.kind === 'webhooks' && areKept()
  const changed = () => metrics.record({ kind: 'registered', isRegistered: isRegistered() })
  const kept = kinds.map((kind) => keepConfiguration({ kube, kind, name, owner, log, metrics, changed }))
  return {
    want(now) {
      wanted = now
      for (const [index, kind] of kinds.entries())
        kept[index]?.want(now.kind === 'nothing' ? 'none' : desiredWebhook(kind, options, now))
    },
    isRegistered,
    trusts(certPem) {
      if (wanted === undefined || !areKept()) return false
      return wanted.kind === 'nothing' || wanted.caBundle.includes(certPem)
    },
    report() {
      const problem = kept.map((each) => each.problem()).find((each) => each !== undefined)
      return {
        registered: isRegistered(),
        // A gap that is meant, and should be known.
        ...(wanted?.kind === 'webhooks' && { unjudgedNamespaces: unjudgedNamespaces(options, wanted) }),
        ...(problem !== undefined && { problem }),
      }
    },
    async close() {
      await Promise.all(kept.map((each) => each.close()))
    },
  }
}
