// The texts of `--help`, drawn from the table of commands.

import type { CommandSpec, OptionSpec } from './command.ts'
import { allOptions } from './options.ts'
import { commands, groups } from './table.ts'

/** What every terminal shows, and what reads well. */
const width = 80

export function programHelp(): string {
  const rows = topCommands().map(({ form, summary }) => [form, summary] as const)
  return [
    'Usage: sealward <command> [options]',
    '',
    ...wrap('Only container images signed by somebody you trust: sign, verify, admit or refuse, pin, explain.', 0),
    '',
    'Commands:',
    ...table(rows),
    '',
    'Options:',
    ...table([
      ['-h, --help', 'print help; also of one command: sealward verify --help'],
      ['-V, --version', 'print the version'],
    ]),
    '',
    'Begin with:',
    '  sealward demo --once                          see it work, without a cluster',
    '  sealward keys generate                        make a pair of keys',
    '  sealward sign --key cosign.key IMAGE          sign an image',
    '  sealward verify --key cosign.pub IMAGE        verify it',
    '  sealward check FILE --policy POLICIES         judge manifests',
    '',
    'Ends with 0 trusted or done, 1 not trusted, 2 usage or configuration, 3 could not',
    'be found out.',
    '',
  ].join('\n')
}

function topCommands(): readonly { readonly form: string; readonly summary: string }[] {
  const seen = new Set<string>()
  return commands.flatMap(({ name, operands, summary }) => {
    const [first = '', second] = name.split(' ')
    if (second === undefined) return [{ form: `${name} ${operands}`.trim(), summary }]
    if (seen.has(first)) return []
    seen.add(first)
    return [{ form: `${first} <command>`, summary: groups[first] ?? '' }]
  })
}

export function groupHelp(group: string): string {
  const below = commands.filter(({ name }) => name.startsWith(`${group} `))
  const rows = below.map(({ name, operands, summary }) => [`${name} ${operands}`.trim(), summary] as const)
  return [
    `Usage: sealward ${group} <command> [options]`,
    '',
    ...wrap(`Commands to ${groups[group] ?? ''}.`, 0),
    '',
    'Commands:',
    ...table(rows),
    '',
  ].join('\n')
}

export function commandHelp(spec: CommandSpec): string {
  const options = allOptions(spec)
  return [
    `Usage: sealward ${spec.name} [options] ${spec.operands}`.trim(),
    '',
    ...wrap(spec.description, 0),
    '',
    'Options:',
    ...table(options.map((option) => [flagsText(option), describe(option)] as const)),
    '',
    'Examples:',
    ...spec.examples.flatMap(({ line, shows }) => [`  # ${shows}`, `  ${line}`]),
    '',
  ].join('\n')
}

function flagsText({ flags }: OptionSpec): string {
  return flags.startsWith('--') ? `    ${flags}` : flags
}

function describe({ description, choices, default: preset, repeatable }: OptionSpec): string {
  const notes = [
    ...(choices === undefined ? [] : [`one of ${choices.join(', ')}`]),
    ...(preset === undefined ? [] : [`default: ${preset}`]),
    ...(repeatable ? ['may be repeated'] : []),
  ]
  return notes.length === 0 ? description : `${description} (${notes.join('; ')})`
}

/** A wide left side gets a line of its own. */
const maxLeft = 26

function table(rows: readonly (readonly [left: string, right: string])[]): readonly string[] {
  const left = Math.min(maxLeft, Math.max(...rows.map(([text]) => text.length)))
  const indent = left + 4
  return rows.flatMap(([text, right]) => {
    const [first = '', ...rest] = wrap(right, indent)
    const begin = `  ${text}`
    return begin.length + 2 > indent ? [begin, first, ...rest] : [begin.padEnd(indent) + first.trimStart(), ...rest]
  })
}

function wrap(text: string, indent: number): readonly string[] {
  const lines: string[] = []
  let line = ''
  for (const word of text.split(' ')) {
    if (line !== '' && indent + line.length + 1 + word.length > width) {
      lines.push(line)
      line = word
    } else line = line === '' ? word : `${line} ${word}`
  }
  return [...lines, line].map((each) => ' '.repeat(indent) + each)
}
