// `sealward check`.

import type { Judged } from '#app/webhook.ts'
import { createWebhook } from '#app/webhook.ts'
import type { FurtherKinds } from '#core/admission/further-kinds.ts'
import type { AdmissionRequest } from '#core/admission/review.ts'
import type { UseVerdict } from '#core/decision/decision.ts'
import { passes } from '#core/decision/decision.ts'
import { CodedError } from '#core/errors.ts'
import type { PolicySet } from '#core/policy/set.ts'
import { alsoJudged } from './also-judge.ts'
import { checkLines } from './check-lines.ts'
import type { CheckedObject } from './checked-object.ts'
import type { Args, CommandContext, ExitCode } from './command.ts'
import { exitCodeOf, worstOf } from './failure.ts'
import { imageReport } from './image-report.ts'
import { exitCodeOfVerdicts } from './judge-images.ts'
import { createJudging } from './judging.ts'
import { createRequest, namesOf, namespaceLabels } from './manifest-request.ts'
import type { Manifest } from './manifests.ts'
import { loadManifests } from './manifests.ts'
import type { CheckReport } from './output.ts'
import { loadPolicies } from './policy-flags.ts'
import { withProgress } from './progress.ts'
import { openRegistry, timeoutOf } from './registry-flags.ts'

export async function run(args: Args, context: CommandContext): Promise<ExitCode> {
  const timeoutMs = timeoutOf(args)
  const further = alsoJudged(args)
  const { set } = await loadPolicies(args.all('policy'), context)
  const manifests = await loadManifests(args.operands, context.stdin)
  const registry = await openRegistry(args, context)
  const policies = withLabels(set, namespaceLabels(manifests))
  const judge = judgeBy({ policies, further }, createJudging({ registry }), AbortSignal.timeout(timeoutMs))
  const namespace = args.text('namespace') ?? 'default'
  const checked = await withProgress(context.stderr, `checking ${manifests.length} objects`, () =>
    inTurns(manifests, async (manifest): Promise<CheckedObject> => {
      const request = createRequest(manifest, namespace)
      return { manifest, request, judged: await atPlace(manifest, () => judge(request)) }
    }),
  ).finally(() => registry.close())
  const exitCode = worstOf(checked.map(exitCodeOfObject))
  if (context.json) context.stdout.line(JSON.stringify(toReport(checked, exitCode), null, 2))
  else for (const line of checkLines(checked, context.stdout)) context.stdout.line(line)
  return exitCode
}

/** The webhook itself, so that nothing is judged here otherwise than there. */
function judgeBy(
  { policies, further }: { readonly policies: PolicySet; readonly further: FurtherKinds },
  { engine }: ReturnType<typeof createJudging>,
  signal: AbortSignal,
): (request: AdmissionRequest) => Promise<Judged> {
  const outcomes = new Map<AdmissionRequest, Judged>()
  const webhook = createWebhook({
    engine,
    policies: () => policies,
    alsoJudged: further,
    observe: (request, judged) => outcomes.set(request, judged),
  })
  return async (request) => {
    const answer = await webhook.mutate(request, signal)
    return outcomes.get(request) ?? { answer }
  }
}

function withLabels(set: PolicySet, labels: ReturnType<typeof namespaceLabels>): PolicySet {
  return {
    ...set,
    match: (scope) => {
      const known = scope.namespace === undefined ? undefined : labels.get(scope.namespace)
      return set.match(known === undefined ? scope : { ...scope, namespaceLabels: known })
    },
  }
}

/** What cannot even be judged is a fault of the file. */
async function atPlace<T>({ file, line }: Manifest, judge: () => Promise<T>): Promise<T> {
  try {
    return await judge()
  } catch (error) {
    if (!(error instanceof CodedError)) throw error
    throw new CodedError(error.code, `${file}:${line}: ${error.message}`, { where: `${file}:${line}`, cause: error })
  }
}

/** Enough to fill the connections to one registry. */
const atOnce = 16

async function inTurns<T, R>(items: readonly T[], work: (item: T) => Promise<R>): Promise<readonly R[]> {
  const results: R[] = []
  for (let at = 0; at < items.length; at += atOnce) {
    results.push(...(await Promise.all(items.slice(at, at + atOnce).map(work))))
  }
  return results
}

function exitCodeOfObject({ judged }: CheckedObject): ExitCode {
  const { answer, decision } = judged
  if (answer.outcome !== 'denied') return 0
  const code = exitCodeOfVerdicts(refusedOf(decision?.verdicts ?? []))
  return code === 0 ? worstOf([exitCodeOf(answer.code), 1]) : code
}

function refusedOf(verdicts: readonly UseVerdict[]): readonly UseVerdict[] {
  return verdicts.filter((verdict) => !passes(verdict.outcome))
}

function toReport(checked: readonly CheckedObject[], exitCode: ExitCode): CheckReport {
  return { kind: 'sealward.dev/Check', version: 1, exitCode, objects: checked.map(objectReport) }
}

function objectReport({ manifest, request, judged }: CheckedObject): CheckReport['objects'][number] {
  const { answer, decision, leftAlone } = judged
  const { name } = namesOf(manifest.value)
  return {
    file: manifest.file,
    line: manifest.line,
    apiVersion: manifest.apiVersion,
    kind: manifest.kind,
    ...(name !== undefined && { name }),
    ...(request.namespace !== undefined && { namespace: request.namespace }),
    outcome:
      leftAlone !== undefined && answer.outcome !== 'denied'
        ? 'left alone'
        : answer.outcome === 'denied'
          ? 'denied'
          : 'allowed',
    ...(leftAlone !== undefined && { because: leftAlone }),
    ...(decision !== undefined && { decision: decision.id }),
    ...(answer.outcome === 'denied' && { message: answer.message }),
    warnings: [...answer.warnings],
    images:
      decision === undefined
        ? []
        : decision.verdicts.map((verdict) => ({
            field: verdict.use.field,
            container: verdict.use.name,
            ...imageReport(verdict, decision),
          })),
  }
}
