// Reviews as large as an API server sends them: how long others wait for what one of them takes.

import { join } from 'node:path'
import process from 'node:process'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Generator } from '../load.ts'
import { startGenerator } from '../load.ts'
import type { Shot } from '../processes/generator.ts'
import type { Bench, Row, Scenario } from '../scenario.ts'
import { pairedRow } from '../scenario.ts'
import { startWarmWorld } from '../warm-world.ts'
import type { BenchWebhook } from '../webhook.ts'

/** An API server takes no more than 3 MiB from a client. */
const largeBytes = 2_800_000
/** So that each is told from the next. */
const pauseMs = 100

/** What fills a list or object of the Pod, by the place where it is put. */
const shapes: readonly { readonly about: string; readonly at: string; readonly piece: (index: number) => string }[] = [
  {
    about: 'a Pod of 2.8 MB',
    at: '"env":[',
    piece: (index) => `{"name":"VARIABLE_${index}","value":"what an application is told, item ${index}"}`,
  },
  { about: 'one of 120,000 objects', at: '"status":{"objects":[', piece: () => '{"a":"what is in it"}' },
  {
    about: 'one of 100,000 escaped names',
    at: '"status":{"names":[',
    piece: (index) => `{"\\\\${index.toString(36)}":"what is in it"}`,
  },
]

export const reviewLarge: Scenario = {
  name: 'review-large',
  about: 'a 2.8 MB review: the longest stop of the others',
  run: async (bench) => {
    const turns = join(import.meta.dirname, '..', 'processes', 'turns.mjs')
    const { webhook, shots } = await startWarmWorld(bench, { nodeFlags: ['--import', turns] })
    const small = await startGenerator(bench, webhook, shots.digest, 1)
    const large = await startGenerator(bench, webhook, [], 0)
    await small.fire({ milliseconds: 1_000 * bench.seconds })
    const rows: Row[] = []
    for (const [index, shape] of shapes.entries()) {
      const shot = shots.digest[index]
      if (shot === undefined) continue
      await large.aim([enlarged(shot, shape)], 1)
      rows.push(...(await rowsOf(bench, { webhook, small, large }, shape.about)))
    }
    return rows
  },
}

interface Stage {
  readonly webhook: BenchWebhook
  readonly small: Generator
  readonly large: Generator
}

async function rowsOf(bench: Bench, { webhook, small, large }: Stage, what: string): Promise<readonly Row[]> {
  const milliseconds = 1_000 * bench.seconds
  await large.fire({ count: 3 })
  const rounds: { stop: number; turn: number; alone: number; aloneTurn: number }[] = []
  for (let round = 0; round < bench.rounds; round++) {
    await longestTurn(webhook)
    const [beside] = await Promise.all([small.fire({ milliseconds }), large.fire({ milliseconds, pauseMs })])
    const turn = await longestTurn(webhook)
    const { longest: alone } = await small.fire({ milliseconds })
    rounds.push({ stop: beside.longest, turn, alone, aloneTurn: await longestTurn(webhook) })
  }
  const row = (figure: string, ours: readonly number[], theirs: readonly number[]) =>
    pairedRow({ figure: `${what}: ${figure}`, unit: 'ms', yardstick: 'without it', goal }, ours, theirs)
  const of = (name: keyof (typeof rounds)[number]) => rounds.map((round) => round[name])
  return [
    row('longest latency of small ones beside it', of('stop'), of('alone')),
    row('longest turn of the event loop, processor time', of('turn'), of('aloneTurn')),
  ]
}

const goal = { kind: 'at most', limit: 30, of: 'value' } as const

/** Since it was asked the last time; in milliseconds. */
async function longestTurn(webhook: BenchWebhook): Promise<number> {
  const told = () => [...webhook.log().matchAll(/^longest turn: ([\d.]+) ms$/gm)].map(([, turn]) => Number(turn))
  const before = told().length
  process.kill(webhook.pid, 'SIGUSR2')
  for (;;) {
    const turn = told()[before]
    if (turn !== undefined) return turn
    await sleep(1)
  }
}

/** The same Pod with more in it; its answer is the same. */
function enlarged(shot: Shot, { at, piece }: (typeof shapes)[number]): Shot {
  const text = Buffer.from(shot.body).toString()
  const pieces: string[] = []
  for (let bytes = text.length; bytes < largeBytes; bytes += (pieces.at(-1)?.length ?? 0) + 1) {
    pieces.push(piece(pieces.length))
  }
  const isStatus = at.startsWith('"status"')
  const body = isStatus
    ? text.replace('"status":{}', `${at}${pieces.join(',')}]}`)
    : text.replace(at, `${at}${pieces.join(',')},`)
  return { ...shot, body: Buffer.from(body) }
}
