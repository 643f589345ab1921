// What the tests of words ask: one registry with real cosign signatures, one request, one short text for the answer.
// Policies go the whole way: read, compiled, asked by the webhook. How a pair of policies is made stands in `pair.ts`.

import { createEngine } from '#app/engine/engine.ts'
import { defaultMemoryLimits, Memory } from '#app/engine/memory.ts'
import type { Judged } from '#app/webhook.ts'
import { createWebhook } from '#app/webhook.ts'
import type { AdmissionRequest, Operation } from '#core/admission/review.ts'
import type { Format } from '#core/decision/format.ts'
import { CodedError } from '#core/errors.ts'
import type { Digest } from '#core/image/digest.ts'
import { compilePolicySet } from '#core/policy/set.ts'
import { appendCosignLayer, composeBundle, composeCosign } from '#signature/compose.ts'
import { signatureTag } from '#signature/formats/cosign.ts'
import { formats as realFormats } from '#signature/formats.ts'
import { generateKey } from '#signature/keys/private-key.ts'
import type { Signer } from '#signature/keys/signer.ts'
import { createSigner } from '#signature/keys/signer.ts'
import { verifyMaterial } from '#signature/verify.ts'
import { noon } from '../../../support/judging.ts'
import { indexType, MemoryRegistry, manifestType } from '../../../support/memory-registry.ts'
import type { Json } from '../../../support/policy-documents.ts'
import { read, toolsWith } from '../../../support/policy-documents.ts'

const host = 'registry.example.com'
const hour = 3_600_000

export const release = createSigner(await generateKey('ecdsa-p256'))
export const ci = createSigner(await generateKey('ecdsa-p256'))
const tools = toolsWith(
  { 'release.pub': release.publicKey.pem, 'ci.pub': ci.publicKey.pem },
  {
    'keys/both cosign.pub': release.publicKey.pem,
    'keys/both ci.pub': ci.publicKey.pem,
    'keys/ci cosign.pub': ci.publicKey.pem,
    'other-keys/both cosign.pub': ci.publicKey.pem,
  },
)
const registry = new MemoryRegistry()

interface Signing {
  readonly by: Signer
  readonly annotations?: Readonly<Record<string, string>>
  /** The name inside the signature; the repository if absent. */
  readonly as?: string
  /** The repository that holds the signature. */
  readonly into?: string
}

async function sign(repository: string, digest: Digest, { by, annotations = {}, as, into }: Signing): Promise<void> {
  const at = { registry: host, repository: into ?? repository }
  const { descriptor, bytes } = await composeCosign(digest, as ?? `${host}/${repository}`, annotations, by)
  const tag = signatureTag(digest)
  const context = { scope: 'setup', signal: new AbortController().signal }
  const { manifest } = appendCosignLayer(await registry.tagged(at, tag, context), descriptor)
  registry.putBlob(at, bytes)
  registry.put(at, { bytes: manifest.bytes, mediaType: manifest.descriptor.mediaType }, tag)
}

async function signBundle(repository: string, digest: Digest, by: Signer): Promise<void> {
  const at = { registry: host, repository }
  const image = { descriptor: { mediaType: manifestType, digest, size: 1 }, repository: `${host}/${repository}` }
  const { bundle, manifest, artifactType } = await composeBundle(image, {}, by, noon)
  registry.putBlob(at, bundle.bytes)
  registry.put(at, { bytes: manifest.bytes, mediaType: manifest.descriptor.mediaType })
  registry.refer(at, digest, [{ ...manifest.descriptor, artifactType }])
}

/** Images by `repository:tag` under `registry.example.com/team`. */
export const images: ReadonlyMap<string, Digest> = await (async () => {
  const put = async (name: string, ...signings: readonly Signing[]): Promise<readonly [string, Digest]> => {
    const [short = '', tag = ''] = name.split(':')
    const repository = `team/${short}`
    const digest = registry.putImage({ registry: host, repository }, name, tag)
    for (const signing of signings) await sign(repository, digest, signing)
    return [name, digest]
  }
  const bundled = await put('app:bundled')
  await signBundle('team/app', bundled[1], release)
  return new Map([
    await put('app:v1', { by: release, annotations: { team: 'payments' } }),
    await put('app:both', { by: release }, { by: ci }),
    await put('app:unsigned'),
    bundled,
    await put('far:v1', { by: release, into: 'signatures' }),
    await put('mirrored:v1', { by: release, as: `${host}/upstream/mirrored:v1` }),
    ['many:v1', await putIndex('team/many')] as const,
  ])
})()

/** The index is signed, its only platform is not. */
async function putIndex(repository: string): Promise<Digest> {
  const at = { registry: host, repository }
  const child = registry.putImage(at, 'linux/amd64')
  const platform = { os: 'linux', architecture: 'amd64' }
  const manifests = [{ mediaType: manifestType, digest: child, size: 1, platform }]
  const digest = registry.putManifest(at, { schemaVersion: 2, mediaType: indexType, manifests }, 'v1')
  await sign(repository, digest, { by: release })
  return digest
}

/** One request, in a few words. */
export interface Asked {
  /** Of `images`; `app:v1` if absent. */
  readonly image?: string
  readonly byDigest?: true
  readonly namespace?: string
  readonly labels?: Readonly<Record<string, string>>
  readonly operation?: Operation
  readonly deployment?: true
  /** The registry is away; the same image has been judged so many hours before, if at all. */
  readonly outage?: { readonly judgedHoursBefore?: number }
  /** Something proves that every signature was made at this time. */
  readonly signedAt?: string
}

/** What comes of the documents: `not loaded …`, `left alone …`, `denied CODE`, or the verdict with pin and remarks. */
export async function answerTo(
  documents: readonly Json[],
  asked: Asked = {},
  telling: RegExp | undefined = undefined,
): Promise<string> {
  const result = read(documents, tools)
  const [problem] = result.problems
  if (problem !== undefined) return `not loaded: ${problem.path} ${problem.code}`
  const clock = { now: noon }
  const formats = realFormats.map((format) => provingTime(format, asked.signedAt))
  const engine = createEngine({
    sources: registry,
    formats,
    verify: (question) => verifyMaterial(question, formats),
    memory: new Memory(defaultMemoryLimits, () => clock.now),
    now: () => clock.now,
    newId: () => 'id',
  })
  const seen: Judged[] = []
  const set = compilePolicySet(result)
  const webhook = createWebhook({ engine, policies: () => set, observe: (_, judged) => seen.push(judged) })
  const request = requestOf(asked)
  const ask = () => webhook.mutate(request, new AbortController().signal)
  try {
    const { outage } = asked
    if (outage?.judgedHoursBefore !== undefined) {
      await ask()
      clock.now += outage.judgedHoursBefore * hour
    }
    if (outage !== undefined) {
      registry.before = () => {
        throw new CodedError('registry-unreachable', 'nobody answers')
      }
    }
    await ask()
  } finally {
    registry.before = () => {}
  }
  const judged = seen.at(-1)
  if (judged === undefined) throw new Error('nobody observed the answer')
  return told(judged, telling)
}

/** A transparency log that this version does not read yet, as far as the life of keys looks at one. */
function provingTime(format: Format, time: string | undefined): Format {
  if (time === undefined) return format
  return {
    ...format,
    verify: async (material, attestor, subject) => {
      const verified = await format.verify(material, attestor, subject)
      return verified.accepted
        ? { ...verified, claims: { ...verified.claims, provenTimes: [Date.parse(time)] } }
        : verified
    },
  }
}

function requestOf(asked: Asked): AdmissionRequest {
  const { image = 'app:v1', namespace = 'prod', labels = {}, operation = 'CREATE', deployment, byDigest } = asked
  const digest = images.get(image)
  if (digest === undefined) throw new Error(`there is no image ${image}`)
  const name = byDigest ? `${host}/team/${image.split(':')[0]}@${digest}` : `${host}/team/${image}`
  const [group, kind, resource] = deployment ? ['apps', 'Deployment', 'deployments'] : ['', 'Pod', 'pods']
  const object = (text: string) => {
    const spec = { containers: [{ name: 'main', image: text }] }
    const metadata = { name: 'shop', namespace, labels }
    const apiVersion = deployment ? 'apps/v1' : 'v1'
    return { apiVersion, kind, metadata, spec: deployment ? { template: { spec } } : spec }
  }
  return {
    apiVersion: 'admission.k8s.io/v1',
    uid: 'uid',
    kind: { group, version: 'v1', kind },
    resource: { group, version: 'v1', resource },
    namespace,
    operation,
    userInfo: { username: 'somebody', groups: [] },
    dryRun: false,
    object: object(name),
    ...(operation === 'UPDATE' && { oldObject: object('registry.example.com/team/app:before') }),
  }
}

function told({ answer, decision, leftAlone }: Judged, telling: RegExp | undefined): string {
  if (leftAlone !== undefined) return `left alone: ${leftAlone}`
  if (answer.outcome === 'denied') {
    const words = telling === undefined ? '' : ` "${telling.exec(answer.message)?.[0] ?? ''}"`
    return `denied ${answer.code}${words}`
  }
  const [verdict] = decision?.verdicts ?? []
  const parts = [`${verdict?.outcome}${verdict?.code === undefined ? '' : ` ${verdict.code}`}`]
  if (answer.outcome === 'patched') {
    const values = answer.patch.flatMap((operation) => ('value' in operation ? [String(operation.value)] : []))
    parts.push(
      `now ${values
        .join(' ')
        .replace(/sha256:[0-9a-f]+/, 'DIGEST')
        .replace(`${host}/team/`, '')}`,
    )
  }
  if (answer.warnings.length > 0) parts.push('warned')
  const { audit } = answer.auditAnnotations
  if (audit !== undefined) parts.push(`audited ${audit.split('=')[1]}`)
  return parts.join(', ')
}
