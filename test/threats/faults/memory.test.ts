// What a small container has room for: a flood of Pods, and the largest and densest bodies that a sender can think of.

import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { podReview } from '../../../bench/pod-review.ts'
import { peakResidentMiB } from '../../../bench/process-figures.ts'
import type { Received } from '../../app/server/harness.ts'
import { exchange } from '../../app/server/harness.ts'
import { flood } from '../../faults/crowds.ts'
import type { Answered, Stream } from '../../faults/load.ts'
import { startStream } from '../../faults/load.ts'
import type { World } from '../../faults/world.ts'
import { startWorld } from '../../faults/world.ts'

/** Patient: a machine that runs all other tests beside this one is no fault of the webhook. */
const timeoutMs = 60_000
const streamOf = ({ service, images }: World): Stream =>
  startStream(service, () => images.next(), { perSecond: 10, timeoutMs })

const containerMiB = 256
const withHeap = (mib: number) => ({ nodeFlags: [`--max-old-space-size=${mib}`] })
/** Half of the container's memory: what Node takes by itself where a container has so much. */
const inContainer = withHeap(containerMiB / 2)

/** With more in it. */
function podWith({ stalledImage }: World, more: string): string {
  const { body } = podReview('large', [stalledImage])
  return body.toString().replace('"metadata":{', `"more":${more},"metadata":{`)
}

async function answerTo({ service }: World, body: string): Promise<Received> {
  const { port, authorities } = service
  return exchange({ port, ca: authorities.join('\n') }, { path: '/mutate?timeout=6s', body })
}

describe('FT-06: a flood of Pods whose registry never answers', () => {
  let world: World
  let ofFlood: readonly Answered[]
  let ofOthers: readonly Answered[]

  beforeAll(async () => {
    world = await startWorld(inContainer)
    const stream = streamOf(world)
    ofFlood = await flood(world.service, world.stalledImage, 10_000)
    await stream.stop()
    ofOthers = stream.answered
  }, 120_000)
  afterAll(() => world.close())

  test('is denied, each of them', () => {
    expect(ofFlood.filter(({ kind }) => kind !== 'undetermined')).toEqual([])
    expect(ofFlood.length).toBeGreaterThan(800)
  })

  test(`fits into a container of ${containerMiB} MiB`, () => {
    expect(peakResidentMiB(world.service.pid)).toBeLessThan(containerMiB)
  })

  test('neighbour: keeps no other Pod from its answer', () => {
    expect(ofOthers.filter(({ kind }) => kind !== 'right')).toEqual([])
    expect(ofOthers.length).toBeGreaterThan(50)
  })
})

describe('AD-16, FT-06: the largest bodies, as dense as JSON can be', () => {
  let world: World
  beforeAll(async () => {
    world = await startWorld(inContainer)
  }, 60_000)
  afterAll(() => world.close())

  const largest = (piece: (index: number) => string) => {
    const pieces = Array.from({ length: 7_900_000 / piece(1_000_000).length }, (_each, index) => piece(index))
    return podWith(world, `[${pieces.join('')}0]`)
  }

  test.each([
    ['empty objects', () => '{},'],
    ['empty lists', () => '[],'],
    ['numbers', () => '0,'],
    ['objects that have nothing in common', (index: number) => `{"${index.toString(36)}":0},`],
  ])('%s are refused, and fit into a container', async (_what, piece) => {
    expect(await answerTo(world, largest(piece))).toMatchObject({
      status: 413,
      text: expect.stringContaining('values'),
    })
    expect(peakResidentMiB(world.service.pid)).toBeLessThan(containerMiB)
  })

  test('neighbour: the Pod after them is judged as ever', async () => {
    const stream = streamOf(world)
    await expect.poll(() => stream.answered.length, { timeout: 15_000 }).toBeGreaterThan(8)
    await stream.stop()
    expect(stream.answered.filter(({ kind }) => kind !== 'right')).toEqual([])
  })
})

describe.concurrent('FT-06: two of the largest reviews that wait for a registry', () => {
  test.each([
    ['are one too many for a small heap', inContainer, ['overloaded', 'registry-timeout']],
    ['have room in a larger one', withHeap(1_024), ['registry-timeout', 'registry-timeout']],
  ])(
    '%s',
    async (_what, options, codes) => {
      const world = await startWorld(options)
      try {
        const body = podWith(world, JSON.stringify(Array.from({ length: 5 }, () => 'x'.repeat(1_400_000))))
        const answers = await Promise.all([answerTo(world, body), answerTo(world, body)])
        expect(answers.map(({ text }) => /code: ([a-z-]+)/.exec(text)?.[1]).sort()).toEqual(codes)
      } finally {
        await world.close()
      }
    },
    60_000,
  )
})
