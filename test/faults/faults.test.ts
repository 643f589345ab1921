// A small run of some faults, and the document that shows the figures of the large one.

import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { figuresIn, withFaults } from '../../scripts/render-reliability.ts'
import { faults } from './faults.ts'
import { runFault } from './run.ts'

/** The stalls and floods of the large run take minutes, and a machine of their own. */
const small = ['registry-fails', 'policies-broken', 'killed']

describe('a small run', () => {
  test.each(faults.filter(({ id }) => small.includes(id)))(
    '$id: nothing is wrong, nothing is lost',
    async (fault) => {
      // Patient: a machine that runs all other tests beside this one is no fault of the webhook.
      const load = { perSecond: 5, faultMs: 1_500, calmMs: 1_000, timeoutMs: 60_000 }
      const { sent, wrong, lost, untrue } = await runFault(fault, load)
      expect({ wrong, lost, untrue }).toEqual({ wrong: [], lost: [], untrue: [] })
      expect(sent).toBeGreaterThan(10)
    },
    120_000,
  )
})

describe('docs/reliability.md', () => {
  const document = readFileSync('docs/reliability.md', 'utf8')
  const figures = figuresIn(document)

  test('is in step with the faults', () => {
    expect(withFaults(document, faults)).toBe(document)
    expect(new Set(faults.map(({ fault }) => fault)).size).toBe(faults.length)
  })

  test.each(faults.map(({ fault }) => fault))('shows figures of a run: %s', (fault) => {
    const [pods = '', right = '', undetermined = '', wrong, lost] = figures.get(fault) ?? []
    const count = (text: string) => Number(text.replaceAll(',', ''))
    expect([wrong, lost]).toEqual(['0', '0'])
    expect(count(pods)).toBeGreaterThan(50)
    expect(count(right) + count(undetermined)).toBe(count(pods))
  })
})
