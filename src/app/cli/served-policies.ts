// Where a server has its policies from, and what comes along with them, as far as serving has to know.

import type { PolicyHolder } from '#app/policy-holder.ts'
import type { TlsOptions } from '#app/server/tls.ts'
import type { ServingOptions } from '#app/serving.ts'
import type { CredentialLookup } from '#io/registry/credentials.ts'

type Serving = Pick<ServingOptions, 'namespaces' | 'missing' | 'decided' | 'report' | 'credentialScope'>

export interface ServedPolicies extends Serving {
  readonly policies: PolicyHolder
  /** The certificate to show; absent: what the flags say. */
  readonly tls?: TlsOptions
  /** Tried before the credentials of the process. */
  readonly credentials?: CredentialLookup
  /** Called once we listen. */
  listening?(): void
  /** Nothing is followed or written any more after this. */
  close(): Promise<void>
}
