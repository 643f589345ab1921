// `--key` and what goes with it as one policy. The common case is put together without reading any YAML, which would
// take longer than all the rest of `verify`; a test holds it equal to what the reader makes of the same policy as text.

import { createHash } from 'node:crypto'
import { basename } from 'node:path'
import { printable } from '#core/encoding/printable.ts'
import { CodedError, messageOf } from '#core/errors.ts'
import { parseImagePattern } from '#core/image/pattern.ts'
import { parseReference } from '#core/image/reference.ts'
import { policyRevision, revisionOf, setRevision } from '#core/policy/revision.ts'
import type { PolicySet } from '#core/policy/set.ts'
import { compilePolicySet } from '#core/policy/set.ts'
import type { Attestor, AttestorKey, Identity, Policy } from '#core/policy/words.ts'
import { loadPublicKey } from '#io/keys/key-files.ts'

export interface KeyPolicy {
  readonly keys: readonly Pick<AttestorKey, 'name' | 'pem' | 'fingerprint' | 'algorithm'>[]
  readonly annotations: Readonly<Record<string, string>>
  /** As a policy would write it. */
  readonly identity: { readonly type: Identity['type'] } & Readonly<Record<string, string>>
  /** The repository of the signatures, if not the image's own. */
  readonly repository: string | undefined
}

/** What the policy, the attestor and the "file" of `--key` are called in explanations. */
export const commandLine = 'command-line'

/** @throws CodedError `usage`, `file-unreadable`, `key-malformed` and its kin */
export async function loadKeys(paths: readonly string[]): Promise<KeyPolicy['keys']> {
  const keys = new Map<string, KeyPolicy['keys'][number]>()
  const names = new Set<string>()
  for (const path of paths) {
    refuseForeignReference(path)
    const { pem, fingerprint, algorithm } = await loadPublicKey(path)
    const name = names.has(basename(path)) ? path : basename(path)
    names.add(name)
    // The same key under two names is one signer.
    if (!keys.has(fingerprint)) keys.set(fingerprint, { name, pem, fingerprint, algorithm })
  }
  return [...keys.values()]
}

/** @throws CodedError `usage` for a key that lies somewhere else than in a file */
export function refuseForeignReference(path: string): void {
  const [, scheme] = /^([a-z0-9]+):\/\//.exec(path) ?? []
  if (scheme === undefined) return
  throw new CodedError(
    'usage',
    `--key ${printable(path, 100)}: keys are read from files; ${scheme}:// is not supported yet`,
  )
}

/** @throws CodedError `usage` */
export async function keyPolicySet(given: KeyPolicy): Promise<PolicySet> {
  // Whoever names a key asks about that key, whatever namespaces a cluster would exempt.
  if (Object.keys(given.identity).length === 1) return compilePolicySet(readingOf(given), { exempt: [] })
  const [{ readDocuments }, { readerTools }] = await Promise.all([
    import('#core/policy/read.ts'),
    import('#app/policy-files.ts'),
  ])
  const read = readDocuments([{ name: commandLine, text: keyPolicyText(given) }], readerTools())
  const [problem] = read.problems
  if (problem !== undefined) throw new CodedError('usage', `--identity: ${problem.message}`)
  return compilePolicySet(read, { exempt: [] })
}

function readingOf({ keys, annotations, identity, repository }: KeyPolicy) {
  const sha256 = (text: string) => createHash('sha256').update(text).digest('hex')
  const storage = {
    layouts: ['Tag', 'Bundle'] as const,
    ...(repository !== undefined && { repository: parseRepository(repository) }),
  }
  const named = { kind: 'key' as const, name: commandLine, keys, storage }
  const attestor: Attestor = {
    ...named,
    revision: revisionOf(sha256, { ...named, keys: keys.map(({ pem: _, ...decisive }) => decisive) }),
  }
  const policy: Omit<Policy, 'revision'> = {
    kind: 'ClusterTrustPolicy',
    name: commandLine,
    mode: 'Enforce',
    match: { excludeNamespaces: [] },
    rules: [
      {
        path: 'rules[0]',
        images: [parseImagePattern('**')],
        exceptImages: [],
        references: 'Any',
        platforms: 'Index',
        require: { kind: 'signature', attestor, annotations, identity: plainIdentity(identity.type) },
      },
    ],
    otherwise: 'Deny',
    pin: 'TagAndDigest',
    whenUndetermined: 'Deny',
    language: 'en',
  }
  const policies = [{ ...policy, revision: policyRevision(sha256, policy) }]
  const parts = { policies, attestors: [attestor], denyLists: [], namespaces: [] }
  return { ...parts, revision: setRevision(sha256, parts) }
}

/** Of the types that take no value. */
function plainIdentity(type: Identity['type']): Identity {
  switch (type) {
    case 'Any':
    case 'MatchExact':
    case 'MatchRepoDigestOrExact':
    case 'MatchRepository':
      return { type }
    case 'ExactReference':
    case 'ExactRepository':
    case 'RemapIdentity':
      throw new CodedError('usage', `--identity ${type} needs a value`)
  }
}

/** @throws CodedError `usage` */
export function parseRepository(text: string): { readonly registry: string; readonly repository: string } {
  const where = `the repository for signatures, "${printable(text)}" (--signature-repository or COSIGN_REPOSITORY)`
  let name: ReturnType<typeof parseReference>
  try {
    name = parseReference(text)
  } catch (error) {
    throw new CodedError('usage', `${where}: ${messageOf(error)}`, { cause: error })
  }
  const { registry, repository, tag, digest } = name
  if (tag === undefined && digest === undefined) return { registry, repository }
  throw new CodedError('usage', `${where}, must have neither tag nor digest`)
}

/** The same as people would write it, for recordings and for the reader. */
export function keyPolicyText({ keys, annotations, identity, repository }: KeyPolicy): string {
  const apiVersion = 'sealward.dev/v1alpha1'
  const attestor = {
    apiVersion,
    kind: 'Attestor',
    metadata: { name: commandLine },
    spec: {
      key: { keys: keys.map(({ name, pem }) => ({ name, pem })) },
      storage: { layouts: ['Tag', 'Bundle'], ...(repository !== undefined && { repository }) },
    },
  }
  const policy = {
    apiVersion,
    kind: 'ClusterTrustPolicy',
    metadata: { name: commandLine },
    spec: {
      mode: 'Enforce',
      rules: [{ images: ['**'], require: { signature: { attestor: commandLine, annotations, identity } } }],
    },
  }
  return `${JSON.stringify(attestor, null, 2)}\n---\n${JSON.stringify(policy, null, 2)}\n`
}
