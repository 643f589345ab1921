// `sealward completion`: what it is; `completion-run.ts` does it.

import type { CommandSpec } from './command.ts'

export const shells = ['bash', 'zsh', 'fish', 'pwsh'] as const

export const command: CommandSpec = {
  name: 'completion',
  operands: '<shell>',
  summary: 'print completion for bash, zsh, fish or pwsh',
  description: 'Prints a script that completes commands, options and file names. Load it where your shell starts.',
  options: [],
  plain: true,
  examples: [
    { line: 'source <(sealward completion bash)', shows: 'in ~/.bashrc' },
    { line: 'source <(sealward completion zsh)', shows: 'in ~/.zshrc, after compinit' },
    { line: 'sealward completion fish > ~/.config/fish/completions/sealward.fish', shows: 'for fish' },
    { line: 'sealward completion pwsh | Out-String | Invoke-Expression', shows: 'in $PROFILE' },
  ],
  load: () => import('./completion-run.ts'),
}
