// Verdicts that lie there packed, as the engine meets them: each serves exactly what it was made for.

import { describe, expect, test } from 'vitest'
import { CodedError } from '#core/errors.ts'
import { at, judging, name, noon } from '../../support/judging.ts'
import { MemoryRegistry } from '../../support/memory-registry.ts'
import { attestor, policy, rule, signed } from '../../support/policies.ts'
import { toy } from '../../support/toy-format.ts'

const hour = 3_600_000
const release = [policy('production', [rule(signed('release'))])]
const other = { registry: 'registry.example.com', repository: 'other/app' }
const parts = { whenUndetermined: 'UseLastVerdict', lastVerdictMaxAge: 2 * hour } as const
const lenient = [policy('production', [rule(signed('release'))], parts)]

/** An image whose trusted verdict is remembered, but only packed: one of another image lies there as it is. */
async function world(policies = release) {
  const registry = new MemoryRegistry()
  const digest = registry.putImage(at, 'app 1', 'v1')
  registry.sign(at, 'release', { digest })
  const later = registry.putImage(at, 'app 2')
  registry.sign(at, 'release', { digest: later })
  const tools = judging(registry, [toy], { unpacked: 1 })
  const image = `${name}@${digest}`
  const first = await tools.verdict(image, policies)
  await tools.verdict(`${name}:v1`, policies)
  await tools.verdict(`${name}@${later}`, policies)
  registry.asked.length = 0
  return { ...tools, registry, digest, image, first, later }
}

describe('a packed verdict', () => {
  test('neighbour: is served without a question, with the very same words, and then as one value to all', async () => {
    const { registry, image, verdict, first } = await world()
    const again = await verdict(image, release)
    expect(again.judgement).toStrictEqual(first.judgement)
    expect(again.judgement).not.toBe(first.judgement)
    expect((await verdict(image, release)).judgement).toBe(again.judgement)
    expect(registry.kinds()).toEqual([])
  })

  test('serves no other image', async () => {
    const { registry, verdict } = await world()
    const unsigned = registry.putImage(at, 'app 3')
    expect(await verdict(`${name}@${unsigned}`, release)).toMatchObject({ code: 'signature-missing' })
  })

  test('serves no other repository with the same image', async () => {
    const { registry, verdict, digest } = await world()
    expect(registry.putImage(other, 'app 1')).toBe(digest)
    const verdictThere = await verdict(`registry.example.com/other/app@${digest}`, release)
    expect(verdictThere).toMatchObject({ code: 'signature-missing' })
  })

  test('serves no other way to write the image', async () => {
    const { verdict, digest } = await world()
    const { judgement } = await verdict(`${name}:v2@${digest}`, release)
    expect(judgement).toMatchObject({ reference: `${name}:v2@${digest}`, digest })
  })

  test('serves no tag that was moved', async () => {
    const { registry, verdict } = await world()
    expect(await verdict(`${name}:v1`, release)).toMatchObject({ outcome: 'trusted' })
    registry.putImage(at, 'evil', 'v1')
    expect(await verdict(`${name}:v1`, release)).toMatchObject({ code: 'signature-missing' })
  })

  test.each([
    ['another name', [policy('staging', [rule(signed('release'))])], { policy: 'staging' }],
    ['another attestor', [policy('production', [rule(signed('ci'))])], { code: 'signature-by-stranger' }],
    [
      'other keys of the attestor',
      [policy('production', [rule(signed(attestor('release', { keys: ['new'] })))])],
      { code: 'signature-by-stranger' },
    ],
    [
      'a key that was compromised since',
      [
        policy('production', [
          rule(signed(attestor('release', { life: { release: { revoked: { at: noon, reason: 'Compromised' } } } }))),
        ]),
      ],
      { code: 'key-not-valid' },
    ],
    [
      'more that the signature must say',
      [policy('production', [rule(signed('release', { annotations: { team: 'payments' } }))])],
      { code: 'annotation-mismatch' },
    ],
    [
      'a further policy beside it',
      [...release, policy('second', [rule(signed('ci'))])],
      { code: 'signature-by-stranger' },
    ],
    ['no rule for the image', [policy('production', [rule(signed('release'), { images: ['x.io/**'] })])], {}],
  ])('serves no policy with %s', async (_, policies, expected) => {
    const { verdict, image, first } = await world()
    const { judgement, ...given } = await verdict(image, policies)
    expect(given).toMatchObject(expected)
    expect(judgement).not.toEqual(first.judgement)
  })

  test('ends when it would have ended', async () => {
    const { registry, verdict, image, clock, digest } = await world()
    registry.unsign(at, digest)
    clock.now += hour - 1
    expect(await verdict(image, release)).toMatchObject({ outcome: 'trusted' })
    clock.now += 1
    expect(await verdict(image, release)).toMatchObject({ outcome: 'untrusted' })
  })

  test('ends with the key, at that very millisecond', async () => {
    const notAfter = noon + 10_000
    const dying = attestor('release', { life: { release: { notAfter } } })
    const policies = [policy('production', [rule(signed(dying))])]
    const { verdict, image, clock } = await world(policies)
    clock.now = notAfter - 1
    expect(await verdict(image, policies)).toMatchObject({ outcome: 'trusted' })
    clock.now = notAfter
    expect(await verdict(image, policies)).toMatchObject({ code: 'key-not-valid' })
  })

  test('survives no clock that was set back far', async () => {
    const { registry, verdict, image, clock, digest } = await world()
    registry.unsign(at, digest)
    clock.now -= 10 * 60_000
    expect(await verdict(image, release)).toMatchObject({ outcome: 'untrusted' })
  })

  test('is told to other credentials when they have read something there, and not before', async () => {
    const { registry, verdict, image } = await world()
    registry.before = ({ scope }) => {
      if (scope === 'stranger') throw new CodedError('access-denied', '401')
    }
    expect(await verdict(image, release, { scope: 'stranger' })).toMatchObject({ code: 'access-denied' })
    registry.asked.length = 0
    expect(await verdict(image, release, { scope: 'tenant' })).toMatchObject({ outcome: 'trusted' })
    expect(registry.kinds()).toEqual(['access'])
  })

  test('gives way to a refusal of the same image', async () => {
    const { registry, verdict, image, clock, digest } = await world()
    registry.unsign(at, digest)
    clock.now += hour
    expect(await verdict(image, release)).toMatchObject({ outcome: 'untrusted' })
    // By the clock it would be alive again.
    clock.now -= 30_000
    expect(await verdict(image, release)).toMatchObject({ outcome: 'untrusted' })
  })
})

describe('the last verdict', () => {
  test('is as old as the verdict was made, however often it was told since', async () => {
    const { registry, verdict, image, clock } = await world(lenient)
    clock.now += hour - 1
    expect(await verdict(image, lenient)).toMatchObject({ outcome: 'trusted' })
    registry.before = () => Promise.reject(new CodedError('registry-failing', 'away'))
    clock.now = noon + 2 * hour
    expect(await verdict(image, lenient)).toMatchObject({ outcome: 'trusted', code: 'accepted-last-verdict' })
    clock.now += 1
    expect(await verdict(image, lenient)).toMatchObject({ outcome: 'undetermined' })
  })

  test('is as old for other credentials, to which it was told later', async () => {
    const { registry, verdict, image, clock } = await world(lenient)
    clock.now += hour - 1
    expect(await verdict(image, lenient, { scope: 'tenant' })).toMatchObject({ outcome: 'trusted' })
    registry.before = () => Promise.reject(new CodedError('registry-failing', 'away'))
    clock.now = noon + 2 * hour
    expect(await verdict(image, lenient, { scope: 'tenant' })).toMatchObject({ code: 'accepted-last-verdict' })
    clock.now += 1
    expect(await verdict(image, lenient, { scope: 'tenant' })).toMatchObject({ outcome: 'undetermined' })
  })
})

test('what an Audit policy refuses is a refusal too, and pushes out nothing that lasts', async () => {
  const audit = [policy('look', [rule(signed('release'))], { mode: 'Audit' })]
  const registry = new MemoryRegistry()
  const good = registry.putImage(at, 'good')
  registry.sign(at, 'release', { digest: good })
  const { verdict } = judging(registry, [toy], { entries: 2, unpacked: 2 })
  await verdict(`${name}@${good}`, audit)
  for (let index = 0; index < 4; index += 1) await verdict(`${name}@${registry.putImage(at, `spam ${index}`)}`, audit)
  registry.kinds()
  expect((await verdict(`${name}@${good}`, audit)).judgement?.audited).toMatchObject({ outcome: 'trusted' })
  expect(registry.kinds()).toEqual([])
})
