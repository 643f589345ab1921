// From flags to policies: files (`--policy`), or one policy made of `--key` and what goes with it. Both ways end in
// policy texts that the one reader reads, so that a recording can hold them.

import { readFileSync } from 'node:fs'
import { basename, dirname, isAbsolute, join, normalize } from 'node:path'
import { listPolicyFiles, loadPolicyFiles, readerTools } from '#app/policy-files.ts'
import { CodedError } from '#core/errors.ts'
import type { PolicyFile } from '#core/policy/documents.ts'
import { readDocuments } from '#core/policy/read.ts'
import { identityTypes } from '#core/policy/schema-policy.ts'
import type { PolicySet } from '#core/policy/set.ts'
import { compilePolicySet } from '#core/policy/set.ts'
import { loadPublicKey } from '#io/keys/key-files.ts'
import type { Args, CommandContext } from './command.ts'

/** What a decision was made by, as text. */
export interface PolicyTexts {
  readonly policies: readonly PolicyFile[]
  /** Named as the policies name them. */
  readonly keyFiles: readonly PolicyFile[]
}

export interface ChosenPolicies {
  readonly set: PolicySet
  /** Reads the texts once more, for a recording. */
  texts(): Promise<PolicyTexts>
}

/** @throws CodedError `usage`, and what reading policies and keys throws */
export async function choosePolicies(args: Args, context: CommandContext): Promise<ChosenPolicies> {
  const keys = args.all('key')
  const files = args.all('policy')
  if (keys.length > 0 && files.length > 0) {
    throw new CodedError('usage', '--key and --policy contradict each other: the policies name the keys')
  }
  if (keys.length > 0) return keyPolicy(args, context)
  refuseKeyOptions(args)
  if (files.length === 0) {
    throw new CodedError('usage', 'nobody to trust was named: give --key FILE (a public key) or --policy FILE|DIR')
  }
  return loadPolicies(files, context)
}

/** For commands that take `--policy` only. @throws CodedError as `choosePolicies` */
export async function loadPolicies(files: readonly string[], context: CommandContext): Promise<ChosenPolicies> {
  if (files.length === 0) throw new CodedError('usage', 'no policy was named: give --policy FILE|DIR')
  const once = new Map<string, string>()
  const { set } = await loadPolicyFiles(files, { stdin: context.stdin, once })
  return {
    set,
    texts: async () => {
      const names = await listPolicyFiles(files, [])
      const policies = names.map((name) => ({ name, text: once.get(name) ?? readFileSync(name, 'utf8') }))
      return { policies, keyFiles: keyFilesOf(policies) }
    },
  }
}

/** The policies of a recording, which names every file that they need. @throws CodedError `facts-malformed` */
export function recordedPolicies({ policies, keyFiles }: PolicyTexts): PolicySet {
  const texts = new Map(keyFiles.map(({ name, text }) => [name, text]))
  const tools = {
    ...readerTools(),
    readFile: (path: string, from: string) => {
      const text = texts.get(keyFileName(path, from))
      if (text !== undefined) return text
      throw new CodedError('facts-malformed', `the recording does not hold the key file ${path.slice(0, 200)}`)
    },
  }
  const read = readDocuments(policies, tools)
  const [problem] = read.problems
  if (problem !== undefined) throw new CodedError('facts-malformed', `the recorded policies: ${problem.message}`)
  return compilePolicySet(read, isCommandLine(policies) ? { exempt: [] } : {})
}

function keyFilesOf(policies: readonly PolicyFile[]): readonly PolicyFile[] {
  const found = new Map<string, string>()
  const tools = readerTools()
  readDocuments(policies, {
    ...tools,
    readFile: (path, from) => {
      const text = tools.readFile?.(path, from) ?? ''
      found.set(keyFileName(path, from), text)
      return text
    },
  })
  return [...found].map(([name, text]) => ({ name, text }))
}

/** The same name wherever the recording is read: relative stays relative. */
function keyFileName(path: string, from: string): string {
  return isAbsolute(path) ? normalize(path) : join(from === '-' ? '.' : dirname(from), path)
}

/** What the policy, the attestor and the "file" of `--key` are called in explanations. */
const commandLine = 'command-line'

function isCommandLine(policies: readonly PolicyFile[]): boolean {
  return policies.length === 1 && policies[0]?.name === commandLine
}

async function keyPolicy(args: Args, context: CommandContext): Promise<ChosenPolicies> {
  const policies = [{ name: commandLine, text: await keyPolicyText(args, context) }]
  const read = readDocuments(policies, readerTools())
  const [problem] = read.problems
  if (problem !== undefined) throw new CodedError('usage', `${flagAbout(problem.path)}: ${problem.message}`)
  // Whoever names a key asks about that key, whatever namespaces a cluster would exempt.
  const set = compilePolicySet(read, { exempt: [] })
  return { set, texts: async () => ({ policies, keyFiles: [] }) }
}

function flagAbout(path: string): string {
  const flags = {
    identity: '--identity',
    annotations: '--annotation',
    repository: '--signature-repository',
    keys: '--key',
  }
  return Object.entries(flags).find(([word]) => path.includes(word))?.[1] ?? 'the options'
}

async function keyPolicyText(args: Args, context: CommandContext): Promise<string> {
  const repository = args.text('signature-repository') ?? (context.env['COSIGN_REPOSITORY'] || undefined)
  const attestor = {
    apiVersion: 'sealward.dev/v1alpha1',
    kind: 'Attestor',
    metadata: { name: commandLine },
    spec: {
      key: { keys: await loadKeys(args.all('key')) },
      storage: { layouts: ['Tag', 'Bundle'], ...(repository !== undefined && { repository }) },
    },
  }
  const signature = {
    attestor: commandLine,
    annotations: annotationsOf(args),
    identity: parseIdentity(args.text('identity') ?? 'Any'),
  }
  const policy = {
    apiVersion: 'sealward.dev/v1alpha1',
    kind: 'ClusterTrustPolicy',
    metadata: { name: commandLine },
    spec: { mode: 'Enforce', rules: [{ images: ['**'], require: { signature } }] },
  }
  return `${JSON.stringify(attestor, null, 2)}\n---\n${JSON.stringify(policy, null, 2)}\n`
}

async function loadKeys(paths: readonly string[]) {
  const keys = new Map<string, { name: string; pem: string }>()
  const names = new Set<string>()
  for (const path of paths) {
    refuseForeignReference(path)
    const { pem, fingerprint } = await loadPublicKey(path)
    const name = names.has(basename(path)) ? path : basename(path)
    names.add(name)
    // The same key under two names is one signer.
    if (!keys.has(fingerprint)) keys.set(fingerprint, { name, pem })
  }
  return [...keys.values()]
}

/** @throws CodedError `usage` for a key that lies somewhere else than in a file */
export function refuseForeignReference(path: string): void {
  const [, scheme] = /^([a-z0-9]+):\/\//.exec(path) ?? []
  if (scheme === undefined) return
  throw new CodedError(
    'usage',
    `--key ${path.slice(0, 100)}: keys are read from files; ${scheme}:// is not supported yet`,
  )
}

/** @throws CodedError `usage` */
export function annotationsOf(args: Args): Readonly<Record<string, string>> {
  const annotations = new Map<string, string>()
  for (const text of args.all('annotation')) {
    const equals = text.indexOf('=')
    const key = text.slice(0, Math.max(equals, 0))
    if (key === '') throw new CodedError('usage', `--annotation ${text.slice(0, 100)}: write key=value`)
    if (annotations.has(key)) throw new CodedError('usage', `--annotation: ${key.slice(0, 100)} is given twice`)
    annotations.set(key, text.slice(equals + 1))
  }
  return Object.fromEntries(annotations)
}

/** `Type`, `Type=value`, `RemapIdentity=prefix=signedPrefix`. @throws CodedError `usage` */
export function parseIdentity(text: string): Readonly<Record<string, string>> {
  const [type = '', ...values] = text.split('=')
  const wanted = identityMembers[type] ?? []
  if (!Object.hasOwn(identityTypes, type)) {
    throw new CodedError(
      'usage',
      `--identity ${text.slice(0, 100)}: the types are ${Object.keys(identityTypes).join(', ')}`,
    )
  }
  if (values.length !== wanted.length || values.includes('')) {
    const form = [type, ...wanted.map((member) => member.toUpperCase())].join('=')
    throw new CodedError('usage', `--identity ${text.slice(0, 100)}: write ${form}`)
  }
  return { type, ...Object.fromEntries(wanted.map((member, index) => [member, values[index] ?? ''])) }
}

const identityMembers: Readonly<Record<string, readonly string[]>> = {
  ExactReference: ['reference'],
  ExactRepository: ['repository'],
  RemapIdentity: ['prefix', 'signedPrefix'],
}

function refuseKeyOptions(args: Args): void {
  const given = [
    args.all('annotation').length > 0 ? '--annotation' : undefined,
    (args.text('identity') ?? 'Any') !== 'Any' ? '--identity' : undefined,
    args.text('signature-repository') !== undefined ? '--signature-repository' : undefined,
  ].find((flag) => flag !== undefined)
  if (given !== undefined) throw new CodedError('usage', `${given} goes with --key; policies say it themselves`)
}
