// `sealward sign`: what it is; `sign-run.ts` does it.

import type { CommandSpec } from './command.ts'
import { registryOptions } from './options.ts'

export const command: CommandSpec = {
  name: 'sign',
  operands: '<image...>',
  summary: 'sign images, and say so only after reading back',
  description:
    'Signs the digest that each image name stands for and pushes the signature beside the image, in the form of cosign: ' +
    'the `.sig` tag (--format cosign) or a sigstore bundle as referrer (--format bundle). Signatures of others stay. It ' +
    'is called signed only after it was read back from the registry and verified. The password of the key comes from ' +
    'COSIGN_PASSWORD or is asked for.',
  options: [
    {
      flags: '-k, --key <file>',
      description: 'the private key, as `keys generate` or cosign writes it',
      completes: 'file',
    },
    {
      flags: '--format <format>',
      description: 'how to store the signature',
      choices: ['cosign', 'bundle'],
      default: 'cosign',
    },
    { flags: '-a, --annotation <key=value>', description: 'sign this claim with it', repeatable: true },
    { flags: '--recursive', description: 'of an image for several platforms, sign the index and every image in it' },
    {
      flags: '--signature-repository <name>',
      description: 'store signatures in this repository instead of the image’s own (also COSIGN_REPOSITORY)',
    },
    ...registryOptions,
  ],
  examples: [
    { line: 'sealward sign --key cosign.key registry.example.com/team/app@sha256:…', shows: 'one digest' },
    { line: 'sealward sign --key cosign.key -a env=prod registry.example.com/team/app:v1', shows: 'with a claim' },
  ],
  load: () => import('./sign-run.ts'),
}
