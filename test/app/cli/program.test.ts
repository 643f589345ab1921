import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import process from 'node:process'
import { describe, expect, test } from 'vitest'
import { exitCodeOf, failureReport, worstOf } from '#app/cli/failure.ts'
import { commandHelp, groupHelp, programHelp } from '#app/cli/help.ts'
import { flagOf, parseCommandLine } from '#app/cli/parse.ts'
import { commands, groups, laterCommands } from '#app/cli/table.ts'
import { CodedError, errorTable, isErrorCode } from '#core/errors.ts'
import { program, runCli } from '../../support/cli.ts'

async function refusal(line: string): Promise<string> {
  try {
    await parseCommandLine(line === '' ? [] : line.split(' '))
  } catch (error) {
    if (error instanceof CodedError && error.code === 'usage') return error.message
    throw error
  }
  return 'understood'
}

async function parsed(line: string) {
  const found = await parseCommandLine(line.split(' '))
  if (found.kind !== 'run') throw new Error(`${line} was understood as ${found.kind}`)
  return found
}

describe('a command line that is not right says what is wrong, in one sentence', () => {
  test.each([
    ['verfy', 'there is no command "verfy"; did you mean "verify"?'],
    ['frobnicate', 'there is no command "frobnicate"'],
    ['keys generat', 'there is no command "keys generat"; did you mean "generate"?'],
    ['attest image', 'belongs to a later version'],
    ['policy simulate', '"sealward policy simulate" belongs to a later version'],
    ['node', '"sealward node" belongs to a later version'],
    ['--foo', '--foo stands before the command'],
    ['verify --ky x', 'has no option --ky; did you mean "--key"?'],
    ['verify -x', 'has no option -x'],
    ['verify', 'the image is missing: sealward verify <image...>'],
    ['tree a b', '"b" is too much: sealward tree <image>'],
    ['demo x', '"x" is too much: sealward demo'],
    ['sign i --key', '--key needs a value: -k, --key <file>'],
    ['sign --key --format i', '--key needs a value, and "--format" looks like an option'],
    ['sign --format x i', '--format x: the choices are cosign, bundle'],
    ['sign --recursive=yes i', '--recursive takes no value'],
    ['sign --format cosign --format bundle i', '--format is given twice'],
    ['verify i -o yaml', '-o yaml: the choices are text, json'],
  ])('%s', async (line, message) => {
    expect(await refusal(line)).toContain(message)
  })
})

describe('a command line that is right', () => {
  test('gives operands, values, repeated values and flags', async () => {
    const { spec, args } = await parsed('verify a --key=k1 -k k2 -n prod -a x=1 --annotation y=2=3 b -ojson')
    expect(spec.name).toBe('verify')
    expect(args.operands).toEqual(['a', 'b'])
    expect(args.all('key')).toEqual(['k1', 'k2'])
    expect(args.all('annotation')).toEqual(['x=1', 'y=2=3'])
    expect(args.text('namespace')).toBe('prod')
    expect(args.text('output')).toBe('json')
    expect(args.text('timeout')).toBe('30s')
  })

  test('takes `-` for standard input, and what stands behind `--` as it is', async () => {
    const { args } = await parsed('check --policy - -- -odd')
    expect(args.all('policy')).toEqual(['-'])
    expect(args.operands).toEqual(['-odd'])
  })

  test('an option that the command does not have is a defect of the command', async () => {
    const { args } = await parsed('sign i')
    expect(args.flag('recursive')).toBe(false)
    expect(() => args.flag('recursiv')).toThrow('no option --recursiv')
  })

  test('finds commands of two words, and help in every place', async () => {
    expect((await parsed('keys generate --force')).spec.name).toBe('keys generate')
    expect(await parseCommandLine(['help', 'verify'])).toMatchObject({ kind: 'help', spec: { name: 'verify' } })
    expect(await parseCommandLine(['verify', 'x', '-h'])).toMatchObject({ kind: 'help', spec: { name: 'verify' } })
    expect(await parseCommandLine(['keys', '--help'])).toEqual({ kind: 'help', group: 'keys' })
    expect(await parseCommandLine([])).toEqual({ kind: 'incomplete' })
  })
})

describe('the table of commands', () => {
  test('has each command once, each with an example of its own, and none that is called later', () => {
    const names = commands.map(({ name }) => name)
    expect(new Set(names).size).toBe(names.length)
    expect(names.filter((name) => laterCommands.includes(name))).toEqual([])
    for (const { name, examples } of commands) {
      expect(examples.length, name).toBeGreaterThan(0)
      for (const { line } of examples) expect(line, name).toContain(`sealward ${name}`)
    }
  })

  test('writes every option in the one notation, each name and letter once a command', () => {
    for (const spec of commands) {
      const flags = spec.options.map(flagOf)
      const letters = flags.flatMap(({ short }) => short ?? [])
      expect(
        flags.filter(({ name }) => name === ''),
        spec.name,
      ).toEqual([])
      expect(new Set(flags.map(({ name }) => name)).size, spec.name).toBe(flags.length)
      expect(new Set([...letters, 'o', 'h']).size, spec.name).toBe(letters.length + 2)
    }
  })

  test.each(commands.map((spec) => [spec.name, spec] as const))('%s can be loaded', async (_, spec) => {
    expect(typeof (await spec.load()).run).toBe('function')
  })
})

describe('help', () => {
  test('of the program names every command or its group', () => {
    const text = programHelp()
    for (const { name } of commands) expect(text).toContain(name.split(' ')[0])
  })

  test('of a command names every option and example; no line of prose is wider than a terminal', () => {
    for (const spec of commands) {
      const text = commandHelp(spec)
      for (const { flags } of spec.options) expect(text).toContain(flags)
      const prose = text.slice(0, text.indexOf('\nExamples:')).split('\n')
      expect(prose.filter((line) => line.length > 80)).toEqual([])
    }
  })

  test('of a group lists what is below it', () => {
    for (const group of Object.keys(groups)) expect(groupHelp(group)).toContain(`sealward ${group} <command>`)
    expect(groupHelp('keys')).toContain('keys generate')
  })
})

describe('exit codes', () => {
  test('the worst of several is 2, then 1, then 3', () => {
    expect(worstOf([0, 3, 1, 2])).toBe(2)
    expect(worstOf([0, 3, 1])).toBe(1)
    expect(worstOf([0, 3])).toBe(3)
    expect(worstOf([])).toBe(0)
  })

  test('follow the kind of the code', () => {
    const byKind = { input: 2, untrusted: 1, check: 1, undetermined: 3, accepted: 0 }
    for (const [code, { kind }] of Object.entries(errorTable)) {
      if (isErrorCode(code)) expect(exitCodeOf(code), code).toBe(byKind[kind])
    }
  })

  test('what is no expected failure is a defect: 3, and says so', () => {
    expect(failureReport(new TypeError('x is not a function'))).toMatchObject({
      code: 'internal-error',
      exitCode: 3,
      message: expect.stringContaining('defect'),
    })
  })
})

describe('the program itself', () => {
  test('prints its version, which is that of the package', async () => {
    const { version } = JSON.parse(readFileSync('package.json', 'utf8'))
    expect(await runCli(['--version'])).toEqual({ code: 0, stdout: `${version}\n`, stderr: '' })
  })

  test('prints help on standard output when asked, and on standard error when nothing was said', async () => {
    const [asked, silent] = await Promise.all([runCli(['--help']), runCli([])])
    expect(asked).toEqual({ code: 0, stdout: programHelp(), stderr: '' })
    expect(silent.code).toBe(2)
    expect(silent.stdout).toBe('')
    expect(silent.stderr).toContain(programHelp())
  })

  test('on a Node that is too old says one sentence, and nothing else', () => {
    const old = `data:text/javascript,Object.defineProperty(process,'versions',{value:{node:'20.19.0'}})`
    const { status, stdout, stderr } = spawnSync(process.execPath, ['--import', old, program, 'verify'])
    expect(status).toBe(2)
    expect(`${stdout}${stderr}`).toBe(
      `sealward: needs Node.js 24.15 or newer, and this is 20.19.0 (${process.execPath}).\n`,
    )
    // Newer syntax would fail before the sentence could be said.
    expect(readFileSync(program, 'utf8')).not.toMatch(/\?\.|\?\?|^await|^const .* = await/m)
  })

  test('a failure is a message, its code and the next step; never a stack, unless asked for', async () => {
    const [plain, debug] = await Promise.all([
      runCli(['verify', '--nope']),
      runCli(['verify', '--nope'], { env: { SEALWARD_DEBUG: '1' } }),
    ])
    expect(plain.code).toBe(2)
    expect(plain.stderr).toBe('sealward: sealward verify has no option --nope\ncode: usage\nnext: See --help.\n')
    expect(debug.stderr).toContain('    at ')
  })

  test('a failure is JSON, too, when JSON was asked for', async () => {
    const { code, stdout } = await runCli(['verify', 'UPPER', '--key', 'k', '-o', 'json'])
    expect(code).toBe(2)
    expect(JSON.parse(stdout)).toMatchObject({ kind: 'sealward.dev/Failure', exitCode: 2 })
  })
})
