// `sealward review`: what the webhook would answer, and nothing else on standard output.

import { createWebhook } from '#app/webhook.ts'
import type { AdmissionAnswer } from '#core/admission/answer.ts'
import { answer as toReview } from '#core/admission/answer.ts'
import { parseReview } from '#core/admission/review.ts'
import { parseStrictJson } from '#core/encoding/strict-json.ts'
import { CodedError, codeOf, errorTable, messageOf } from '#core/errors.ts'
import { alsoJudged } from './also-judge.ts'
import type { Args, CommandContext, ExitCode } from './command.ts'
import { createJudging } from './judging.ts'
import { readText } from './manifests.ts'
import { loadPolicies } from './policy-flags.ts'
import { withProgress } from './progress.ts'
import { openRegistry, timeoutOf } from './registry-flags.ts'

export async function run(args: Args, context: CommandContext): Promise<ExitCode> {
  const [file = '-'] = args.operands
  const timeoutMs = timeoutOf(args)
  const further = alsoJudged(args)
  const { set } = await loadPolicies(args.all('policy'), context)
  const request = parseReview(parseJson(file, await readText(file, context.stdin)))
  const registry = await openRegistry(args, context)
  const { engine } = createJudging({ registry, brief: true })
  const webhook = createWebhook({ engine, policies: () => set, alsoJudged: further })
  const judge = args.flag('mutate') ? webhook.mutate : webhook.validate
  const answer = await withProgress(context.stderr, 'asking the registry', () =>
    Promise.resolve(judge(request, AbortSignal.timeout(timeoutMs))),
  ).finally(() => registry.close())
  context.stdout.line(JSON.stringify(toReview(request, answer), null, 2))
  return exitCodeOf(answer)
}

function exitCodeOf(answer: AdmissionAnswer): ExitCode {
  if (answer.outcome !== 'denied') return 0
  return errorTable[answer.code].kind === 'undetermined' ? 3 : 1
}

function parseJson(file: string, text: string): unknown {
  try {
    return parseStrictJson(text)
  } catch (error) {
    throw new CodedError(codeOf(error), `${file === '-' ? 'stdin' : file}: ${messageOf(error)}`, { cause: error })
  }
}
