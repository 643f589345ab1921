// The command line as a whole: finds the command, parses what stands behind it, runs it, and turns whatever happens into
// output and an exit code. It knows no command by name; the table does.

import type { Argument } from 'commander'
import { Command, CommanderError, Option } from 'commander'
import { CodedError } from '#core/errors.ts'
import type { Args, CommandContext, CommandSpec, ExitCode } from './command.ts'
import { failureReport, tellFailure } from './failure.ts'
import { outputOption } from './options.ts'
import { commands, groups, laterCommands } from './table.ts'

type Host = Omit<CommandContext, 'json'>

interface Chosen {
  readonly spec: CommandSpec
  readonly args: Args
}

/** Never rejects. */
export async function runProgram(argv: readonly string[], host: Host): Promise<ExitCode> {
  try {
    const chosen = parse(argv, host)
    if (chosen === undefined) return 0
    const json = chosen.args.text('output') === 'json'
    const { run } = await chosen.spec.load()
    return await run(chosen.args, { ...host, json, stdin: host.stdin })
  } catch (error) {
    return fail(error, argv, host)
  }
}

function fail(error: unknown, argv: readonly string[], host: Host): ExitCode {
  const debug = Boolean(host.env['SEALWARD_DEBUG'])
  const { exitCode } = tellFailure(error, host.stderr, debug)
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

/** `undefined` where help or the version was asked for and given. @throws CodedError `usage` */
function parse(argv: readonly string[], host: Host): Chosen | undefined {
  const words = argv[0] === 'help' ? [...argv.slice(1), '--help'] : argv
  refuseLaterCommand(words)
  let chosen: Chosen | undefined
  const program = buildProgram(host, (spec, args) => {
    chosen = { spec, args }
  })
  if (words.length === 0) {
    host.stderr.write(program.helpInformation())
    throw new CodedError('usage', 'no command was given; the list of them is above')
  }
  try {
    program.parse([...words], { from: 'user' })
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error
    if (error.code === 'commander.helpDisplayed' || error.code === 'commander.version') return undefined
    if (error.code === 'commander.help')
      throw new CodedError('usage', `${words.join(' ')}: one of the commands above is missing`)
    throw new CodedError('usage', sentence(error.message), { cause: error })
  }
  return chosen
}

function sentence(message: string): string {
  return message.replace(/^error: /, '').replaceAll(/\s*\n\s*/g, ' ')
}

function refuseLaterCommand(words: readonly string[]): void {
  const later = laterCommands.find((name) => name === words[0] || name === `${words[0]} ${words[1]}`)
  const group = laterCommands.find((name) => name.startsWith(`${words[0]} `))
  if (later === undefined && (group === undefined || Object.hasOwn(groups, words[0] ?? ''))) return
  throw new CodedError(
    'usage',
    `"sealward ${later ?? words[0]}" belongs to a later version; this one (sealward --help lists its commands) does not have it yet`,
  )
}

function buildProgram(host: Host, choose: (spec: CommandSpec, args: Args) => void): Command {
  const program = configured(new Command('sealward'), host)
    .description('Only container images signed by somebody you trust: sign, verify, admit or refuse, pin, explain.')
    .version(host.version, '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print help; also of one command: sealward verify --help')
    .usage('<command> [options]')
    .addHelpText('after', programFooter)
  const parents = new Map<string, Command>()
  for (const spec of commands) {
    const [first = '', second] = spec.name.split(' ')
    if (second === undefined) addCommand(program, first, spec, choose)
    else addCommand(parents.get(first) ?? addGroup(program, first, parents), second, spec, choose)
  }
  return program
}

const programFooter = `
Ends with 0 trusted or done, 1 not trusted, 2 usage or configuration, 3 could not be found out.

Begin with:
  sealward demo --once                          see it work, without a cluster
  sealward keys generate                        make a pair of keys
  sealward sign --key cosign.key IMAGE          sign an image
  sealward verify --key cosign.pub IMAGE        verify it
  sealward check FILE --policy POLICIES         judge manifests before they reach a cluster
`

function configured(command: Command, host: Host): Command {
  return (
    command
      .exitOverride()
      .helpCommand(false)
      .configureOutput({
        writeOut: (text) => host.stdout.write(text),
        // Mistakes are told by `tellFailure`, in the same form as every other failure; only help comes this way.
        writeErr: (text) => host.stderr.write(text),
        outputError: () => {},
        getOutHasColors: () => host.stdout.colour,
        getErrHasColors: () => host.stderr.colour,
      })
      // Which options there are is one `--help` away; the list of commands is for finding the command.
      .configureHelp({ subcommandTerm: (sub) => [sub.name(), ...sub.registeredArguments.map(operandTerm)].join(' ') })
      .showSuggestionAfterError(true)
  )
}

function operandTerm(operand: Argument): string {
  const text = `${operand.name()}${operand.variadic ? '...' : ''}`
  return operand.required ? `<${text}>` : `[${text}]`
}

function addGroup(program: Command, name: string, parents: Map<string, Command>): Command {
  const group = program
    .command(name)
    .description(groups[name] ?? '')
    .helpCommand(false)
    .helpOption('-h, --help', 'print this')
  parents.set(name, group)
  return group
}

function addCommand(
  parent: Command,
  name: string,
  spec: CommandSpec,
  choose: (spec: CommandSpec, args: Args) => void,
): void {
  const command = parent.command(`${name} ${spec.operands}`.trim())
  command.summary(spec.summary).description(spec.description).helpOption('-h, --help', 'print this')
  const options = [...spec.options, outputOption].map((option) => [option, toOption(option)] as const)
  for (const [, option] of options) command.addOption(option)
  const examples = spec.examples.flatMap(({ line, shows }) => [`  # ${shows}`, `  ${line}`])
  command.addHelpText('after', `\nExamples:\n${examples.join('\n')}`)
  command.action(() =>
    choose(
      spec,
      toArgs(
        command,
        options.map(([, option]) => option),
      ),
    ),
  )
}

function toOption(spec: CommandSpec['options'][number]): Option {
  const option = new Option(spec.flags, spec.description)
  if (spec.choices !== undefined) option.choices(spec.choices)
  if (spec.default !== undefined) option.default(spec.default)
  if (spec.repeatable) {
    option.argParser((value: string, before: readonly string[] | undefined) => [...(before ?? []), value])
  }
  return option
}

function toArgs(command: Command, options: readonly Option[]): Args {
  const values: Readonly<Record<string, unknown>> = command.opts()
  const value = (name: string): unknown => {
    const option = options.find((each) => each.name() === name)
    if (option === undefined) throw new Error(`the command ${command.name()} has no option --${name}`)
    return values[option.attributeName()]
  }
  return {
    operands: command.args,
    text(name) {
      const found = value(name)
      return typeof found === 'string' ? found : undefined
    },
    all(name) {
      const found = value(name)
      return Array.isArray(found) ? found.filter((each) => typeof each === 'string') : []
    },
    flag: (name) => value(name) === true,
  }
}
