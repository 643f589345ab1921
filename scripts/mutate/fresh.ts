// Called by a driver, a test file made for the purpose: loads test files again for every mutant, so that what a module does
// once, when it is loaded, is done with the mutant switched on.

import { describe, vi } from 'vitest'
import { folderOfProcess, isKilled, readPlan, say } from './plan.ts'
import { begin, switchboard } from './switchboard.ts'

export function judgeFreshly(driver: string): void {
  const folder = folderOfProcess()
  const plan = readPlan(folder)
  if (plan.kind !== 'fresh') return
  const work = plan.work.find((piece) => piece.driver === driver)
  for (const { mutant, files } of work?.mutants ?? []) {
    describe(String(mutant), async () => {
      if (isKilled(folder, mutant)) return
      say(folder, { kind: 'begin', mutant, file: driver })
      begin(mutant, work?.limit ?? 0)
      vi.resetModules()
      for (const file of files) {
        try {
          await import(file)
        } catch (error) {
          const kind = switchboard.overrun ? 'timeout' : 'killed'
          say(folder, { kind, mutant, by: `${file} does not load: ${String(error).slice(0, 200)}` })
          return
        }
      }
    })
  }
  // The tests of the last mutant are collected before this one is: from here on the code is as it is.
  describe('the end', () => {
    switchboard.active = -1
  })
}
