// What a scrape says about judged images: every one of them, once, whenever it was judged.

import { expect, test } from 'vitest'
import { createMetrics } from '#app/server/metrics.ts'

const refused = { kind: 'judged', verdict: 'untrusted', code: 'signature-missing', mode: 'Enforce' } as const
const trusted = { kind: 'judged', verdict: 'trusted', code: '', mode: 'Enforce' } as const

async function linesOf(name: string, metrics: ReturnType<typeof createMetrics>): Promise<readonly string[]> {
  const { body } = await metrics.text()
  return body
    .split('\n')
    .filter((line) => line.startsWith(`sealward_${name}{`))
    .sort()
}

test('verdicts are counted by what they are, from the first on, and each once', async () => {
  const metrics = createMetrics()
  for (const event of [trusted, trusted, refused]) metrics.record(event)
  const line = (verdict: string, code: string, mode: string, count: number) =>
    `sealward_image_verdicts_total{verdict="${verdict}",code="${code}",mode="${mode}"} ${count}`
  const first = [line('trusted', '', 'Enforce', 2), line('untrusted', 'signature-missing', 'Enforce', 1)]
  expect(await linesOf('image_verdicts_total', metrics)).toEqual(first)
  expect(await linesOf('image_verdicts_total', metrics)).toEqual(first)
  metrics.record(refused)
  metrics.record({ ...refused, mode: 'Audit' })
  expect(await linesOf('image_verdicts_total', metrics)).toEqual([
    line('trusted', '', 'Enforce', 2),
    line('untrusted', 'signature-missing', 'Audit', 1),
    line('untrusted', 'signature-missing', 'Enforce', 2),
  ])
})

test('answers are counted by what they are, each once, with their time', async () => {
  const metrics = createMetrics()
  const answered = { kind: 'answered', path: 'mutate', outcome: 'patched', code: '', seconds: 0.002 } as const
  metrics.record(answered)
  metrics.record(answered)
  metrics.record({ ...answered, path: 'validate', outcome: 'denied', code: 'signature-missing' })
  const expected = [
    'sealward_admission_answers_total{path="mutate",outcome="patched",code=""} 2',
    'sealward_admission_answers_total{path="validate",outcome="denied",code="signature-missing"} 1',
  ]
  expect(await linesOf('admission_answers_total', metrics)).toEqual(expected)
  expect(await linesOf('admission_answers_total', metrics)).toEqual(expected)
  expect(await linesOf('admission_duration_seconds_count', metrics)).toEqual([
    'sealward_admission_duration_seconds_count{path="mutate"} 2',
    'sealward_admission_duration_seconds_count{path="validate"} 1',
  ])
})
