// What a scrape says about judged images: every one of them, once, whenever it was judged.

import { expect, test } from 'vitest'
import { createMetrics } from '#app/server/metrics.ts'

const refused = { kind: 'judged', verdict: 'untrusted', code: 'signature-missing', mode: 'Enforce' } as const
const trusted = { kind: 'judged', verdict: 'trusted', code: '', mode: 'Enforce' } as const

async function verdictLines(metrics: ReturnType<typeof createMetrics>): Promise<readonly string[]> {
  const { body } = await metrics.text()
  return body
    .split('\n')
    .filter((line) => line.startsWith('sealward_image_verdicts_total{'))
    .sort()
}

test('verdicts are counted by what they are, from the first on, and each once', async () => {
  const metrics = createMetrics()
  for (const event of [trusted, trusted, refused]) metrics.record(event)
  const line = (verdict: string, code: string, mode: string, count: number) =>
    `sealward_image_verdicts_total{verdict="${verdict}",code="${code}",mode="${mode}"} ${count}`
  const first = [line('trusted', '', 'Enforce', 2), line('untrusted', 'signature-missing', 'Enforce', 1)]
  expect(await verdictLines(metrics)).toEqual(first)
  expect(await verdictLines(metrics)).toEqual(first)
  metrics.record(refused)
  metrics.record({ ...refused, mode: 'Audit' })
  expect(await verdictLines(metrics)).toEqual([
    line('trusted', '', 'Enforce', 2),
    line('untrusted', 'signature-missing', 'Audit', 1),
    line('untrusted', 'signature-missing', 'Enforce', 2),
  ])
})
