// `sealward verify`.

import type { Args, CommandContext, ExitCode } from './command.ts'
import { imageLines, imageReport } from './image-report.ts'
import { exitCodeOfVerdicts, judgeImages } from './judge-images.ts'
import { createJudging } from './judging.ts'
import type { Verification } from './output.ts'
import { choosePolicies } from './policy-flags.ts'
import { withProgress } from './progress.ts'
import { openRegistry, timeoutOf } from './registry-flags.ts'

export async function run(args: Args, context: CommandContext): Promise<ExitCode> {
  const timeoutMs = timeoutOf(args)
  const namespace = args.text('namespace') ?? 'default'
  const { set } = await choosePolicies(args, context)
  const registry = await openRegistry(args, context)
  const { engine } = createJudging({ registry, brief: true })
  const decision = await withProgress(context.stderr, 'asking the registry', () =>
    judgeImages({ images: args.operands, namespace, policies: set, engine, timeoutMs }),
  ).finally(() => registry.close())
  const exitCode = exitCodeOfVerdicts(decision.verdicts)
  if (context.json) {
    const report: Verification = {
      kind: 'sealward.dev/Verification',
      version: 1,
      exitCode,
      decision: decision.id,
      at: new Date(decision.at).toISOString(),
      namespace,
      images: decision.verdicts.map((verdict) => imageReport(verdict, decision)),
    }
    context.stdout.line(JSON.stringify(report, null, 2))
    return exitCode
  }
  for (const verdict of decision.verdicts) context.stdout.line(imageLines(verdict, context.stdout).join('\n'))
  return exitCode
}
