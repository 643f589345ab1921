// What is remembered, when what it was made of has changed since: attacks on a warm memory.

import { describe, expect, test } from 'vitest'
import type { ErrorCode } from '#core/errors.ts'
import { CodedError } from '#core/errors.ts'
import { at, judging, name } from '../../support/judging.ts'
import { MemoryRegistry } from '../../support/memory-registry.ts'
import { policy, rule, signed } from '../../support/policies.ts'
import { toySignature } from '../../support/toy-format.ts'

const release = [policy('production', [rule(signed('release'))])]
const payments = [policy('payments', [rule(signed('release', { annotations: { team: 'payments' } }))])]
const second = 1000

function world() {
  const registry = new MemoryRegistry()
  const digest = registry.putImage(at, 'app 1', 'v1')
  registry.sign(at, 'release', { digest })
  return { registry, digest, image: `${name}@${digest}`, ...judging(registry) }
}

describe('PC-01: a tag that moves while its old verdict is warm', () => {
  test('is judged by the digest that it names now', async () => {
    const { registry, digest, judge } = world()
    const before = await judge(`${name}:v1`, release)
    expect(before.pins).toMatchObject([{ to: `${name}:v1@${digest}` }])
    registry.putImage(at, 'evil', 'v1')
    const after = await judge(`${name}:v1`, release)
    expect(after).toMatchObject({ allowed: false, pins: [] })
    expect(after.verdicts[0]).toMatchObject({ outcome: 'untrusted', code: 'signature-missing' })
  })

  test('is not helped by two requests at once, one of which came before', async () => {
    const { registry, judge } = world()
    await judge(`${name}:v1`, release)
    registry.putImage(at, 'evil', 'v1')
    const decisions = await Promise.all([judge(`${name}:v1`, release), judge(`${name}:v1`, release)])
    expect(decisions.map(({ allowed }) => allowed)).toEqual([false, false])
  })

  test('neighbour: a tag that moves to another signed image is pinned to that', async () => {
    const { registry, judge } = world()
    await judge(`${name}:v1`, release)
    const next = registry.putImage(at, 'app 2', 'v1')
    registry.sign(at, 'release', { digest: next })
    const after = await judge(`${name}:v1`, release)
    expect(after).toMatchObject({ allowed: true, pins: [{ to: `${name}:v1@${next}` }] })
  })
})

describe('PC-03: signatures that change while what they proved is warm', () => {
  test('claims of a stranger are never taken for those of who was verified', async () => {
    const { registry, digest, image, verdict } = world()
    expect(await verdict(image, release)).toMatchObject({ outcome: 'trusted' })
    registry.unsign(at, digest)
    registry.sign(at, 'stranger', { digest, annotations: { team: 'payments' } })
    expect(await verdict(image, payments)).toMatchObject({ outcome: 'untrusted' })
  })

  test('a signature whose text was changed counts no more than a broken one', async () => {
    const { registry, digest, image, verdict } = world()
    await verdict(image, release)
    registry.unsign(at, digest)
    registry.addLine(at, digest, toySignature('release', { digest }).replace(' sum:', ' team=payments sum:'))
    expect(await verdict(image, payments)).toMatchObject({ outcome: 'untrusted' })
  })

  test('what is told of a remembered verdict is what was verified', async () => {
    const { registry, digest, image, verdict } = world()
    await verdict(image, release)
    registry.unsign(at, digest)
    registry.sign(at, 'stranger', { digest })
    const { outcome, judgement } = await verdict(image, release)
    expect({ outcome, signers: judgement?.signers.map(({ key }) => key) }).toEqual({
      outcome: 'trusted',
      signers: ['release'],
    })
  })

  test('neighbour: what the right key signs meanwhile counts at once', async () => {
    const { registry, digest, image, verdict } = world()
    expect(await verdict(image, payments)).toMatchObject({ outcome: 'untrusted', code: 'annotation-mismatch' })
    registry.sign(at, 'release', { digest, annotations: { team: 'payments' } })
    const other = [policy('other', [rule(signed('release', { annotations: { team: 'payments' } }))])]
    expect(await verdict(image, other)).toMatchObject({ outcome: 'trusted' })
  })
})

describe('PC-04: the first look fails', () => {
  const failures: readonly ErrorCode[] = [
    'image-not-found',
    'access-denied',
    'registry-failing',
    'registry-timeout',
    'registry-throttled',
    'registry-unreachable',
    'token-service-failing',
    'digest-mismatch',
    'content-too-large',
  ]

  test.each(failures)('with %s: the next look finds what is there, either way', async (code) => {
    for (const isSigned of [true, false]) {
      const { registry, digest, image, verdict } = world()
      if (!isSigned) registry.unsign(at, digest)
      registry.before = () => {
        throw new CodedError(code, 'no')
      }
      for (const reference of [image, `${name}:v1`]) {
        expect(await verdict(reference, release)).toMatchObject({ outcome: 'undetermined', code })
      }
      registry.before = () => {}
      for (const reference of [image, `${name}:v1`]) {
        expect(await verdict(reference, release)).toMatchObject({ outcome: isSigned ? 'trusted' : 'untrusted' })
      }
    }
  })

  test('half-way: what one place did not say is asked again, and "unsigned" is not said meanwhile', async () => {
    const { registry, digest, image, verdict } = world()
    registry.unsign(at, digest)
    const blob = registry.putBlob(at, new TextEncoder().encode(toySignature('release', { digest })))
    registry.addLine(at, digest, `see:${blob}`)
    registry.before = ({ question }) => {
      if (question.startsWith('blob')) throw new CodedError('registry-failing', '500')
    }
    expect(await verdict(image, release)).toMatchObject({ outcome: 'undetermined', code: 'registry-failing' })
    registry.before = () => {}
    expect(await verdict(image, release)).toMatchObject({ outcome: 'trusted' })
  })

  test('a no is remembered for five seconds, and not for longer', async () => {
    const { registry, digest, image, verdict, clock } = world()
    registry.unsign(at, digest)
    expect(await verdict(image, release)).toMatchObject({ code: 'signature-missing' })
    registry.sign(at, 'release', { digest })
    clock.now += 5 * second
    expect(await verdict(image, release)).toMatchObject({ outcome: 'trusted' })
  })

  test('neighbour: while the registry is away, a yes that was given stands for those who have read there', async () => {
    const { registry, image, verdict } = world()
    expect(await verdict(image, release)).toMatchObject({ outcome: 'trusted' })
    registry.before = () => {
      throw new CodedError('registry-failing', '500')
    }
    expect(await verdict(image, release)).toMatchObject({ outcome: 'trusted' })
    expect(await verdict(image, release, { scope: 'other' })).toMatchObject({ code: 'registry-failing' })
  })
})
