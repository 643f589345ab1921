// `sealward verify`: what it is; `verify-run.ts` does it.

import type { CommandSpec } from './command.ts'
import { keyOptions, namespaceOption, policyOption, registryOptions } from './options.ts'

export const command: CommandSpec = {
  name: 'verify',
  operands: '<image...>',
  summary: 'is this image trusted, by a key or by policies?',
  description:
    'Resolves each image to its digest, reads its signatures and judges them, with one key or with the policies that a ' +
    'cluster would use (as for a new Pod in --namespace). Says who signed, or why it is not trusted and what would help. ' +
    'Ends with 0 trusted, 1 not trusted, 2 usage or configuration, 3 could not be found out.',
  options: [...keyOptions, policyOption, namespaceOption, ...registryOptions],
  examples: [
    { line: 'sealward verify --key cosign.pub registry.example.com/team/app:v1', shows: 'with one public key' },
    {
      line: 'sealward verify --key cosign.pub -a env=prod --identity MatchRepository registry.example.com/team/app:v1',
      shows: 'and more demands on the signature',
    },
    {
      line: 'sealward verify --policy policies/ -n prod registry.example.com/team/app:v1',
      shows: 'as a cluster would',
    },
  ],
  load: () => import('./verify-run.ts'),
}
