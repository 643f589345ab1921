// `sealward decisions list`.

import type { DamageMark, GapMark } from '#core/decision/chain-entry.ts'
import type { DecisionRecord } from '#core/decision/record.ts'
import { printable } from '#core/encoding/printable.ts'
import { CodedError, isErrorCode } from '#core/errors.ts'
import { parseInstant } from '#core/policy/text-formats.ts'
import type { FoundEntry } from '#io/store/records-reader.ts'
import { RecordsReader } from '#io/store/records-reader.ts'
import { columns } from './columns.ts'
import type { Args, CommandContext, ExitCode, Stream } from './command.ts'
import { warnOfDamage } from './damage-warning.ts'
import { recordReport } from './decision-report.ts'
import type { DecisionList } from './output.ts'
import { requiredStore } from './store-path.ts'
import { counted, styled } from './style.ts'

export async function run(args: Args, context: CommandContext): Promise<ExitCode> {
  const wanted = wantedOf(args)
  const reader = new RecordsReader(requiredStore(args))
  let found: Found
  let isDamaged: boolean
  try {
    isDamaged = warnOfDamage(reader, context.stderr)
    found = reader.atOnce(() => search(reader, wanted))
  } finally {
    reader.close()
  }
  const exitCode: ExitCode = found.broken > 0 || isDamaged ? 2 : found.changed > 0 ? 1 : 0
  if (context.json) context.stdout.line(JSON.stringify(toReport(found, isDamaged, exitCode), null, 2))
  else for (const line of textOf(found, context.stdout)) context.stdout.line(line)
  for (const [count, what] of [
    [found.broken, 'not as Sealward writes them'],
    [found.changed, 'not what was written'],
  ] as const) {
    const those = count === 1 ? 'entry is' : 'entries are'
    if (count > 0) context.stderr.line(`sealward: ${count} ${those} ${what}; sealward decisions verify says more`)
  }
  return exitCode
}

interface Wanted {
  readonly since: number
  readonly until: number
  readonly namespace: string | undefined
  readonly image: string | undefined
  readonly isDenied: boolean | undefined
  readonly code: string | undefined
  readonly limit: number
}

/** @throws CodedError `usage` */
function wantedOf(args: Args): Wanted {
  const outcome = args.text('outcome')
  const code = args.text('code')
  if (code !== undefined && !isErrorCode(code)) {
    throw new CodedError('usage', `--code ${printable(code, 80)}: there is no such code; docs/errors.md lists them`)
  }
  const limit = args.text('limit') ?? ''
  if (!/^[1-9]\d{0,6}$/.test(limit)) throw new CodedError('usage', '--limit takes a number, 1 or more')
  const since = timeOf(args, 'since') ?? Number.NEGATIVE_INFINITY
  const until = timeOf(args, 'until') ?? Number.POSITIVE_INFINITY
  if (since > until) throw new CodedError('usage', '--since is later than --until')
  return {
    since,
    until,
    namespace: args.text('namespace'),
    image: args.text('image'),
    isDenied: outcome === undefined ? undefined : outcome === 'denied',
    code,
    limit: Number(limit),
  }
}

const units: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 }

function timeOf(args: Args, name: 'since' | 'until'): number | undefined {
  const text = args.text(name)
  if (text === undefined) return undefined
  const [, amount, unit = ''] = /^(\d{1,6})([smhdw])$/.exec(text) ?? []
  const time = amount === undefined ? parseInstant(text) : Date.now() - Number(amount) * (units[unit] ?? 0)
  if (time !== undefined) return time
  throw new CodedError('usage', `--${name} takes 30m, 2h, 7d or a time such as 2026-06-01T00:00:00Z`)
}

interface DamageLine {
  readonly kind: 'damaged'
  readonly entry: FoundEntry
  readonly mark: DamageMark
}

interface DecisionLine {
  readonly kind: 'decision'
  readonly entry: FoundEntry
  readonly record: DecisionRecord
  readonly asWritten: boolean
}

type Line = DecisionLine | { readonly kind: 'gap'; readonly entry: FoundEntry; readonly mark: GapMark } | DamageLine

interface Found {
  readonly lines: readonly Line[]
  readonly broken: number
  readonly changed: number
  /** There are more. */
  readonly isCut: boolean
}

function search(reader: RecordsReader, wanted: Wanted): Found {
  const lines: Line[] = []
  let [records, broken, changed] = [0, 0, 0]
  for (const found of reader.newestFirst(holding(wanted))) {
    if ('problem' in found) {
      broken += 1
      continue
    }
    const line = lineOf(found, wanted, reader)
    if (line === undefined) continue
    if (line.kind === 'decision') {
      if (records === wanted.limit) return { lines, broken, changed, isCut: true }
      records += 1
      if (!line.asWritten) changed += 1
    }
    lines.push(line)
  }
  return { lines, broken, changed, isCut: false }
}

/** Texts that stand in every record that is wanted; a record may hold them elsewhere, too. */
function holding({ namespace, code, isDenied }: Wanted): readonly string[] {
  return [
    ...(namespace === undefined ? [] : [`"namespace":${JSON.stringify(namespace)}`]),
    ...(code === undefined ? [] : [`"code":"${code}"`]),
    ...(isDenied === true ? ['"answer":"denied"'] : []),
  ]
}

function lineOf(entry: FoundEntry, wanted: Wanted, reader: RecordsReader): Line | undefined {
  const { entry: stored, at } = entry
  if (stored.kind === 'gap') {
    const { mark } = stored
    return mark.until >= wanted.since && mark.from <= wanted.until ? { kind: 'gap', entry, mark } : undefined
  }
  // What was lost is older than the mark; how much older, nobody knows.
  if (stored.kind === 'damaged') return at >= wanted.since ? { kind: 'damaged', entry, mark: stored.mark } : undefined
  if (stored.kind !== 'decision' || at < wanted.since || at > wanted.until) return undefined
  const { record } = stored
  return fits(record, wanted) ? { kind: 'decision', entry, record, asWritten: reader.isAsWritten(entry) } : undefined
}

function fits({ namespace, answer, code, uses = [] }: DecisionRecord, wanted: Wanted): boolean {
  const { image } = wanted
  if (wanted.namespace !== undefined && namespace !== wanted.namespace) return false
  if (wanted.isDenied !== undefined && (answer === 'denied') !== wanted.isDenied) return false
  if (wanted.code !== undefined && code !== wanted.code && !uses.some((use) => use.code === wanted.code)) return false
  return image === undefined || uses.some((use) => use.image.includes(image) || use.pinned?.includes(image))
}

function toReport({ lines, broken, isCut }: Found, endDamaged: boolean, exitCode: ExitCode): DecisionList {
  return {
    kind: 'sealward.dev/DecisionList',
    version: 1,
    exitCode,
    decisions: lines.flatMap((line) =>
      line.kind === 'decision' ? [recordReport(line.entry, line.record, line.asWritten)] : [],
    ),
    gaps: lines.flatMap((line) => (line.kind === 'gap' ? [gapReport(line.entry.seq, line.mark)] : [])),
    damages: lines.flatMap((line) => (line.kind === 'damaged' ? [damageReport(line)] : [])),
    more: isCut,
    unreadable: broken,
    endDamaged,
  }
}

function gapReport(seq: number, { count, why, from, until }: GapMark): DecisionList['gaps'][number] {
  return { seq, count, why, from: new Date(from).toISOString(), until: new Date(until).toISOString() }
}

function damageReport({ entry, mark }: DamageLine): DecisionList['damages'][number] {
  return { seq: entry.seq, at: new Date(entry.at).toISOString(), transactions: mark.transactions }
}

function textOf({ lines, isCut }: Found, stream: Stream): readonly string[] {
  if (lines.length === 0) return ['No decision on record fits.']
  const rows = lines.flatMap((line) => (line.kind === 'decision' ? [cellsOf(line)] : []))
  const drawn = columns([['TIME', 'ANSWER', 'NAMESPACE', 'OBJECT', 'CODE', 'IMAGES', 'ID'], ...rows])
  const [head = '', ...rest] = drawn
  let next = 0
  const body = lines.map((line) => {
    if (line.kind === 'gap') return styled(stream, 'yellow', gapText(line.mark))
    if (line.kind === 'damaged') return styled(stream, 'yellow', damageText(line))
    const text = rest[next++] ?? ''
    return line.record.answer === 'denied' ? styled(stream, 'red', text) : text
  })
  const more = isCut ? ['There are more; --limit shows them.'] : []
  return [...(rows.length === 0 ? [] : [styled(stream, 'dim', head)]), ...body, ...more]
}

const answers = { allowed: 'allowed', patched: 'pinned', denied: 'denied' } as const

function cellsOf({ entry, record, asWritten }: DecisionLine): readonly string[] {
  const { namespace = '-', kind, name, answer, code, uses = [], dryRun } = record
  const [first, ...others] = [...new Set(uses.map((use) => use.image))]
  const images = first === undefined ? '-' : shortImage(first) + (others.length === 0 ? '' : ` +${others.length}`)
  return [
    new Date(entry.at).toISOString().replace(/\.\d+Z$/, 'Z'),
    `${answers[answer]}${dryRun ? ' (dry run)' : ''}${asWritten ? '' : ' (changed)'}`,
    printable(namespace, 40),
    printable(`${kind?.kind ?? '?'}${name === undefined ? '' : `/${name}`}`, 50),
    code ?? '-',
    images,
    entry.id,
  ]
}

/** The end of a name says most; a digest is known by its beginning. */
function shortImage(image: string): string {
  const text = printable(image, 300).replace(/(@sha(?:256|384|512):[0-9a-f]{8})[0-9a-f]+/, '$1…')
  return text.length <= 60 ? text : `…${text.slice(-59)}`
}

function gapText({ count, why, from, until }: GapMark): string {
  const cause = why === 'full' ? 'the store was away or too slow' : 'they could not be written'
  const [first, last] = [new Date(from).toISOString(), new Date(until).toISOString()]
  return `${first}  gap: ${counted(count, 'record')} until ${last} lost, because ${cause}`
}

function damageText({ entry, mark }: DamageLine): string {
  const lost = counted(mark.transactions, 'batch', 'batches')
  return `${new Date(entry.at).toISOString()}  damage: at least ${lost} of records before this start could not be read any more`
}
