// `sealward policy lint`: what it is; `policy-lint-run.ts` does it.

import type { CommandSpec } from './command.ts'

export const policyLint: CommandSpec = {
  name: 'policy lint',
  operands: '<file...>',
  summary: 'is everything right in these policy files?',
  description:
    'Reads policies, attestors and namespaces from files and directories exactly as the server does and reports every ' +
    'problem with its file, line and path. Warnings name what is allowed but seldom meant. Asks no registry.',
  options: [{ flags: '--strict', description: 'warnings fail, too' }],
  examples: [{ line: 'sealward policy lint policies/', shows: 'all files of a directory' }],
  load: () => import('./policy-lint-run.ts'),
}
