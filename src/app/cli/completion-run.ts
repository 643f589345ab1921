// `sealward completion`: scripts made from the table of commands.

import { CodedError } from '#core/errors.ts'
import type { Args, CommandContext, ExitCode } from './command.ts'
import { shells } from './completion.ts'
import { completionScript } from './completion-scripts.ts'

export async function run(args: Args, context: CommandContext): Promise<ExitCode> {
  const wanted = args.operands[0] ?? ''
  const shell = shells.find((name) => name === wanted)
  if (shell === undefined) {
    throw new CodedError('usage', `"${wanted.slice(0, 40)}" is no shell that is known here: ${shells.join(', ')}`)
  }
  context.stdout.write(completionScript(shell))
  return 0
}
