// What is kept between requests, whom it may serve, and when it ends.

import { describe, expect, test } from 'vitest'
import { Memory } from '#app/engine/memory.ts'
import { CodedError } from '#core/errors.ts'
import { at, judging, name, noon } from '../../support/judging.ts'
import { digestOf, MemoryRegistry } from '../../support/memory-registry.ts'
import { anyOf, atLeast, attestor, matching, policy, rule, signed } from '../../support/policies.ts'
import { toy, toyKey } from '../../support/toy-format.ts'

const release = [policy('production', [rule(signed('release'))])]
const second = 1000
const minute = 60 * second
const hour = 60 * minute

function world(policies = release) {
  const registry = new MemoryRegistry()
  const digest = registry.putImage(at, 'app 1', 'v1')
  registry.sign(at, 'release', { digest })
  const { verdict, clock } = judging(registry)
  const image = `${name}@${digest}`
  const look = async (reference = image, scope = 'own') => {
    registry.asked.length = 0
    const { outcome, code } = await verdict(reference, policies, { scope })
    return [outcome, ...(code === undefined ? [] : [code]), ...registry.kinds()]
  }
  return { registry, digest, image, clock, look, verdict }
}

describe('a trusted verdict', () => {
  test('is served without a question while the access proof lives, and with one HEAD after', async () => {
    const { look, clock } = world()
    expect(await look()).toEqual(['trusted', 'tagged'])
    clock.now += 59 * second
    expect(await look()).toEqual(['trusted'])
    clock.now += 2 * second
    expect(await look()).toEqual(['trusted', 'access'])
    expect(await look()).toEqual(['trusted'])
  })

  test('of a threshold, too', async () => {
    const policies = [policy('two', [rule(atLeast(2, signed('release'), signed('ci')))])]
    const { look, clock, registry, digest } = world(policies)
    registry.sign(at, 'ci', { digest })
    expect(await look()).toEqual(['trusted', 'tagged'])
    clock.now += 2 * minute
    expect(await look()).toEqual(['trusted', 'access'])
  })

  test.each(['access-denied', 'image-not-found', 'registry-failing'] as const)(
    'is not served when the HEAD says %s',
    async (code) => {
      const { look, registry, clock } = world()
      await look()
      clock.now += 2 * minute
      registry.before = () => {
        throw new CodedError(code, 'no')
      }
      expect((await look()).slice(0, 2)).toEqual(['undetermined', code])
    },
  )

  test('is not served to other credentials before these have read something there', async () => {
    const { look, registry } = world()
    await look()
    registry.before = ({ scope }) => {
      if (scope === 'stranger') throw new CodedError('access-denied', '401')
    }
    expect((await look(undefined, 'stranger')).slice(0, 2)).toEqual(['undetermined', 'access-denied'])
    expect(await look(undefined, 'tenant')).toEqual(['trusted', 'access'])
    expect(await look(undefined, 'tenant')).toEqual(['trusted'])
  })

  test('is looked for anew after an hour', async () => {
    const { look, clock } = world()
    await look()
    clock.now += hour - second
    expect(await look()).toEqual(['trusted', 'access'])
    clock.now += 2 * second
    expect(await look()).toEqual(['trusted', 'tagged'])
  })

  test('made of remembered proofs lives no longer than they do', async () => {
    const { registry, digest, clock, verdict } = world()
    const other = [policy('other', [rule(signed('release'))])]
    const kinds = async () => {
      registry.asked.length = 0
      expect(await verdict(`${name}@${digest}`, other)).toMatchObject({ outcome: 'trusted' })
      return registry.kinds()
    }
    await verdict(`${name}@${digest}`, release)
    clock.now += 50 * minute
    expect(await kinds()).toEqual(['access'])
    clock.now += 15 * minute
    expect(await kinds()).toEqual(['tagged'])
  })

  test('ends when its key does, at that very millisecond', async () => {
    const notAfter = noon + 10 * second
    const policies = [policy('short', [rule(signed(attestor('release', { life: { release: { notAfter } } })))])]
    const { look, clock } = world(policies)
    expect(await look()).toEqual(['trusted', 'tagged'])
    clock.now = notAfter - 1
    expect(await look()).toEqual(['trusted'])
    clock.now = notAfter
    expect((await look()).slice(0, 2)).toEqual(['untrusted', 'key-not-valid'])
  })

  test('ends when its key is superseded', async () => {
    const revoked = { at: noon + 10 * second, reason: 'Superseded' as const }
    const policies = [policy('short', [rule(signed(attestor('release', { life: { release: { revoked } } })))])]
    const { look, clock } = world(policies)
    await look()
    clock.now = revoked.at
    expect((await look()).slice(0, 2)).toEqual(['untrusted', 'key-not-valid'])
  })

  test('of a tag says nothing about what the tag names after it was moved (PC-01)', async () => {
    const { look, registry } = world()
    expect(await look(`${name}:v1`)).toEqual(['trusted', 'resolve', 'tagged'])
    expect(await look(`${name}:v1`)).toEqual(['trusted', 'resolve'])
    registry.putImage(at, 'evil', 'v1')
    expect(await look(`${name}:v1`)).toEqual(['untrusted', 'signature-missing', 'resolve', 'tagged'])
  })

  test('is not served under another policy, nor under the same one after an edit', async () => {
    const { registry, digest, verdict } = world()
    const image = `${name}@${digest}`
    await verdict(image, release)
    const stricter = [policy('production', [rule(signed('release', { annotations: { team: 'payments' } }))])]
    expect(await verdict(image, stricter)).toMatchObject({ outcome: 'untrusted', code: 'annotation-mismatch' })
    expect(await verdict(image, [policy('production', [rule(signed('ci'))])])).toMatchObject({ outcome: 'untrusted' })
    const compromised = attestor('release', { life: { release: { revoked: { at: noon, reason: 'Compromised' } } } })
    expect(await verdict(image, [policy('production', [rule(signed(compromised))])])).toMatchObject({
      code: 'key-not-valid',
    })
    expect(registry.kinds()).not.toContain('manifest')
  })

  test('for one repository is none for another', async () => {
    const { registry, digest, verdict } = world()
    await verdict(`${name}@${digest}`, release)
    const copy = { ...at, repository: 'other/app' }
    expect(registry.putImage(copy, 'app 1')).toBe(digest)
    expect(await verdict(`registry.example.com/other/app@${digest}`, release)).toMatchObject({
      code: 'signature-missing',
    })
  })

  test('FT-05: survives no clock that was set back far', async () => {
    const { look, clock } = world()
    await look()
    clock.now -= 10 * minute
    expect(await look()).toEqual(['trusted', 'tagged'])
  })
})

describe('an untrusted verdict', () => {
  test('is kept five seconds at most', async () => {
    const { look, registry, digest, clock } = world()
    registry.unsign(at, digest)
    expect(await look()).toEqual(['untrusted', 'signature-missing', 'tagged', 'access'])
    registry.sign(at, 'release', { digest })
    clock.now += 5 * second - 1
    expect(await look()).toEqual(['untrusted', 'signature-missing'])
    clock.now += 1
    expect(await look()).toEqual(['trusted', 'tagged'])
  })

  test('is not told to credentials that may not read the image', async () => {
    const { look, registry, digest } = world()
    registry.unsign(at, digest)
    await look()
    registry.before = ({ scope, question }) => {
      if (scope === 'stranger' && question.startsWith('access')) throw new CodedError('access-denied', '401')
    }
    expect((await look(undefined, 'stranger')).slice(0, 2)).toEqual(['undetermined', 'access-denied'])
  })
})

describe('"nobody has signed it"', () => {
  test('is not said of an image that is not there', async () => {
    const { look, registry, digest } = world()
    registry.unsign(at, digest)
    registry.remove(at, digest)
    expect((await look()).slice(0, 2)).toEqual(['undetermined', 'image-not-found'])
  })

  test('is not said by credentials that only see 404 and an empty list', async () => {
    const { verdict, registry, digest } = world()
    registry.unsign(at, digest)
    registry.before = ({ question }) => {
      if (question.startsWith('access')) throw new CodedError('access-denied', '401')
    }
    expect(await verdict(`${name}@${digest}`, release)).toMatchObject({
      outcome: 'undetermined',
      code: 'access-denied',
    })
    const listing = {
      ...toy,
      ask: (subject: Parameters<typeof toy.ask>[0], facts: Parameters<typeof toy.ask>[1]) => {
        const question = { kind: 'referrers', at: subject.signatures, digest: subject.digest } as const
        const known = facts.about(question) !== undefined
        return { questions: known ? [] : [question], materials: [], oddities: [], gaps: [] }
      },
    }
    const lists = judging(registry, [listing])
    expect(await lists.verdict(`${name}@${digest}`, release)).toMatchObject({ code: 'access-denied' })
  })

  test('is said without another question of an image whose tag was resolved', async () => {
    const { look, registry, digest } = world()
    registry.unsign(at, digest)
    expect(await look(`${name}:v1`)).toEqual(['untrusted', 'signature-missing', 'resolve', 'tagged'])
  })
})

describe('signatures in another repository', () => {
  const elsewhere = { registry: 'registry.example.com', repository: 'signatures' }
  const policies = [policy('production', [rule(signed(attestor('release', { storage: { repository: elsewhere } })))])]

  test('count only for who may read the image', async () => {
    const { look, registry, digest, clock } = world(policies)
    registry.sign(elsewhere, 'release', { digest })
    expect(await look()).toEqual(['trusted', 'tagged', 'access'])
    expect(await look()).toEqual(['trusted'])
    clock.now += 2 * minute
    registry.before = ({ question }) => {
      if (question.includes('team/app')) throw new CodedError('access-denied', '401')
    }
    expect((await look()).slice(0, 2)).toEqual(['undetermined', 'access-denied'])
  })

  test('beside the image do not count', async () => {
    expect((await world(policies).look()).slice(0, 2)).toEqual(['untrusted', 'signature-missing'])
  })
})

test('what one policy could not find out is not kept with what another could', async () => {
  const { registry, digest, verdict } = world()
  const elsewhere = { ...at, repository: 'signatures' }
  const far = attestor('ci', { storage: { repository: elsewhere } })
  const policies = [...release, policy('look', [rule(signed(far))], { mode: 'Audit' })]
  registry.before = ({ question }) => {
    if (question.includes('/signatures')) throw new CodedError('registry-failing', 'no')
  }
  const image = `${name}@${digest}`
  expect(await verdict(image, policies)).toMatchObject({ judgement: { audited: { outcome: 'undetermined' } } })
  registry.before = () => {}
  registry.sign(elsewhere, 'ci', { digest })
  expect(await verdict(image, policies)).toMatchObject({ judgement: { audited: { outcome: 'trusted' } } })
})

test('nobody is asked who the stranger is where the image is let in', async () => {
  const registry = new MemoryRegistry()
  const digest = registry.putImage(at, 'app 1')
  registry.sign(at, 'release', { digest })
  const { verdict, verified } = judging(registry)
  const policies = [policy('either', [rule(anyOf(signed('ci'), signed('release')))])]
  const bystanders = ['x', 'y', 'z'].map((each) => attestor(each))
  expect(await verdict(`${name}@${digest}`, policies, { bystanders })).toMatchObject({ outcome: 'trusted' })
  expect(verified.map((question) => question.attestor.name).sort()).toEqual(['ci', 'release'])
})

test('a signature that was only looked at to name a stranger is no proof for its attestor', async () => {
  const { registry, digest, verdict } = world()
  const image = `${name}@${digest}`
  // `bundles` has the key that signed, but must not be looked for under a tag.
  const bundles = attestor('bundles', { keys: ['release'], storage: { layouts: ['Bundle'] } })
  const stranger = [policy('production', [rule(signed('ci'))])]
  const first = await verdict(image, stranger, { bystanders: [bundles] })
  expect(first).toMatchObject({ code: 'signature-by-stranger' })
  expect(JSON.stringify(first.judgement)).toContain('"attestor":"bundles"')
  expect(await verdict(image, [policy('b', [rule(signed(bundles))])])).toMatchObject({ outcome: 'untrusted' })
  expect(registry.kinds()).not.toContain('manifest')
})

test('memory never hides a signer from a threshold, and never counts one twice', async () => {
  const registry = new MemoryRegistry()
  const digest = registry.putImage(at, 'app 1')
  const image = `${name}@${digest}`
  const both = attestor('both', { keys: ['a', 'b'] })
  const { verdict } = judging(registry)
  registry.sign(at, 'a', { digest })
  expect(await verdict(image, [policy('one', [rule(signed(both))])])).toMatchObject({ outcome: 'trusted' })
  const two = [policy('two', [rule(atLeast(2, signed(both), signed(both)))])]
  expect(await verdict(image, two)).toMatchObject({ outcome: 'untrusted', code: 'threshold-not-met' })
  registry.sign(at, 'b', { digest })
  const again = [policy('again', [rule(anyOf(atLeast(2, signed(both), signed(both))))])]
  expect(await verdict(image, again)).toMatchObject({ outcome: 'trusted' })
})

describe('whenUndetermined: UseLastVerdict', () => {
  const parts = { whenUndetermined: 'UseLastVerdict', lastVerdictMaxAge: 24 * hour } as const
  const lenient = [policy('production', [rule(signed('release'))], parts)]
  const away = (code: 'registry-failing' | 'access-denied' | 'image-not-found' | 'digest-mismatch') => () => {
    throw new CodedError(code, 'no')
  }

  test('lets in what was trusted, pinned to what was trusted, while the registry is away', async () => {
    const { registry, digest, clock, verdict } = world(lenient)
    await verdict(`${name}:v1`, lenient)
    clock.now += 23 * hour
    registry.before = away('registry-failing')
    const given = await verdict(`${name}:v1`, lenient)
    expect(given).toMatchObject({ outcome: 'trusted', code: 'accepted-last-verdict', policy: 'production' })
    expect(given.judgement).toMatchObject({
      digest,
      staleSince: noon,
      pin: 'TagAndDigest',
      signers: [{ attestor: 'release' }],
    })
  })

  test.each(['access-denied', 'image-not-found', 'digest-mismatch'] as const)(
    'does not help against %s',
    async (code) => {
      const { registry, clock, verdict, image } = world(lenient)
      await verdict(image, lenient)
      clock.now += 2 * hour
      registry.before = away(code)
      expect(await verdict(image, lenient)).toMatchObject({ outcome: 'undetermined', code })
    },
  )

  test('ends at its age, and a verdict that rests on it does not prolong it', async () => {
    const { registry, clock, verdict, image } = world(lenient)
    await verdict(image, lenient)
    registry.before = away('registry-failing')
    clock.now += 24 * hour
    expect(await verdict(image, lenient)).toMatchObject({ outcome: 'trusted' })
    clock.now += 1
    expect(await verdict(image, lenient)).toMatchObject({ outcome: 'undetermined' })
  })

  test('FT-05: ends when the clock was set back, so that nobody knows how old it is', async () => {
    const { registry, clock, verdict, image } = world(lenient)
    await verdict(image, lenient)
    registry.before = away('registry-failing')
    clock.now -= minute
    expect(await verdict(image, lenient)).toMatchObject({ outcome: 'trusted' })
    clock.now -= 1
    expect(await verdict(image, lenient)).toMatchObject({ outcome: 'undetermined', code: 'registry-failing' })
  })

  test('ends with the key', async () => {
    const dying = attestor('release', { life: { release: { notAfter: noon + 3 * hour } } })
    const policies = [policy('production', [rule(signed(dying))], parts)]
    const { registry, clock, verdict, image } = world(policies)
    await verdict(image, policies)
    registry.before = away('registry-failing')
    clock.now += 3 * hour - 1
    expect(await verdict(image, policies)).toMatchObject({ outcome: 'trusted' })
    clock.now += 1
    expect(await verdict(image, policies)).toMatchObject({ outcome: 'undetermined' })
  })

  test('does not help an image whose tag was moved', async () => {
    const { registry, clock, verdict } = world(lenient)
    await verdict(`${name}:v1`, lenient)
    clock.now += 2 * hour
    registry.putImage(at, 'evil', 'v1')
    registry.before = ({ question }) => {
      if (!question.startsWith('resolve')) throw new CodedError('registry-failing', 'no')
    }
    expect(await verdict(`${name}:v1`, lenient)).toMatchObject({ outcome: 'undetermined', code: 'registry-failing' })
  })

  test('is not told to other credentials', async () => {
    const { registry, clock, verdict, image } = world(lenient)
    await verdict(image, lenient)
    clock.now += 2 * hour
    registry.before = away('registry-failing')
    expect(await verdict(image, lenient, { scope: 'other' })).toMatchObject({ outcome: 'undetermined' })
    expect(await verdict(image, lenient)).toMatchObject({ outcome: 'trusted' })
  })

  test('helps nothing that was never trusted under these very demands', async () => {
    const { registry, clock, verdict, image } = world(lenient)
    await verdict(image, release)
    clock.now += 2 * hour
    registry.before = away('registry-failing')
    expect(await verdict(image, lenient)).toMatchObject({ outcome: 'undetermined' })
  })
})

describe('bounds', () => {
  test('a flood of refusals pushes out no verdict of an honest image', async () => {
    const { look, registry, verdict, clock } = world()
    await look()
    for (let index = 0; index < 1_100; index += 1) {
      const digest = registry.putImage(at, `spam ${index}`)
      await verdict(`${name}@${digest}`, release)
    }
    clock.now += 1
    expect(await look()).toEqual(['trusted'])
  })

  test('many different claims by one key displace each other, not other attestors', () => {
    const memory = new Memory(undefined, () => noon)
    const subject = { digest: new MemoryRegistry().putImage(at, 'x'), image: at, signatures: at }
    const release = attestor('release')
    for (let index = 0; index < 100; index += 1) {
      memory.prove(subject, release, {
        signer: { attestor: 'release', key: 'release', fingerprint: toyKey('release') },
        digest: subject.digest,
        annotations: { n: String(index) },
        provenTimes: [],
      })
    }
    const proofs = memory.proven(subject, release)
    expect(proofs).toHaveLength(16)
    expect(proofs[0]?.claims.annotations).toEqual({ n: '99' })
    expect(memory.proven(subject, attestor('ci'))).toEqual([])
  })
})

describe('bounds in bytes', () => {
  const long = { x: 'x'.repeat(1_000_000) }
  const release = attestor('release')
  const subject = (index: number) => ({ digest: digestOf(`image ${index}`), image: at, signatures: at })
  const claims = (index: number, annotations = {}) => ({
    signer: { attestor: 'release', key: 'release', fingerprint: toyKey('release') },
    digest: subject(index).digest,
    annotations,
    provenTimes: [],
  })
  const provenOfFirst = (annotations: Readonly<Record<string, string>>) => {
    const memory = new Memory(undefined, () => noon)
    for (let index = 0; index < 20; index += 1) memory.prove(subject(index), release, claims(index, annotations))
    return memory.proven(subject(0), release).length
  }
  const verificationOfFirst = (annotations: Readonly<Record<string, string>>) => {
    const memory = new Memory(undefined, () => noon)
    for (let index = 0; index < 20; index += 1) {
      memory.keepVerification(`${index}`, { accepted: true, claims: claims(index, annotations), checks: [] })
    }
    return memory.verification('0')
  }
  const lastOfFirst = (annotations: Readonly<Record<string, string>>) => {
    const memory = new Memory(undefined, () => noon)
    for (let index = 0; index < 20; index += 1) {
      const { signer } = claims(index)
      const signers = [{ ...signer, key: annotations['x'] ?? '' }]
      const enforced = { outcome: 'trusted' } as const
      const rest = { reference: name, warned: undefined, audited: undefined, byPolicy: [], validUntil: noon + 1 }
      memory.keepJudgement('own', `${index}`, { ...rest, digest: subject(index).digest, enforced, signers }, true)
    }
    return memory.last('own', '0')
  }

  test('20 proofs with annotations of a megabyte push out the first; of short ones they do not', () => {
    expect([provenOfFirst({ x: 'x' }), provenOfFirst(long)]).toEqual([1, 0])
  })

  test('so do verifications', () => {
    expect(verificationOfFirst({ x: 'x' })).toMatchObject({ accepted: true })
    expect(verificationOfFirst(long)).toBeUndefined()
  })

  test('so do last verdicts with names as long', () => {
    expect(lastOfFirst({ x: 'x' })).toMatchObject({ at: noon })
    expect(lastOfFirst(long)).toBeUndefined()
  })
})

test('matching of the tests is the real one', () => {
  expect(matching(release).isEmpty).toBe(false)
})
