// Signatures and bundles as a hostile pusher may write them, through planning, gathering and verifying, against an oracle
// that reads the same bytes by itself: no demand is met that the oracle does not find met.

import { createEngine } from '#app/engine/engine.ts'
import { Memory } from '#app/engine/memory.ts'
import type { Sources } from '#app/engine/sources.ts'
import type { UseVerdict } from '#core/decision/decision.ts'
import { CodedError } from '#core/errors.ts'
import type { Digest } from '#core/image/digest.ts'
import { parseReferrersIndex } from '#core/image/manifest.ts'
import type { PolicySet } from '#core/policy/set.ts'
import { formats } from '#signature/formats.ts'
import { verifyMaterial } from '#signature/verify.ts'
import { demandPolicies, demands, registry, repository } from '../demands.ts'
import { evidenceSeeds, evidenceSyntax, evidenceWords } from '../evidence-seeds.ts'
import { type FilledShelf, shelve } from '../shelves.ts'
import { must, type Target } from '../target.ts'
import { digestOf } from '../template.ts'

/** A hundred signatures each in a blob, a hundred referrers each in two, for each of the two layouts and a child. */
const mostRequests = 1_000

const noon = Date.UTC(2026, 5, 1, 12)

export const evidence: Target = {
  name: 'evidence',
  about: 'signatures and bundles of a hostile pusher, judged',
  syntax: evidenceSyntax,
  dictionary: evidenceWords,
  // Five judgements of up to a hundred signatures each.
  cpuMs: 1_500,
  open: () => {
    const policies = demandPolicies()
    return { seeds: evidenceSeeds, run: (parts) => judgeShelf(shelve(parts), policies) }
  },
}

async function judgeShelf(shelf: FilledShelf, policies: PolicySet): Promise<string> {
  const requests = { count: 0 }
  const judge = judgeWith(sourcesOf(shelf, requests), policies)
  const reached: string[] = []
  for (const [namespace, demand] of Object.entries(demands)) {
    const image = namespace === 'plain' ? `${repository}:v1` : `${repository}@${shelf.digest}`
    const verdict = await judge(`${registry}/${image}`, namespace)
    checkVerdict(verdict, namespace, () => demand.holds(shelf.digest, shelf))
    reached.push(`${verdict.outcome} ${verdict.code ?? ''}`)
  }
  must(requests.count <= mostRequests, 'one image raised more requests than are bounded', () => `${requests.count}`)
  return reached.join(', ')
}

export function checkVerdict(
  verdict: UseVerdict | undefined,
  demand: string,
  isMet: () => boolean,
): asserts verdict is UseVerdict {
  must(verdict !== undefined, 'an image was not judged')
  const about = () => `${verdict.code ?? ''}: ${verdict.detail ?? ''}`
  must(verdict.code !== 'internal-error', 'judging ended in an internal error', about)
  must(verdict.outcome !== 'accepted', 'an image passed that no policy lets pass', about)
  if (verdict.outcome === 'trusted') {
    must(isMet(), `an image is called trusted that does not meet the demand "${demand}"`)
  }
}

/** One engine for a case: what it remembers of one demand must not serve another. `undefined`: no policy speaks. */
export function judgeWith(
  sources: Sources,
  policies: PolicySet,
): (image: string, namespace: string, signal?: AbortSignal) => Promise<UseVerdict | undefined> {
  const engine = createEngine({
    sources,
    formats,
    verify: (question) => verifyMaterial(question),
    memory: new Memory({ entries: 64, unpacked: 1, proofMs: 3_600_000, accessMs: 60_000 }, () => noon),
    now: () => noon,
    newId: () => 'id',
  })
  return async (image, namespace, signal = new AbortController().signal) => {
    const scope = { namespace, objectLabels: {}, apiGroup: '', apiVersion: 'v1', resource: 'pods', operation: 'CREATE' }
    const use = {
      pointer: '/spec/containers/0/image',
      field: 'spec.containers[0].image',
      list: 'containers',
      name: 'c',
      image,
    } as const
    const decision = await engine.judge(
      {
        purpose: 'mutate',
        namespace,
        uses: [use],
        unchanged: new Set(),
        matched: policies.match(scope),
        bystanders: policies.attestors,
        credentialScope: 'own',
      },
      signal,
    )
    return decision.verdicts[0]
  }
}

/** An honest registry that holds hostile content: what it sends is what its digest says. */
function sourcesOf(shelf: FilledShelf, requests: { count: number }): Sources {
  const find = (digest: string): Uint8Array => {
    requests.count++
    const bytes = shelf.byDigest.get(digest)
    if (bytes === undefined) throw new CodedError('content-missing', `there is no ${digest}`)
    return bytes
  }
  const tagged = async (tag: string) => {
    requests.count++
    const bytes = shelf.byTag.get(tag)
    return bytes === undefined ? null : { digest: digestOf(bytes) as Digest, mediaType: '', bytes }
  }
  return {
    resolve: async (_at, tag) => {
      const found = await tagged(tag)
      if (found === null) throw new CodedError('image-not-found', `there is no ${tag}`)
      return found
    },
    access: async (_at, digest) => void find(digest),
    manifest: async (_at, digest) => ({ digest, mediaType: '', bytes: find(digest) }),
    tagged: (_at, tag) => tagged(tag),
    referrers: async (_at, digest) => {
      requests.count++
      return digest === shelf.digest ? parseReferrersIndex(shelf.list) : []
    },
    blob: async (_at, digest, maxBytes) => {
      const bytes = find(digest)
      if (bytes.length > maxBytes) throw new CodedError('content-too-large', `${bytes.length} bytes`)
      return bytes
    },
  }
}
