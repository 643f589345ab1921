// `sealward policy lint`.

import { problemsIn, readPolicyFiles } from '#app/policy-files.ts'
import { lintPolicies } from '#core/policy/lint.ts'
import type { Warning } from '#core/policy/lint-warning.ts'
import type { Problem } from '#core/policy/problem.ts'
import { renderProblem } from '#core/policy/problem.ts'
import type { ReadResult } from '#core/policy/read.ts'
import type { Args, CommandContext, ExitCode } from './command.ts'
import type { LintReport } from './output.ts'
import { counted, styled } from './style.ts'

export async function run(args: Args, context: CommandContext): Promise<ExitCode> {
  const found = await readPolicyFiles(args.operands, { stdin: context.stdin })
  const { read } = found
  const problems = problemsIn(args.operands, found)
  // While something is left out, what is missing would be warned of in vain.
  const warnings = problems.length > 0 ? [] : lintPolicies(read, { now: Date.now() })
  const exitCode: ExitCode = problems.length > 0 || (args.flag('strict') && warnings.length > 0) ? 2 : 0
  if (context.json) context.stdout.line(JSON.stringify(toReport(read, problems, warnings, exitCode), null, 2))
  else tell(read, problems, warnings, context)
  return exitCode
}

function tell(
  read: ReadResult,
  problems: readonly Problem[],
  warnings: readonly Warning[],
  context: CommandContext,
): void {
  const { stdout } = context
  for (const problem of problems) {
    stdout.line(`${styled(stdout, 'red', 'problem')}  ${renderProblem(problem)}  [${problem.code}]`)
  }
  for (const warning of warnings) {
    stdout.line(`${styled(stdout, 'yellow', 'warning')}  ${renderProblem(warning)}  [${warning.code}]`)
  }
  const found = `${counted(problems.length, 'problem')}, ${counted(warnings.length, 'warning')}`
  const policies = read.policies.length === 1 ? '1 policy' : `${read.policies.length} policies`
  const lists = read.denyLists.length === 0 ? '' : `, ${counted(read.denyLists.length, 'deny list')}`
  stdout.line(`${policies}, ${counted(read.attestors.length, 'attestor')}${lists}: ${found}`)
}

function toReport(
  read: ReadResult,
  problems: readonly Problem[],
  warnings: readonly Warning[],
  exitCode: ExitCode,
): LintReport {
  return {
    kind: 'sealward.dev/Lint',
    version: 1,
    exitCode,
    policies: read.policies.length,
    attestors: read.attestors.length,
    denyLists: read.denyLists.length,
    problems: problems.map(toEntry),
    warnings: warnings.map(toEntry),
  }
}

function toEntry<C extends string>({
  code,
  file,
  line,
  kind,
  name,
  path,
  message,
}: Omit<Problem, 'code'> & { readonly code: C }) {
  return {
    code,
    file,
    ...(line !== undefined && { line }),
    ...(kind !== undefined && { kind }),
    ...(name !== undefined && { name }),
    path,
    message,
  }
}
