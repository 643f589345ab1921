import { describe, expect, test } from 'vitest'
import { type Candidate, chooseVictim, type Doing } from '#app/server/eviction.ts'

const now = 100_000
let names = 0

/** @param ago for how long it has done so, in milliseconds */
function connection(doing: Doing, ago: number, address = '10.0.0.1'): Candidate & { name: number } {
  return { doing, since: now - ago, address, name: ++names }
}

describe('when there are too many connections', () => {
  test('one whose request is being answered never goes', () => {
    expect(chooseVictim([connection('answering', 60_000), connection('answering', 1)], 2, now)).toBeUndefined()
  })

  test('one that has not taken its answer for a second goes before all others, the longest first', () => {
    const unread = [connection('unread', 1_500), connection('unread', 3_000)]
    expect(chooseVictim([connection('handshake', 4_000), connection('idle', 90_000), ...unread], 4, now)).toBe(
      unread[1],
    )
  })

  test('neighbour: one whose answer has been there for a moment never goes', () => {
    const idle = connection('idle', 1)
    expect(chooseVictim([connection('unread', 900), idle], 2, now)).toBe(idle)
    expect(chooseVictim([connection('unread', 900)], 1, now)).toBeUndefined()
  })

  test('a handshake that is stuck goes before all others, the oldest first', () => {
    const stuck = connection('handshake', 4_000)
    const all = [connection('idle', 90_000), connection('handshake', 2_000), stuck, connection('sending', 9_000)]
    expect(chooseVictim(all, 4, now)).toBe(stuck)
  })

  test('a handshake that has just begun is left its time, unless they are a flood', () => {
    const idle = connection('idle', 10)
    const young = Array.from({ length: 20 }, (_, index) => connection('handshake', 30 - index))
    expect(chooseVictim([idle, ...young], 80, now)).toBe(idle)
    expect(chooseVictim([idle, ...young], 79, now)).toBe(young[0])
    expect(chooseVictim([idle, ...young.slice(0, 8)], 8, now)).toBe(idle)
    expect(chooseVictim([idle, ...young.slice(0, 9)], 8, now)).toBe(young[0])
  })

  test('then goes the longest idle, then who has been sending for longest, then a handshake', () => {
    const handshake = connection('handshake', 5)
    const sending = [connection('sending', 10), connection('sending', 9_000)]
    const idle = [connection('idle', 10), connection('idle', 30)]
    const busy = connection('answering', 20_000)
    expect(chooseVictim([busy, handshake, ...sending, ...idle], 100, now)).toBe(idle[1])
    expect(chooseVictim([busy, handshake, ...sending], 100, now)).toBe(sending[1])
    expect(chooseVictim([busy, handshake], 100, now)).toBe(handshake)
  })

  test('among those that do the same, one of the address that has most of them goes', () => {
    const apiServer = connection('idle', 80_000, '10.0.0.9')
    const flood = [connection('idle', 3, '10.0.0.66'), connection('idle', 2, '10.0.0.66')]
    expect(chooseVictim([apiServer, ...flood], 3, now)).toBe(flood[0])
  })
})
