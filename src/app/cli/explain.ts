// `sealward explain`: what it is; `explain-run.ts` does it.

import type { CommandSpec } from './command.ts'
import { keyOptions, namespaceOption, policyOption, registryOptions } from './options.ts'

export const command: CommandSpec = {
  name: 'explain',
  operands: '[image...]',
  summary: 'why is this image trusted or not? All policies, requirements and signatures',
  description:
    'Judges as `verify` does, and prints the whole tree: the policies that apply, the rule that governs, each ' +
    'requirement with its outcome, each signature that was found with its checks. --save-facts writes everything that ' +
    'was fetched into a file; --facts judges again from such a file, without any network, under the policies that it ' +
    'holds or under others (--policy).',
  options: [
    ...keyOptions,
    policyOption,
    namespaceOption,
    {
      flags: '--save-facts <file>',
      description: 'write what was fetched, the policies and the time',
      completes: 'file',
    },
    { flags: '--facts <file>', description: 'judge from such a file instead of asking a registry', completes: 'file' },
    ...registryOptions,
  ],
  examples: [
    { line: 'sealward explain --policy policies/ -n prod registry.example.com/team/app:v1', shows: 'the whole tree' },
    {
      line: 'sealward explain --policy policies/ registry.example.com/team/app:v1 --save-facts facts.json',
      shows: 'and keep the evidence',
    },
    { line: 'sealward explain --facts facts.json', shows: 'the same decision again, offline' },
    { line: 'sealward explain --facts facts.json --policy new.yaml', shows: 'what another policy would have said' },
  ],
  load: () => import('./explain-run.ts'),
}
