// Completion scripts for shells, made from the table of commands: commands, options, choices and file names.

import type { CommandSpec, OptionSpec } from './command.ts'
import type { shells } from './completion.ts'
import { shells as shellNames } from './completion.ts'
import { allOptions } from './options.ts'
import { flagOf } from './parse.ts'
import { commands, groups } from './table.ts'

export function completionScript(shell: (typeof shells)[number]): string {
  switch (shell) {
    case 'bash':
      return bash()
    case 'zsh':
      // zsh runs bash's completions; one script that is right is better than two.
      return `#compdef sealward\nautoload -U +X bashcompinit && bashcompinit\n${bash()}`
    case 'fish':
      return fish()
    case 'pwsh':
      return pwsh()
  }
}

interface Flag {
  readonly long: string
  readonly short: string | undefined
  readonly takesValue: boolean
  readonly choices: readonly string[]
  readonly files: boolean
  readonly description: string
}

function flagsOf(spec: CommandSpec): readonly Flag[] {
  return allOptions(spec).map(toFlag)
}

function toFlag(option: OptionSpec): Flag {
  const { name, short, takesValue } = flagOf(option)
  return {
    long: `--${name}`,
    short: short === undefined ? undefined : `-${short}`,
    takesValue,
    choices: option.choices ?? [],
    files: option.completes !== undefined,
    description: option.description,
  }
}

const topWords: readonly string[] = [...new Set(commands.map(({ name }) => name.split(' ')[0] ?? ''))]

function wordsBelow(group: string): readonly string[] {
  return commands.filter(({ name }) => name.startsWith(`${group} `)).map(({ name }) => name.slice(group.length + 1))
}

function bash(): string {
  const cases = commands.map((spec) => {
    const values = flagsOf(spec).filter(({ takesValue }) => takesValue)
    const names = (flag: Flag) => [flag.long, ...(flag.short === undefined ? [] : [flag.short])].join('|')
    const byValue = values.map((flag) => {
      if (flag.choices.length > 0)
        return `        ${names(flag)}) COMPREPLY=($(compgen -W '${flag.choices.join(' ')}' -- "$cur")); return ;;`
      return `        ${names(flag)}) ${flag.files ? 'COMPREPLY=($(compgen -f -- "$cur")); ' : ''}return ;;`
    })
    const longs = flagsOf(spec).map(({ long }) => long)
    const operands =
      spec.name === 'completion' ? `compgen -W '${shellNames.join(' ')}' -- "$cur"` : 'compgen -f -- "$cur"'
    return [
      `    '${spec.name}')`,
      '      case "$prev" in',
      ...byValue,
      '      esac',
      `      if [[ $cur == -* ]]; then COMPREPLY=($(compgen -W '${longs.join(' ')}' -- "$cur"))`,
      `      else COMPREPLY=($(${operands})); fi ;;`,
    ].join('\n')
  })
  const groupNames = Object.keys(groups)
  return `# bash completion for sealward
_sealward() {
  local cur=\${COMP_WORDS[COMP_CWORD]} prev=\${COMP_WORDS[COMP_CWORD-1]} command=\${COMP_WORDS[1]}
  COMPREPLY=()
  if (( COMP_CWORD == 1 )); then
    COMPREPLY=($(compgen -W '${topWords.join(' ')} --help --version' -- "$cur"))
    return
  fi
  case "$command" in
${groupNames
  .map((name) =>
    [
      `    ${name})`,
      `      if (( COMP_CWORD == 2 )); then COMPREPLY=($(compgen -W '${wordsBelow(name).join(' ')}' -- "$cur")); return; fi`,
      `      command="${name} \${COMP_WORDS[2]}" ;;`,
    ].join('\n'),
  )
  .join('\n')}
  esac
  case "$command" in
${cases.join('\n')}
  esac
}
complete -o filenames -F _sealward sealward
`
}

function fish(): string {
  const lines = ['# fish completion for sealward', 'complete -c sealward -n __fish_use_subcommand -f']
  for (const word of topWords) {
    const summary = commands.find(({ name }) => name === word)?.summary ?? groups[word] ?? ''
    lines.push(`complete -c sealward -n __fish_use_subcommand -a ${word} -d ${fishText(summary)}`)
  }
  for (const spec of commands) {
    const [first = '', second] = spec.name.split(' ')
    if (second !== undefined) {
      const below = wordsBelow(first).join(' ')
      lines.push(
        `complete -c sealward -n '__fish_seen_subcommand_from ${first}; and not __fish_seen_subcommand_from ${below}' -f -a ${second} -d ${fishText(spec.summary)}`,
      )
    }
    const seen =
      second === undefined
        ? `__fish_seen_subcommand_from ${first}`
        : `__fish_seen_subcommand_from ${first}; and __fish_seen_subcommand_from ${second}`
    if (spec.name === 'completion') lines.push(`complete -c sealward -n '${seen}' -f -a '${shellNames.join(' ')}'`)
    for (const { long, short, takesValue, choices, files, description } of flagsOf(spec)) {
      const parts = [`complete -c sealward -n '${seen}'`, `-l ${long.slice(2)}`]
      if (short !== undefined) parts.push(`-s ${short.slice(1)}`)
      if (takesValue) parts.push(files ? '-r -F' : '-x')
      if (choices.length > 0) parts.push(`-a '${choices.join(' ')}'`)
      lines.push(`${parts.join(' ')} -d ${fishText(description)}`)
    }
  }
  return `${lines.join('\n')}\n`
}

function fishText(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`
}

function pwsh(): string {
  const text = (value: string) => `'${value.replaceAll("'", "''")}'`
  const list = (values: readonly string[]) => `@(${values.map(text).join(', ')})`
  const rows = commands.map((spec) => `    ${text(spec.name)} = ${list(flagsOf(spec).map(({ long }) => long))}`)
  const below = Object.keys(groups).map((name) => `    ${text(name)} = ${list(wordsBelow(name))}`)
  return `# PowerShell completion for sealward
Register-ArgumentCompleter -Native -CommandName sealward -ScriptBlock {
  param($wordToComplete, $commandAst, $cursorPosition)
  $flags = @{
${rows.join('\n')}
  }
  $below = @{
${below.join('\n')}
  }
  $words = @($commandAst.CommandElements | ForEach-Object { $_.ToString() } | Select-Object -Skip 1 | Where-Object { $_ -ne $wordToComplete })
  $first = if ($words.Count -gt 0) { $words[0] } else { '' }
  $name = if ($below.ContainsKey($first) -and $words.Count -gt 1) { "$first $($words[1])" } else { $first }
  $found = if ($first -eq '') { ${list(topWords)} } elseif ($below.ContainsKey($name)) { $below[$name] } elseif ($flags.ContainsKey($name)) { $flags[$name] } else { @() }
  $found | Where-Object { $_ -like "$wordToComplete*" } | ForEach-Object {
    [System.Management.Automation.CompletionResult]::new($_, $_, 'ParameterValue', $_)
  }
}
`
}
