// `sealward explain`.

import { writeFile } from 'node:fs/promises'
import type { Recording } from '#app/engine/recording.ts'
import { createRecorder, parseRecording, recordedSources } from '#app/engine/recording.ts'
import type { Decision } from '#core/decision/decision.ts'
import { CodedError, messageOf } from '#core/errors.ts'
import type { Args, CommandContext, ExitCode } from './command.ts'
import { explanationLines } from './explanation-lines.ts'
import { imageReport } from './image-report.ts'
import { readInput } from './input.ts'
import { exitCodeOfVerdicts, judgeImages } from './judge-images.ts'
import { createJudging } from './judging.ts'
import type { Explanation } from './output.ts'
import type { ChosenPolicies } from './policy-flags.ts'
import { choosePolicies } from './policy-flags.ts'
import { policyReport } from './policy-report.ts'
import { withProgress } from './progress.ts'
import { recordedPolicies } from './recorded-policies.ts'
import { openRegistry, timeoutOf } from './registry-flags.ts'

export async function run(args: Args, context: CommandContext): Promise<ExitCode> {
  const factsFile = args.text('facts')
  return factsFile === undefined ? explainNow(args, context) : replay(factsFile, args, context)
}

async function explainNow(args: Args, context: CommandContext): Promise<ExitCode> {
  if (args.operands.length === 0) throw new CodedError('usage', 'no image was named')
  const timeoutMs = timeoutOf(args)
  const namespace = args.text('namespace') ?? 'default'
  const chosen = await choosePolicies(args, context)
  const registry = await openRegistry(args, context)
  const recorder = createRecorder()
  const { engine } = createJudging({ registry, brief: true })
  const asked = { images: args.operands, namespace, policies: chosen.set, engine, timeoutMs, observe: recorder.observe }
  const decision = await withProgress(context.stderr, 'asking the registry', () => judgeImages(asked)).finally(() =>
    registry.close(),
  )
  const target = args.text('save-facts')
  if (target !== undefined) await save(target, { decision, namespace, chosen, facts: recorder.facts() }, context)
  return tell(decision, namespace, context)
}

/** The same judgement again, from recorded bytes: every signature is verified anew. */
async function replay(file: string, args: Args, context: CommandContext): Promise<ExitCode> {
  if (args.text('save-facts') !== undefined)
    throw new CodedError('usage', '--facts and --save-facts contradict each other')
  const recording = parseRecording(Buffer.from(await readInput(file, context, maxFactsBytes)).toString('utf8'))
  const hasOwnPolicies = args.all('policy').length > 0 || args.all('key').length > 0
  const policies = hasOwnPolicies ? (await choosePolicies(args, context)).set : recordedPolicies(recording)
  const { engine } = createJudging({ registry: recordedSources(recording), now: () => recording.at, brief: true })
  const images = args.operands.length > 0 ? args.operands : recording.images
  const { namespace } = recording
  const decision = await judgeImages({ images, namespace, policies, engine, timeoutMs: timeoutOf(args) })
  return tell(decision, namespace, context)
}

/** Several images with many signatures take a few megabytes. */
const maxFactsBytes = 256 * 1024 * 1024

interface Saved {
  readonly decision: Decision
  readonly namespace: string
  readonly chosen: ChosenPolicies
  readonly facts: Recording['facts']
}

async function save(target: string, saved: Saved, context: CommandContext): Promise<void> {
  const { policies, keyFiles } = await saved.chosen.texts()
  const recording: Recording = {
    kind: 'sealward.dev/RecordedFacts',
    version: 1,
    at: saved.decision.at,
    images: saved.decision.verdicts.map(({ use }) => use.image),
    namespace: saved.namespace,
    policies: [...policies],
    keyFiles: [...keyFiles],
    facts: saved.facts,
  }
  try {
    await writeFile(target, `${JSON.stringify(recording, null, 2)}\n`)
  } catch (error) {
    throw new CodedError('file-unwritable', `--save-facts ${target}: ${messageOf(error)}`, {
      where: target,
      cause: error,
    })
  }
  context.stderr.line(`Facts written to ${target}`)
}

function tell(decision: Decision, namespace: string, context: CommandContext): ExitCode {
  const exitCode = exitCodeOfVerdicts(decision.verdicts)
  if (context.json) {
    const report: Explanation = {
      kind: 'sealward.dev/Explanation',
      version: 1,
      exitCode,
      decision: decision.id,
      at: new Date(decision.at).toISOString(),
      namespace,
      images: decision.verdicts.map((verdict) => ({
        ...imageReport(verdict, decision),
        policies: (verdict.judgement?.byPolicy ?? []).map(policyReport),
      })),
    }
    context.stdout.line(JSON.stringify(report, null, 2))
  } else {
    context.stdout.line(explanationLines(decision, namespace, context.stdout).join('\n'))
  }
  return exitCode
}
