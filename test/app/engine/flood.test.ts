// One request with thousands of images beside others: what it may take, counted, not timed.

import { describe, expect, test } from 'vitest'
import { at, judging, name } from '../../support/judging.ts'
import type { Asked } from '../../support/memory-registry.ts'
import { MemoryRegistry } from '../../support/memory-registry.ts'
import { policy, rule, signed } from '../../support/policies.ts'
import { toy } from '../../support/toy-format.ts'

const release = [policy('production', [rule(signed('release'))])]

function images(registry: MemoryRegistry, count: number, isSigned = true): readonly string[] {
  return Array.from({ length: count }, (_, index) => {
    const repository = { ...at, repository: `flood/app${index}` }
    const digest = registry.putImage(repository, `flood ${index}`)
    if (isSigned) registry.sign(repository, 'release', { digest })
    return `${at.registry}/flood/app${index}@${digest}`
  })
}

/** Holds every question back; `next` lets the oldest go. */
function turnstile(registry: MemoryRegistry) {
  const held: { readonly asked: Asked; readonly go: () => void }[] = []
  registry.before = (asked) => new Promise((resolve) => held.push({ asked, go: resolve }))
  return held
}

const turns = async (count = 20) => {
  for (let turn = 0; turn < count; turn++) await new Promise((resolve) => setImmediate(resolve))
}

describe('FT-08: a request with thousands of images', () => {
  test('neighbour: is judged whole, each image as often as its answers come', async () => {
    const registry = new MemoryRegistry()
    let asked = 0
    const counted = {
      ...toy,
      ask: (...args: Parameters<typeof toy.ask>) => {
        asked += 1
        return toy.ask(...args)
      },
    }
    const decision = await judging(registry, [counted]).judge(images(registry, 1_000), release)
    expect(decision.allowed).toBe(true)
    expect(decision.verdicts).toHaveLength(1_000)
    expect(registry.kinds()).toHaveLength(1_000)
    expect(asked).toBeLessThanOrEqual(3 * 1_000)
  })

  test('lets the event loop turn many times, cold and warm', async () => {
    const registry = new MemoryRegistry()
    const { judge } = judging(registry)
    // Judged from memory, they take ten slices here: a machine that is quicker has to be so by much to need fewer than three.
    const list = images(registry, 5_000)
    for (let pass = 0; pass < 2; pass += 1) {
      let loops = 0
      let isDone = false
      const count = () => {
        loops += 1
        if (!isDone) setImmediate(count)
      }
      setImmediate(count)
      await judge(list, release)
      isDone = true
      expect(loops).toBeGreaterThan(2)
    }
  })

  test('asks one registry 64 questions at a time', async () => {
    const registry = new MemoryRegistry()
    const held = turnstile(registry)
    const pending = judging(registry).judge(images(registry, 300), release)
    await turns()
    expect(held).toHaveLength(64)
    for (let index = 0; index < 300; index += 1) {
      held[index]?.go()
      await turns(3)
      expect(held.length - index - 1).toBeLessThanOrEqual(64)
    }
    expect((await pending).allowed).toBe(true)
  })

  test('leaves a small one its turn at the registry', async () => {
    const registry = new MemoryRegistry()
    const held = turnstile(registry)
    const { judge } = judging(registry)
    const flood = judge(images(registry, 1_000), release)
    await turns()
    const digest = registry.putImage(at, 'small')
    registry.sign(at, 'release', { digest })
    const small = judge(`${name}@${digest}`, release)
    await turns()
    const isSmall = ({ asked }: (typeof held)[number]) => asked.question.includes('/team/app:')
    expect(held.some(isSmall)).toBe(false)
    for (const { go } of held.slice(0, 2)) go()
    await turns()
    const mine = held.find(isSmall)
    expect(mine).toBeDefined()
    mine?.go()
    expect((await small).allowed).toBe(true)
    registry.before = () => {}
    for (const { go } of held) go()
    expect((await flood).allowed).toBe(true)
  })

  test('lends its place to a small one that waits for the same image', async () => {
    const registry = new MemoryRegistry()
    const held = turnstile(registry)
    const { judge } = judging(registry)
    const list = images(registry, 128)
    void judge(list, release)
    await turns()
    const small = judge(list.at(-1) ?? '', release)
    await turns()
    for (const { go } of held.slice(0, 2)) go()
    await turns()
    held.find(({ asked }) => asked.question.includes('/flood/app127:'))?.go()
    expect((await small).allowed).toBe(true)
  })

  test('on as many registries asks 128 questions at a time, and another request asks its own', async () => {
    const registry = new MemoryRegistry()
    const held = turnstile(registry)
    const { judge } = judging(registry)
    const list = Array.from({ length: 500 }, (_, index) => {
      const place = { registry: `r${index}.example.com`, repository: 'app' }
      return `r${index}.example.com/app@${registry.putImage(place, `app ${index}`)}`
    })
    const controller = new AbortController()
    const flood = judge(list, release, { signal: controller.signal })
    await turns()
    expect(held).toHaveLength(128)
    void judge(`${name}@${registry.putImage(at, 'small')}`, release)
    await turns()
    expect(held).toHaveLength(129)
    controller.abort()
    const { verdicts } = await flood
    // No registry can be said to be away that was not asked.
    const codes = (code: string) => verdicts.filter((verdict) => verdict.code === code).length
    expect([codes('registry-timeout'), codes('judged-too-late')]).toEqual([128, 372])
    // What had not been asked yet is not asked any more.
    await turns()
    expect(held).toHaveLength(129)
  })

  test('is not judged image by image once its deadline has come: the rest is undetermined at once', async () => {
    const registry = new MemoryRegistry()
    turnstile(registry)
    let asked = 0
    const counted = {
      ...toy,
      ask: (...args: Parameters<typeof toy.ask>) => {
        asked += 1
        return toy.ask(...args)
      },
    }
    const controller = new AbortController()
    const pending = judging(registry, [counted]).judge(images(registry, 1_000), release, { signal: controller.signal })
    await expect.poll(() => asked).toBe(1_000)
    controller.abort()
    const { allowed, verdicts } = await pending
    expect([allowed, verdicts.length, asked]).toEqual([false, 1_000, 1_064])
    expect(new Set(verdicts.map(({ outcome, code }) => `${outcome} ${code}`))).toEqual(
      new Set(['undetermined registry-timeout', 'undetermined judged-too-late']),
    )
  })

  test('is not even planned once its deadline has come', async () => {
    const registry = new MemoryRegistry()
    const signal = AbortSignal.abort()
    const { judge } = judging(registry)
    await expect(judge(images(registry, 65), release, { signal })).rejects.toMatchObject({ code: 'overloaded' })
    const { allowed, verdicts } = await judge(images(registry, 64), release, { signal })
    expect(allowed).toBe(false)
    expect(verdicts.map(({ code }) => code)).toEqual(Array<string>(64).fill('judged-too-late'))
    expect(registry.kinds()).toEqual([])
  })

  test('gives its places back when its deadline comes, though the registry hears no signal', async () => {
    const registry = new MemoryRegistry()
    const held = turnstile(registry)
    const { judge } = judging(registry)
    const controller = new AbortController()
    const flood = judge(images(registry, 1_000), release, { signal: controller.signal })
    await turns()
    controller.abort()
    expect((await flood).allowed).toBe(false)
    const digest = registry.putImage(at, 'small')
    registry.sign(at, 'release', { digest })
    const small = judge(`${name}@${digest}`, release)
    await turns()
    held.find(({ asked }) => asked.question.includes('/team/app:'))?.go()
    expect((await small).allowed).toBe(true)
  })
})
