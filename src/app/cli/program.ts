// The program as a whole: parses the command line, runs the command, and turns whatever happens into output and an exit
// code. It knows no command by name; the table does.

import { CodedError } from '#core/errors.ts'
import type { CommandContext, ExitCode } from './command.ts'
import { failureReport, tellFailure } from './failure.ts'
import type { Parsed } from './parse.ts'
import { parseCommandLine } from './parse.ts'

type Host = Omit<CommandContext, 'json'>

/** Never rejects. */
export async function runProgram(argv: readonly string[], host: Host): Promise<ExitCode> {
  try {
    return await follow(await parseCommandLine(argv), host)
  } catch (error) {
    return fail(error, argv, host)
  }
}

async function follow(parsed: Parsed, host: Host): Promise<ExitCode> {
  switch (parsed.kind) {
    case 'version':
      host.stdout.line(host.version)
      return 0
    case 'help':
      host.stdout.write(await helpText(parsed))
      return 0
    case 'incomplete':
      host.stderr.write(await helpText(parsed))
      throw new CodedError('usage', 'the command is missing; there is a list of them above')
    case 'run': {
      const { spec, args } = parsed
      const { run } = await spec.load()
      return run(args, contextFor(host, !spec.plain && args.text('output') === 'json'))
    }
  }
}

async function helpText(parsed: Extract<Parsed, { kind: 'help' | 'incomplete' }>): Promise<string> {
  const { commandHelp, groupHelp, programHelp } = await import('./help.ts')
  if ('spec' in parsed && parsed.spec !== undefined) return commandHelp(parsed.spec)
  return parsed.group === undefined ? programHelp() : groupHelp(parsed.group)
}

/** Standard input stays closed until somebody asks for it. */
function contextFor(host: Host, json: boolean): CommandContext {
  return Object.create(host, { json: { value: json, enumerable: true } })
}

function fail(error: unknown, argv: readonly string[], host: Host): ExitCode {
  const { exitCode } = tellFailure(error, host.stderr, Boolean(host.env['SEALWARD_DEBUG']))
  if (wantsJson(argv)) host.stdout.line(JSON.stringify(failureReport(error), null, 2))
  return exitCode
}

/** Also where the command line could not be parsed: a script that asked for JSON gets JSON. */
function wantsJson(argv: readonly string[]): boolean {
  return argv.some(
    (word, index) =>
      word === '-ojson' ||
      word === '--output=json' ||
      ((word === '-o' || word === '--output') && argv[index + 1] === 'json'),
  )
}
