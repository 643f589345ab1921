// `sealward tree`: what it is; `tree-run.ts` does it.

import type { CommandSpec } from './command.ts'
import { registryOptions } from './options.ts'

export const command: CommandSpec = {
  name: 'tree',
  operands: '<image>',
  summary: 'what hangs on this image: signatures, attestations, other referrers',
  description:
    'Lists the digest, the platforms of an index, and everything that refers to the image, with its place and size. ' +
    'It lists only: nothing here has been verified, and everybody who may push can put things there.',
  options: [
    {
      flags: '--signature-repository <name>',
      description: 'look for signatures in this repository (also COSIGN_REPOSITORY)',
    },
    ...registryOptions,
  ],
  examples: [{ line: 'sealward tree registry.example.com/team/app:v1', shows: 'the tree of one image' }],
  load: () => import('./tree-run.ts'),
}
