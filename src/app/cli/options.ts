// Options that several commands share, as data. What they mean is in `registry-flags.ts` and `policy-flags.ts`.

import type { CommandSpec, OptionSpec } from './command.ts'

export const registryOptions: readonly OptionSpec[] = [
  {
    flags: '--registry-ca <[host=]file>',
    description:
      'PEM file of the authorities that registries must be certified by; with HOST:PORT= in front, for that registry only',
    repeatable: true,
    completes: 'file',
  },
  {
    flags: '--insecure-registry <host:port>',
    description: 'speak plain HTTP with this registry (a registry on this machine may do so unasked)',
    repeatable: true,
  },
  { flags: '--timeout <time>', description: 'give up after this time: 500ms, 30s, 2m', default: '30s' },
]

export const policyOption: OptionSpec = {
  flags: '-p, --policy <file|dir>',
  description: 'policies, attestors and namespaces, in YAML or JSON',
  repeatable: true,
  completes: 'file',
}

export const namespaceOption: OptionSpec = {
  flags: '-n, --namespace <name>',
  description: 'the namespace that the image shall run in',
  default: 'default',
}

export const keyOptions: readonly OptionSpec[] = [
  {
    flags: '-k, --key <file>',
    description: 'public key in PEM; of several, any may have signed',
    repeatable: true,
    completes: 'file',
  },
  {
    flags: '-a, --annotation <key=value>',
    description: 'with --key: the signature must carry this annotation',
    repeatable: true,
  },
  {
    flags: '--identity <type[=value]>',
    description:
      'with --key: the name inside the signature must fit. Any, MatchExact, MatchRepoDigestOrExact, MatchRepository, ' +
      'ExactReference=NAME, ExactRepository=NAME, RemapIdentity=PREFIX=SIGNEDPREFIX',
    default: 'Any',
  },
  {
    flags: '--signature-repository <name>',
    description:
      'with --key: the repository that holds the signatures, if not the image’s own (also COSIGN_REPOSITORY)',
  },
]

const outputOption: OptionSpec = {
  flags: '-o, --output <format>',
  description: 'how to answer',
  choices: ['text', 'json'],
  default: 'text',
}

/** Handled before any command runs. */
export const helpOption: OptionSpec = { flags: '-h, --help', description: 'print this' }

/** The command's own, and those that every command has. */
export function allOptions({ options, plain }: CommandSpec): readonly OptionSpec[] {
  return [...options, ...(plain ? [] : [outputOption]), helpOption]
}
