// `sealward decisions show`.

import type { Decision } from '#core/decision/decision.ts'
import { passes } from '#core/decision/decision.ts'
import { denialText } from '#core/decision/explain.ts'
import type { DecisionRecord } from '#core/decision/record.ts'
import { decisionOf } from '#core/decision/record.ts'
import { printable } from '#core/encoding/printable.ts'
import { CodedError } from '#core/errors.ts'
import type { Language } from '#core/policy/words.ts'
import type { FoundEntry } from '#io/store/records-reader.ts'
import { RecordsReader } from '#io/store/records-reader.ts'
import type { Args, CommandContext, ExitCode, Stream } from './command.ts'
import { warnOfDamage } from './damage-warning.ts'
import { recordReport } from './decision-report.ts'
import { imageTree } from './explanation-lines.ts'
import { imageReport } from './image-report.ts'
import type { DecisionShown } from './output.ts'
import { policyReport } from './policy-report.ts'
import { requiredStore } from './store-path.ts'
import { styled } from './style.ts'

interface Shown {
  readonly entry: FoundEntry
  readonly record: DecisionRecord
  readonly decision: Decision
  /** What about it is not what was written. */
  readonly tampered: 'record' | 'judgement' | undefined
}

export async function run(args: Args, context: CommandContext): Promise<ExitCode> {
  const name = args.operands[0] ?? ''
  const language = args.text('language') as Language | undefined
  const reader = new RecordsReader(requiredStore(args))
  let shown: readonly Shown[]
  try {
    warnOfDamage(reader, context.stderr)
    shown = reader.atOnce(() => theOne(name, reader.find(name)).map((entry) => toShown(entry, reader)))
  } finally {
    reader.close()
  }
  const exitCode: ExitCode = shown.some(({ tampered }) => tampered !== undefined) ? 1 : 0
  if (context.json) {
    const report: DecisionShown = {
      kind: 'sealward.dev/Decision',
      version: 1,
      exitCode,
      decisions: shown.map((each) => toReport(each, language)),
    }
    context.stdout.line(JSON.stringify(report, null, 2))
  } else {
    context.stdout.line(shown.map((each) => textOf(each, language, context.stdout).join('\n')).join('\n\n'))
  }
  return exitCode
}

/** Several only where one request was sent several times. */
function theOne(name: string, found: readonly FoundEntry[]): readonly FoundEntry[] {
  const [first] = found
  if (name === '' || first === undefined) {
    throw new CodedError(
      'record-not-found',
      `no decision on record has an id or uid that begins with "${printable(name, 80)}"`,
    )
  }
  if (found.length === 1 || found.every((entry) => uidOf(entry) === name)) return found
  const names = found.map((entry) => (entry.id.startsWith(name.toUpperCase()) ? entry.id : uidOf(entry)))
  throw new CodedError(
    'usage',
    `"${printable(name, 80)}" is the beginning of several: ${printable(names.join(', '), 400)}`,
  )
}

function uidOf({ entry }: FoundEntry): string {
  return entry.kind === 'decision' ? entry.record.uid : ''
}

function toShown(entry: FoundEntry, reader: RecordsReader): Shown {
  if (entry.entry.kind !== 'decision') throw new CodedError('store-malformed', `entry ${entry.seq} is no decision`)
  const { record } = entry.entry
  const hashes = (record.uses ?? []).flatMap(({ judgement }) => (judgement === undefined ? [] : [judgement]))
  const decision = decisionOf(entry.id, entry.at, record, reader.judgements(new Set(hashes)))
  const isJudged = hashes.every((hash) => reader.isJudgementAsWritten(hash))
  return {
    entry,
    record,
    decision,
    tampered: !reader.isAsWritten(entry) ? 'record' : isJudged ? undefined : 'judgement',
  }
}

/** The language in which it was told: that of the policy that decided. */
function languageOf({ verdicts, policies }: Decision): Language {
  const refused = verdicts.find(({ outcome }) => !passes(outcome))
  const named = refused?.policy ?? policies[0]?.name
  return policies.find((policy) => policy.name === named)?.language ?? 'en'
}

/** As it was given on the day; in another language, made anew of what it was made of. */
function messageOf({ record, decision }: Shown, language: Language | undefined): string | undefined {
  const isOther = language !== undefined && language !== languageOf(decision)
  const anew = isOther ? denialText(decision, language) : ''
  return anew === '' ? record.message : anew
}

function toReport(shown: Shown, language: Language | undefined): DecisionShown['decisions'][number] {
  const { entry, record, decision, tampered } = shown
  const message = messageOf(shown, language)
  const { images: _, ...rest } = recordReport(entry, record, tampered === undefined)
  return {
    ...rest,
    ...(message !== undefined && { message }),
    images: decision.verdicts.map((verdict) => ({
      ...imageReport(verdict, decision, language ?? languageOf(decision)),
      field: verdict.use.field,
      container: verdict.use.name,
      unchanged: verdict.unchanged,
      policies: (verdict.judgement?.byPolicy ?? []).map(policyReport),
    })),
  }
}

function textOf(shown: Shown, language: Language | undefined, stream: Stream): readonly string[] {
  const { record, decision } = shown
  const told = language ?? languageOf(decision)
  const message = messageOf(shown, language)
  const style = record.answer === 'denied' ? 'red' : 'green'
  const facts = factsOf(shown).flatMap(([name, text]) => {
    if (text === undefined || text === '') return []
    const line = printable(text, 1_500)
    return [`${`${name}:`.padEnd(10)}${name === 'answer' ? styled(stream, style, line) : line}`]
  })
  const denied = message === undefined ? [] : ['', ...message.split('\n').map((line) => printable(line, 4_000))]
  return [
    ...tamperedLines(shown, stream),
    ...facts,
    ...denied,
    ...decision.verdicts.flatMap((verdict) => ['', ...imageTree(verdict, stream, told)]),
  ]
}

function tamperedLines({ tampered }: Shown, stream: Stream): readonly string[] {
  if (tampered === undefined) return []
  const what = {
    record: 'its hash does not follow from the entry before it',
    judgement: 'a judgement behind it was changed',
  }[tampered]
  const said = `✗ This is not what was written: ${what}. sealward decisions verify says more.`
  return [styled(stream, 'red', said), '']
}

function factsOf({ entry, record, decision }: Shown): readonly (readonly [name: string, text: string | undefined])[] {
  return [
    ['decision', `${entry.id}  (entry ${entry.seq} of the record)`],
    ['at', new Date(entry.at).toISOString()],
    ['answer', `${record.answer}${record.dryRun ? ', of a dry run' : ''} by /${record.path}`],
    ['code', record.code],
    ['object', objectOf(record)],
    ['user', record.user],
    ['request', record.uid],
    ...decision.policies.map(
      ({ name, mode, revision }) => ['policy', `${name} (${mode}, revision ${revision})`] as const,
    ),
    ...decision.pins.map(({ from, to }) => ['pinned', `${from} → ${to}`] as const),
  ]
}

function objectOf({ operation, kind, subResource, namespace, name }: DecisionRecord): string | undefined {
  if (operation === undefined || kind === undefined) return undefined
  const group = kind.group === '' ? kind.version : `${kind.group}/${kind.version}`
  const part = subResource === undefined ? '' : ` (${subResource})`
  const place = namespace === undefined ? '' : ` in namespace ${namespace}`
  return `${operation} ${group} ${kind.kind}${name === undefined ? '' : ` ${name}`}${part}${place}`
}
