// The policies that fuzzed evidence is judged by: one namespace for each kind of demand; and for each, what an oracle
// that knows who said what must find before anybody may call the image trusted.

import { readerTools } from '#app/policy-files.ts'
import { readDocuments } from '#core/policy/read.ts'
import { compilePolicySet, type PolicySet } from '#core/policy/set.ts'
import { fuzzKeys } from './keys.ts'
import { list, plainJson, type Said, type Shelf, saidBy, text } from './oracle/signed-by.ts'

export const registry = 'registry.example.com'
export const repository = 'team/app'

interface Demand {
  /** The requirement, and what else a rule says. */
  readonly rule: Readonly<Record<string, unknown>>
  readonly holds: (digest: string, shelf: Shelf) => boolean
}

const signedBy = (attestor: string, more: object = {}) => ({ signature: { attestor, ...more } })
const said = (
  key: { readonly pem: string },
  digest: string,
  shelf: Shelf,
  fits: (each: Said) => boolean = () => true,
) => saidBy(key.pem, digest, shelf).some(fits)
const byTrusted = (digest: string, shelf: Shelf) => said(fuzzKeys.trusted, digest, shelf)

/** The same repository, by any of its spellings. */
const sameRepository = /^registry\.example\.com(?::443)?\/team\/app(?:[:@].*)?$/i

/** By the namespace that its policy is about. */
export const demands: Readonly<Record<string, Demand>> = {
  plain: { rule: { require: signedBy('release') }, holds: byTrusted },
  annotated: {
    rule: { require: signedBy('release', { annotations: { team: 'payments' } }) },
    holds: (digest, shelf) =>
      said(fuzzKeys.trusted, digest, shelf, ({ annotations }) => annotations['team'] === 'payments'),
  },
  identified: {
    rule: { require: signedBy('release', { identity: { type: 'MatchRepository' } }) },
    holds: (digest, shelf) =>
      said(fuzzKeys.trusted, digest, shelf, ({ reference }) => sameRepository.test(text(reference))),
  },
  both: {
    rule: { require: { atLeast: { count: 2, of: [signedBy('release'), signedBy('security')] } } },
    holds: (digest, shelf) => byTrusted(digest, shelf) && said(fuzzKeys.second, digest, shelf),
  },
  each: {
    rule: { require: signedBy('release'), platforms: 'Each' },
    holds: (digest, shelf) =>
      byTrusted(digest, shelf) && platformsOf(digest, shelf).every((each) => byTrusted(each, shelf)),
  },
}

/** Every platform image of an index; attestations of BuildKit are none. */
function platformsOf(digest: string, shelf: Shelf): readonly string[] {
  const bytes = shelf.byDigest.get(digest)
  const manifest = bytes === undefined ? undefined : plainJson(bytes)
  return list(manifest?.['manifests']).flatMap((each) => {
    const { digest: child, platform } = each as {
      digest?: unknown
      platform?: { os?: unknown; architecture?: unknown }
    }
    return platform?.os === 'unknown' && platform.architecture === 'unknown' ? [] : [text(child)]
  })
}

const apiVersion = 'sealward.dev/v1alpha1'

function attestor(name: string, pem: string): object {
  return { apiVersion, kind: 'Attestor', metadata: { name }, spec: { key: { keys: [{ name: '2026', pem }] } } }
}

function policy(namespace: string, { rule }: Demand): object {
  const spec = { match: { namespaces: [namespace] }, rules: [{ images: [`${registry}/**`], ...rule }] }
  return { apiVersion, kind: 'ClusterTrustPolicy', metadata: { name: namespace }, spec }
}

/** Read and compiled by the product. @throws Error if it does not like them */
export function demandPolicies(): PolicySet {
  const documents = [
    attestor('release', fuzzKeys.trusted.pem),
    attestor('security', fuzzKeys.second.pem),
    ...Object.entries(demands).map(([namespace, demand]) => policy(namespace, demand)),
  ]
  const written = documents.map((each) => JSON.stringify(each)).join('\n---\n')
  const read = readDocuments([{ name: 'fuzz.yaml', text: written }], readerTools())
  if (read.problems.length > 0) throw new Error(JSON.stringify(read.problems))
  return compilePolicySet(read, { exempt: [] })
}
