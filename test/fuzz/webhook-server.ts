// The whole webhook for the fuzzer: the real server with the real engine behind it, on a registry in memory that holds
// one signed image and one that nobody signed.

import { createEngine } from '#app/engine/engine.ts'
import { Memory } from '#app/engine/memory.ts'
import type { Sources } from '#app/engine/sources.ts'
import { createLog } from '#app/log.ts'
import { readerTools } from '#app/policy-files.ts'
import { holdPolicies } from '#app/policy-holder.ts'
import { createMetrics } from '#app/server/metrics.ts'
import { type RunningServer, startServer } from '#app/server/server.ts'
import { createServing } from '#app/serving.ts'
import type { Repository } from '#core/decision/question.ts'
import { CodedError } from '#core/errors.ts'
import { parseDigest } from '#core/image/digest.ts'
import { readDocuments } from '#core/policy/read.ts'
import { compilePolicySet, type PolicySet } from '#core/policy/set.ts'
import { formats } from '#signature/formats.ts'
import { verifyMaterial } from '#signature/verify.ts'
import { evidenceSeeds } from './evidence-seeds.ts'
import { fuzzKeys } from './keys.ts'
import { shelve } from './shelves.ts'
import { digestOf } from './template.ts'

export interface WebhookServer extends RunningServer {
  /** The digest of the one image that is signed. */
  readonly goodDigest: string
  /** Log lines at the level "error" since the last look. */
  errors(): readonly string[]
}

const apiVersion = 'sealward.dev/v1alpha1'

/** One policy, for every object of every namespace. */
function everywhere(): PolicySet {
  const documents = [
    {
      apiVersion,
      kind: 'Attestor',
      metadata: { name: 'release' },
      spec: { key: { keys: [{ name: 'k', pem: fuzzKeys.trusted.pem }] } },
    },
    {
      apiVersion,
      kind: 'ClusterTrustPolicy',
      metadata: { name: 'production' },
      spec: { rules: [{ images: ['registry.example.com/**'], require: { signature: { attestor: 'release' } } }] },
    },
  ]
  const text = documents.map((each) => JSON.stringify(each)).join('\n---\n')
  return compilePolicySet(readDocuments([{ name: 'fuzz.yaml', text }], readerTools()), { exempt: [] })
}

export async function startWebhook(): Promise<WebhookServer> {
  const { sources, goodDigest } = twoImages()
  const errors: string[] = []
  const write = (line: string) => void (line.includes('"level":"error"') && errors.push(line))
  const log = createLog({ level: 'info', destination: { write } })
  const metrics = createMetrics()
  const engine = createEngine({
    sources,
    formats,
    verify: (question) => verifyMaterial(question),
    memory: new Memory({ entries: 1_000, unpacked: 8, proofMs: 3_600_000, accessMs: 60_000 }, Date.now),
    now: Date.now,
    newId: () => 'id',
  })
  const handlers = createServing({ engine, policies: holdPolicies(everywhere()), log, metrics })
  const tls = { kind: 'self-made', names: ['127.0.0.1', 'localhost'] } as const
  // Incomplete requests are given up soon: there are many.
  const limits = { headersMs: 300, bodyMs: 300, lingerMs: 50 }
  const server = await startServer({ host: '127.0.0.1', port: 0, tls, handlers, log, metrics, limits })
  return { ...server, goodDigest, errors: () => errors.splice(0) }
}

function twoImages(): { readonly sources: Sources; readonly goodDigest: string } {
  const parts = evidenceSeeds['trusted by a signature under the tag'] ?? {}
  const shelf = shelve(parts)
  const bad = new TextEncoder().encode('{"schemaVersion":2}')
  const shelves = new Map([
    ['team/app', { byDigest: shelf.byDigest, byTag: shelf.byTag }],
    ['team/bad', { byDigest: new Map([[digestOf(bad), bad]]), byTag: new Map([['v1', bad]]) }],
  ])
  const find = ({ registry, repository }: Repository, digest: string) => {
    const found = registry.startsWith('registry.example.com')
      ? shelves.get(repository)?.byDigest.get(digest)
      : undefined
    if (found === undefined) throw new CodedError('image-not-found', `there is no ${digest}`)
    return found
  }
  const tagged = ({ registry, repository }: Repository, tag: string) =>
    registry.startsWith('registry.example.com') ? shelves.get(repository)?.byTag.get(tag) : undefined
  const sources: Sources = {
    resolve: async (at, tag) => {
      const bytes = tagged(at, tag)
      if (bytes === undefined) throw new CodedError('image-not-found', `there is no ${tag}`)
      return { digest: parseDigest(digestOf(bytes)), mediaType: '' }
    },
    access: async (at, digest) => void find(at, digest),
    manifest: async (at, digest) => ({ digest, mediaType: '', bytes: find(at, digest) }),
    tagged: async (at, tag) => {
      const bytes = tagged(at, tag)
      return bytes === undefined ? null : { digest: parseDigest(digestOf(bytes)), mediaType: '', bytes }
    },
    referrers: async () => [],
    blob: async (at, digest) => find(at, digest),
  }
  return { sources, goodDigest: shelf.digest }
}
