// `sealward demo`: what it is; `demo-run.ts` does it.

import type { CommandSpec } from './command.ts'

export const command: CommandSpec = {
  name: 'demo',
  operands: '',
  summary: 'see it work: a registry, images and the webhook in one process',
  description:
    'Starts a registry in memory (for demo and tests only), pushes images that are signed, not signed, signed by a ' +
    'stranger, or moved after signing, starts the webhook over TLS, sends it what the API server would send, and prints ' +
    'every verdict. Then it goes on running, with a command line to try by hand, until Ctrl-C.',
  options: [
    { flags: '--once', description: 'print the table and end; 0 only if every verdict is the expected one' },
    {
      flags: '--listen <host:port>',
      description: 'where the webhook listens (port 0: any free one)',
      default: '127.0.0.1:0',
    },
  ],
  plain: true,
  examples: [
    { line: 'sealward demo --once', shows: 'the table of verdicts' },
    { line: 'sealward demo', shows: 'the same, and it stays for you to try' },
  ],
  load: () => import('./demo-run.ts'),
}
