// One run at a time, again after a failure, and none for nothing.

import { expect, test } from 'vitest'
import { createLevelLoop } from '#app/kube/level-loop.ts'

/** A loop whose runs the test ends, one by one. */
function loopOf() {
  const ends: ((outcome: boolean | Error) => void)[] = []
  const failures: unknown[] = []
  let [under, most] = [0, 0]
  const act = async () => {
    under++
    most = Math.max(most, under)
    try {
      const outcome = await new Promise<boolean | Error>((resolve) => ends.push(resolve))
      if (outcome instanceof Error) throw outcome
      return outcome
    } finally {
      under--
    }
  }
  const loop = createLevelLoop({ act, failed: (error) => failures.push(error), random: () => 0 })
  return { loop, ends, failures, most: () => most }
}

const settled = () => new Promise((resolve) => setImmediate(resolve))

test('what is said while a run is under way makes one more, after it', async () => {
  const { loop, ends, most } = loopOf()
  for (let time = 0; time < 3; time++) loop.nudge()
  expect(ends).toHaveLength(1)
  ends[0]?.(false)
  await expect.poll(() => ends.length).toBe(2)
  expect(most()).toBe(1)
  ends[1]?.(false)
  await settled()
  expect(ends).toHaveLength(2)
  await loop.close()
})

test('a run that fails is told, and tried again unasked', async () => {
  const { loop, ends, failures } = loopOf()
  loop.nudge()
  ends[0]?.(new Error('away'))
  await expect.poll(() => ends.length).toBe(2)
  expect(failures).toEqual([new Error('away')])
  ends[1]?.(true)
  await settled()
  expect(ends).toHaveLength(2)
  await loop.close()
})

test('nothing runs after it was closed', async () => {
  const { loop, ends } = loopOf()
  loop.nudge()
  ends[0]?.(new Error('away'))
  await settled()
  await loop.close()
  loop.nudge()
  await settled()
  expect(ends).toHaveLength(1)
})
