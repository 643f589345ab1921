// Words of a command line → a command and its arguments. Node's own reader takes the words apart; what is missing,
// unknown or too much is found here and told in one sentence. A large library would cost as much as starting Node.

import { CodedError } from '#core/errors.ts'
import type { Args, CommandSpec, OptionSpec } from './command.ts'
import { allOptions, helpOption } from './options.ts'
import { commands, groups, laterCommands } from './table.ts'

export type Parsed =
  | { readonly kind: 'run'; readonly spec: CommandSpec; readonly args: Args }
  /** Of a command, of a group of commands, or of the program. */
  | { readonly kind: 'help'; readonly spec?: CommandSpec; readonly group?: string }
  | { readonly kind: 'version' }
  /** Words are missing: help is shown, and it counts as a mistake. */
  | { readonly kind: 'incomplete'; readonly group?: string }

/** What the flags of an option say. */
export interface Flag {
  readonly name: string
  readonly short: string | undefined
  readonly takesValue: boolean
}

export function flagOf({ flags }: OptionSpec): Flag {
  const [, short, name = ''] = /^(?:-([a-zA-Z]), )?--([a-z-]+)/.exec(flags) ?? []
  return { name, short, takesValue: flags.includes('<') }
}

/** @throws CodedError `usage` */
export async function parseCommandLine(argv: readonly string[]): Promise<Parsed> {
  const [first, ...rest] = argv
  if (first === undefined) return { kind: 'incomplete' }
  if (first === '--help' || first === '-h') return { kind: 'help' }
  if (first === '--version' || first === '-V') return { kind: 'version' }
  if (first === 'help') return parseCommandLine([...rest, '--help'])
  if (first.startsWith('-')) throw usage(`${shown(first)} stands before the command; sealward --help shows the form`)
  if (!Object.hasOwn(groups, first)) return parseCommand(await commandNamed(first, ''), rest)
  const [second, ...others] = rest
  if (second === undefined) return { kind: 'incomplete', group: first }
  if (second === '--help' || second === '-h') return { kind: 'help', group: first }
  return parseCommand(await commandNamed(second, `${first} `), others)
}

async function commandNamed(word: string, prefix: string): Promise<CommandSpec> {
  const name = `${prefix}${word}`
  const spec = commands.find((each) => each.name === name)
  if (spec !== undefined) return spec
  if (laterCommands.some((later) => later === name || later.startsWith(`${name} `))) {
    throw usage(`"sealward ${shown(name)}" belongs to a later version; sealward --help lists what this one has`)
  }
  const known = commands.map((each) => each.name).filter((each) => each.startsWith(prefix))
  const words = known.map((each) => each.slice(prefix.length).split(' ')[0] ?? '')
  throw usage(`there is no command "${shown(name)}"${await suggestion(word, words)}`)
}

async function parseCommand(spec: CommandSpec, words: readonly string[]): Promise<Parsed> {
  const options = allOptions(spec)
  // Imported, node:util would evaluate all that it holds.
  const { parseArgs } = process.getBuiltinModule('node:util')
  const { tokens } = parseArgs({
    args: [...words],
    options: Object.fromEntries(options.map((option) => [flagOf(option).name, nodeOption(option)])),
    strict: false,
    allowPositionals: true,
    tokens: true,
  })
  const operands: string[] = []
  const values = new Map<string, string[]>()
  let wantsHelp = false
  for (const token of tokens) {
    if (token.kind === 'positional') operands.push(token.value)
    if (token.kind !== 'option') continue
    const option = options.find((each) => flagOf(each).name === token.name)
    if (option === undefined) throw await unknownOption(token.rawName, spec, options)
    if (option === helpOption) wantsHelp = true
    else addValue(values, option, token)
  }
  if (wantsHelp) return { kind: 'help', spec }
  checkOperands(spec, operands)
  return { kind: 'run', spec, args: toArgs(spec, options, operands, values) }
}

function nodeOption(option: OptionSpec) {
  const { short, takesValue } = flagOf(option)
  return { type: takesValue ? ('string' as const) : ('boolean' as const), ...(short !== undefined && { short }) }
}

interface OptionToken {
  readonly rawName: string
  readonly value: string | undefined
  readonly inlineValue: boolean | undefined
}

function addValue(
  values: Map<string, string[]>,
  option: OptionSpec,
  { rawName, value, inlineValue }: OptionToken,
): void {
  const { name, takesValue } = flagOf(option)
  if (!takesValue) {
    if (value !== undefined) throw usage(`${rawName} takes no value`)
    values.set(name, [])
    return
  }
  if (value === undefined) throw usage(`${rawName} needs a value: ${option.flags}`)
  if (inlineValue !== true && value.startsWith('-') && value !== '-') {
    throw usage(
      `${rawName} needs a value, and "${shown(value)}" looks like an option; write --${name}=… if it is meant`,
    )
  }
  if (option.choices !== undefined && !option.choices.includes(value)) {
    throw usage(`${rawName} ${shown(value)}: the choices are ${option.choices.join(', ')}`)
  }
  const given = values.get(name)
  // Of two that contradict each other, neither is right.
  if (given !== undefined && !option.repeatable) throw usage(`${rawName} is given twice`)
  values.set(name, [...(given ?? []), value])
}

function checkOperands(spec: CommandSpec, operands: readonly string[]): void {
  const { required, variadic, name } = operandOf(spec)
  const form = `sealward ${spec.name} ${spec.operands}`.trim()
  const [first, second] = operands
  if (required && first === undefined) throw usage(`the ${name} is missing: ${form}`)
  if (name === '' && first !== undefined) throw usage(`"${shown(first)}" is too much: ${form}`)
  if (!variadic && second !== undefined) throw usage(`"${shown(second)}" is too much: ${form}`)
}

function operandOf({ operands }: CommandSpec) {
  const [, name = ''] = /^[<[]([a-z]+)/.exec(operands) ?? []
  return { name, required: operands.startsWith('<'), variadic: operands.includes('...') }
}

async function unknownOption(rawName: string, spec: CommandSpec, options: readonly OptionSpec[]): Promise<CodedError> {
  const names = options.map((option) => `--${flagOf(option).name}`)
  const near = rawName.startsWith('--') ? await suggestion(rawName, names) : ''
  return usage(`sealward ${spec.name} has no option ${shown(rawName)}${near}`)
}

/** Loaded only for those who mistyped. */
async function suggestion(written: string, names: readonly string[]): Promise<string> {
  const { didYouMean } = await import('#core/policy/suggest.ts')
  return didYouMean(written, names)
}

function toArgs(
  spec: CommandSpec,
  options: readonly OptionSpec[],
  operands: readonly string[],
  values: ReadonlyMap<string, readonly string[]>,
): Args {
  const optionNamed = (name: string): OptionSpec => {
    const option = options.find((each) => flagOf(each).name === name)
    if (option === undefined) throw new Error(`the command ${spec.name} has no option --${name}`)
    return option
  }
  return {
    operands,
    text: (name) => {
      const option = optionNamed(name)
      return values.get(name)?.[0] ?? option.default
    },
    all: (name) => {
      optionNamed(name)
      return values.get(name) ?? []
    },
    flag: (name) => {
      optionNamed(name)
      return values.has(name)
    },
  }
}

function usage(message: string): CodedError {
  return new CodedError('usage', message)
}

/** What somebody typed, or a program passed on, without what could steer a terminal. */
function shown(text: string): string {
  return text.replace(/[^\x20-\x7e]/g, '?').slice(0, 80)
}
