// `sealward review`: one AdmissionReview in, the webhook's answer out.

import { answer } from '#core/admission/answer.ts'
import type { AdmissionAnswer } from '#core/admission/answer.ts'
import { parseReview } from '#core/admission/review.ts'
import { parseStrictJsonBytes } from '#core/encoding/strict-json.ts'
import { CodedError } from '#core/errors.ts'
import { createWebhook } from '#app/webhook.ts'
import type { Args, CommandContext, ExitCode } from './command.ts'
import { exitCodeOf } from './failure.ts'
import { readInput } from './input.ts'
import { createJudging } from './judging.ts'
import { loadPolicies } from './policy-flags.ts'
import { withProgress } from './progress.ts'
import { openRegistry, timeoutOf } from './registry-flags.ts'

/** As the server: an object may be 3 MiB, and an UPDATE carries the old one too. */
const maxReviewBytes = 8 * 1024 * 1024
const maxDepth = 256

export async function run(args: Args, context: CommandContext): Promise<ExitCode> {
  const timeoutMs = timeoutOf(args)
  const [file = ''] = args.operands
  const request = parseReview(parseStrictJsonBytes(await readInput(file, context, maxReviewBytes), { maxDepth }))
  const { set } = await loadPolicies(args.all('policy'), context)
  const registry = await openRegistry(args, context)
  const { engine } = createJudging({ registry })
  const webhook = createWebhook({ engine, policies: () => set })
  const signal = AbortSignal.timeout(timeoutMs)
  const given = await withProgress<AdmissionAnswer>(context.stderr, 'asking the registry', () =>
    args.flag('mutate') ? webhook.mutate(request, signal) : webhook.validate(request, signal),
  ).finally(() => registry.close())
  context.stdout.line(JSON.stringify(answer(request, given), null, 2))
  return given.outcome === 'denied' ? exitOfDenial(given.code) : 0
}

/** Denied is 1, and 3 where it could not be found out; a malformed object in a review is the object's fault: 1. */
function exitOfDenial(code: CodedError['code']): ExitCode {
  return exitCodeOf(code) === 3 ? 3 : 1
}
