// The webhook in its cluster: the certificate that it shows, and the configurations that name it. Nothing is registered
// before the server listens and the policies are known.

import { checkAuthorities, loadCaFile, watchCaFile } from '#app/kube/ca-file.ts'
import { createOwner } from '#app/kube/configuration-owner.ts'
import type { BuiltPolicies } from '#app/kube/policy-objects.ts'
import { createRegistration, type Registration } from '#app/kube/registration.ts'
import { keepServingCertificate, liveTls, servingSecret } from '#app/kube/serving-certificate.ts'
import { namedNamespaces, type WebhookEndpoint } from '#app/kube/webhook-configuration.ts'
import { errorFields } from '#app/log.ts'
import { loadTls, replaceFile, type TlsOptions } from '#app/server/tls.ts'
import type { Kube } from '#io/kube/kube.ts'
import { type KubeFlags, webhookNames } from './kube-flags.ts'
import type { Around } from './serve-kube.ts'

export interface Registered {
  readonly tls: TlsOptions
  policies(built: BuiltPolicies): void
  listening(): void
  report(): Readonly<Record<string, unknown>>
  close(): Promise<void>
}

type Flags = KubeFlags & { readonly endpoint: WebhookEndpoint }

/** Whom the API server is told to trust, and the certificate that they vouch for. */
interface Vouched {
  readonly tls: TlsOptions
  readonly caBundle: string
  watch(tell: (caBundle: string) => void): () => void
  report(): Readonly<Record<string, unknown>>
  close(): Promise<void>
}

/** How late a changed file may be noticed: rotations overlap by hours. */
const caFileMs = 5_000

/** @throws CodedError what is wrong with files that are named; the reason of `stopped` */
export async function register(kube: Kube, flags: Flags, around: Around): Promise<Registered> {
  const { name, endpoint, timeoutSeconds } = flags
  const { log, metrics, exempt, alsoJudged } = around
  const { resources } = alsoJudged
  const where = { name, namespace: kube.namespace, endpoint, timeoutSeconds, exempt }
  const registration = createRegistration({ ...where, kube, log, metrics })
  const vouched =
    flags.ca === undefined ? await bySecret(kube, flags, around, registration) : await byFiles(flags.ca, around)
  const state: { built?: BuiltPolicies; caBundle: string; isListening: boolean } = {
    caBundle: vouched.caBundle,
    isListening: false,
  }
  const tell = () => {
    const { built, caBundle, isListening } = state
    if (built === undefined || !isListening) return
    const { policies } = built.set
    if (policies.length === 0) registration.want({ kind: 'nothing' })
    else registration.want({ kind: 'webhooks', caBundle, namedNamespaces: namedNamespaces(policies), resources })
  }
  const stop = vouched.watch((caBundle) => {
    state.caBundle = caBundle
    tell()
  })
  return {
    tls: vouched.tls,
    policies(built) {
      state.built = built
      tell()
    },
    listening() {
      state.isListening = true
      tell()
    },
    report: () => ({ ...registration.report(), ...vouched.report() }),
    async close() {
      stop()
      await Promise.all([registration.close(), vouched.close()])
    },
  }
}

async function bySecret(
  kube: Kube,
  { endpoint, name }: Flags,
  around: Around,
  registration: Registration,
): Promise<Vouched> {
  const { log, metrics, tls, stopped } = around
  const own = tls.kind === 'self-made' ? tls : undefined
  const certificate = keepServingCertificate({
    kube,
    namespace: kube.namespace,
    secret: servingSecret(name),
    owner: createOwner(kube, name, log),
    log,
    metrics,
    names: [...new Set([...webhookNames(endpoint, name, kube.namespace), ...(own?.names ?? [])])],
    isTrusted: (certPem) => registration.trusts(certPem),
    now: Date.now,
  })
  const first = await certificate.first(stopped)
  if (own?.caOut !== undefined) await replaceFile(own.caOut, first.caBundle)
  return {
    tls: liveTls(certificate, first),
    caBundle: first.caBundle,
    watch(tell) {
      const stop = certificate.watch(({ caBundle }) => tell(caBundle))
      // It may have changed since the first one was there.
      tell(certificate.current()?.caBundle ?? first.caBundle)
      return stop
    },
    report: () => ({ certificate: certificate.report() }),
    close: () => certificate.close(),
  }
}

async function byFiles(path: string, { tls, log }: Around): Promise<Vouched> {
  const caBundle = await loadCaFile(path)
  const { cert } = await loadTls(tls, Date.now())
  checkAuthorities(caBundle, cert, path)
  return {
    tls,
    caBundle,
    watch: (tell) =>
      watchCaFile(path, caBundle, caFileMs, (change) => {
        if ('caBundle' in change) tell(change.caBundle)
        else
          log.error('kept the old authorities: what the file of --webhook-ca holds is none', errorFields(change.error))
      }),
    report: () => ({}),
    close: async () => undefined,
  }
}
