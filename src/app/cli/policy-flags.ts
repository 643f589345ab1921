// From flags to policies: files (`--policy`), or one policy made of `--key`. The YAML reader is loaded for files only.

import { CodedError } from '#core/errors.ts'
import type { PolicyFile } from '#core/policy/documents.ts'
import type { PolicySet } from '#core/policy/set.ts'
import type { Args, CommandContext } from './command.ts'
import { annotationsOf, parseIdentity } from './key-flags.ts'
import { commandLine, keyPolicySet, keyPolicyText, loadKeys } from './key-policy.ts'

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
  const { loadPolicyFiles } = await import('#app/policy-files.ts')
  const once = new Map<string, string>()
  const { set } = await loadPolicyFiles(files, { stdin: context.stdin, once })
  return {
    set,
    texts: async () => {
      const { policyTexts } = await import('./recorded-policies.ts')
      return policyTexts(files, once)
    },
  }
}

async function keyPolicy(args: Args, context: CommandContext): Promise<ChosenPolicies> {
  const given = {
    annotations: annotationsOf(args),
    identity: parseIdentity(args.text('identity') ?? 'Any'),
    repository: args.text('signature-repository') ?? (context.env['COSIGN_REPOSITORY'] || undefined),
    keys: await loadKeys(args.all('key')),
  }
  const texts = async () => ({ policies: [{ name: commandLine, text: keyPolicyText(given) }], keyFiles: [] })
  return { set: await keyPolicySet(given), texts }
}

function refuseKeyOptions(args: Args): void {
  const given = [
    args.all('annotation').length > 0 ? '--annotation' : undefined,
    (args.text('identity') ?? 'Any') !== 'Any' ? '--identity' : undefined,
    args.text('signature-repository') !== undefined ? '--signature-repository' : undefined,
  ].find((flag) => flag !== undefined)
  if (given !== undefined) throw new CodedError('usage', `${given} goes with --key; policies say it themselves`)
}
