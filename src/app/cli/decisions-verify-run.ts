// `sealward decisions verify`.

import { printable } from '#core/encoding/printable.ts'
import { CodedError } from '#core/errors.ts'
import type { EntryHead } from '#io/store/chain.ts'
import { RecordsReader } from '#io/store/records-reader.ts'
import type { ChainReport } from '#io/store/verify.ts'
import { verifyChain } from '#io/store/verify.ts'
import type { Args, CommandContext, ExitCode, Stream } from './command.ts'
import type { DecisionVerification } from './output.ts'
import { withProgress } from './progress.ts'
import { requiredStore } from './store-path.ts'
import { counted, styled } from './style.ts'

export async function run(args: Args, context: CommandContext): Promise<ExitCode> {
  const noted = headOf(args.text('expect-head'))
  const reader = new RecordsReader(requiredStore(args))
  let report: ChainReport
  try {
    report = await withProgress(context.stderr, 'walking the chain', async () => verifyChain(reader.database, noted))
  } finally {
    reader.close()
  }
  // A head that retention has removed in order can be neither found nor missed.
  const exitCode: ExitCode = report.findingCount > 0 ? 1 : report.noted === 'removed' ? 3 : 0
  if (context.json) context.stdout.line(JSON.stringify(toReport(report, exitCode), null, 2))
  else for (const line of textOf(report, noted, context.stdout)) context.stdout.line(line)
  return exitCode
}

/** @throws CodedError `usage` */
function headOf(text: string | undefined): EntryHead | undefined {
  if (text === undefined) return undefined
  const [, seq, hash = ''] = /^(\d{1,15}):([0-9a-f]{64})$/.exec(text) ?? []
  if (seq !== undefined) return { seq: Number(seq), hash }
  throw new CodedError('usage', '--expect-head takes SEQ:HASH, as decisions verify prints it')
}

function toReport(report: ChainReport, exitCode: ExitCode): DecisionVerification {
  const { chain, head, removed, entries, records, judgements, runs, unended, gaps, damages, noted } = report
  return {
    kind: 'sealward.dev/DecisionVerification',
    version: 1,
    exitCode,
    whole: report.findingCount === 0,
    chain,
    head: { ...head },
    removed,
    entries,
    records,
    judgements,
    runs,
    unended: [...unended],
    gaps: { ...gaps },
    damages: { ...damages },
    ...(noted !== undefined && { expectedHead: noted }),
    findings: report.findings.map((finding) => ({ ...finding })),
    findingCount: report.findingCount,
  }
}

function textOf(report: ChainReport, noted: EntryHead | undefined, stream: Stream): readonly string[] {
  const { head, removed, records, runs, unended, gaps, damages, findings, findingCount } = report
  const found = findings.map(({ message }) => `${styled(stream, 'red', '✗')} ${printable(message, 400)}`)
  const more = findingCount > findings.length ? [`and ${findingCount - findings.length} more`] : []
  const word =
    findingCount === 0
      ? styled(stream, 'green', 'The record is whole.')
      : styled(stream, 'red', 'The record is not as it was written.')
  return [
    ...found,
    ...more,
    word,
    `records:  ${records}${removed === 0 ? '' : `, after ${counted(removed, 'entry', 'entries')} that retention removed`}`,
    `gaps:     ${gaps.marks === 0 ? 'none' : `${gaps.marks}, with ${counted(gaps.records, 'record')} lost`}`,
    ...(damages.marks === 0 ? [] : [damagesLine(damages)]),
    `runs:     ${runs}${unended.length === 0 ? '' : `, ${unended.length} without an end (killed, or running now)`}`,
    `chain:    ${printable(report.chain, 80)}`,
    ...notedLine(report, noted),
    `head:     ${head.seq}:${printable(head.hash, 80)}`,
  ]
}

function damagesLine({ marks, transactions }: ChainReport['damages']): string {
  return `damages:  ${marks}, with at least ${counted(transactions, 'batch', 'batches')} of records lost`
}

function notedLine({ noted: outcome }: ChainReport, noted: EntryHead | undefined): readonly string[] {
  if (noted === undefined || outcome === undefined) return []
  const said = {
    found: 'is in the chain',
    differs: 'is not in the chain: that entry is another one',
    beyond: 'is not in the chain: its end was cut off',
    removed: 'is older than what retention has kept, and says nothing any more',
  }[outcome]
  return [`expected: entry ${noted.seq} ${said}`]
}
