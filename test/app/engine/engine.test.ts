// What the engine asks of a registry: as little as the verdict allows, and never for longer than the request lives.

import { describe, expect, test } from 'vitest'
import type { Format } from '#core/decision/format.ts'
import { CodedError } from '#core/errors.ts'
import { at, judging, name, use } from '../../support/judging.ts'
import type { Asked } from '../../support/memory-registry.ts'
import { MemoryRegistry } from '../../support/memory-registry.ts'
import { attestor, matching, policy, rule, signed } from '../../support/policies.ts'
import { toy, toySignature, toyTag } from '../../support/toy-format.ts'

const release = [policy('production', [rule(signed('release'))])]

/** A registry with an image `v1` that `release` has signed. */
function signedImage() {
  const registry = new MemoryRegistry()
  const digest = registry.putImage(at, 'app 1', 'v1')
  registry.sign(at, 'release', { digest })
  return { registry, digest, image: `${name}@${digest}` }
}

/** Holds questions of a kind back until released. */
function gate(registry: MemoryRegistry, kind: string) {
  const { promise, resolve } = Promise.withResolvers<void>()
  registry.before = ({ question }) => (question.startsWith(kind) ? promise : undefined)
  return resolve
}

const turns = async (count = 20) => {
  for (let turn = 0; turn < count; turn++) await new Promise((resolve) => setImmediate(resolve))
}

describe('sharing', () => {
  test('eight containers with one image cost what one costs', async () => {
    const { registry } = signedImage()
    const decision = await judging(registry).judge(Array<string>(8).fill(`${name}:v1`), release)
    expect(decision.allowed).toBe(true)
    expect(decision.pins).toHaveLength(8)
    expect(registry.kinds()).toEqual(['resolve', 'tagged'])
  })

  test('two ways to write one image are one image', async () => {
    const registry = new MemoryRegistry()
    const hub = { registry: 'docker.io', repository: 'library/nginx' }
    const digest = registry.putImage(hub, 'nginx', 'v1')
    registry.sign(hub, 'release', { digest })
    const decision = await judging(registry).judge(['nginx:v1', 'docker.io/library/nginx:v1'], release, {
      unchanged: [1],
    })
    expect(decision.verdicts.map(({ outcome }) => outcome)).toEqual(['trusted', 'trusted'])
    expect(registry.kinds()).toEqual(['resolve', 'tagged'])
  })

  test('200 requests for a new image by digest ask the registry as much as one', async () => {
    const { registry, image } = signedImage()
    const { judge, verified } = judging(registry)
    const decisions = await Promise.all(Array.from({ length: 200 }, () => judge(image, release)))
    expect(decisions.every(({ allowed }) => allowed)).toBe(true)
    expect(registry.kinds()).toEqual(['tagged'])
    expect(verified).toHaveLength(1)
  })

  test('signatures in blobs: 200 requests by digest make two registry questions', async () => {
    const { registry, digest, image } = signedImage()
    registry.unsign(at, digest)
    const blob = registry.putBlob(at, new TextEncoder().encode(toySignature('release', { digest })))
    registry.addLine(at, digest, `see:${blob}`)
    const { judge } = judging(registry)
    const decisions = await Promise.all(Array.from({ length: 200 }, () => judge(image, release)))
    expect(decisions.every(({ allowed }) => allowed)).toBe(true)
    expect(registry.kinds()).toEqual(['tagged', 'blob'])
  })

  test('200 requests one after another by tag resolve it each time and read the rest once', async () => {
    const { registry } = signedImage()
    const { judge } = judging(registry)
    for (let turn = 0; turn < 200; turn++) expect((await judge(`${name}:v1`, release)).allowed).toBe(true)
    const kinds = registry.kinds()
    expect(kinds.filter((kind) => kind === 'resolve')).toHaveLength(200)
    expect(kinds.filter((kind) => kind !== 'resolve')).toEqual(['tagged'])
  })

  test('what waits for one set of credentials is not shared with another', async () => {
    const { registry, image } = signedImage()
    const { judge } = judging(registry)
    const decisions = await Promise.all(['a', 'b', 'a', 'b'].map((scope) => judge(image, release, { scope })))
    expect(decisions.every(({ allowed }) => allowed)).toBe(true)
    expect(registry.asked.map(({ question, scope }) => `${scope} ${question.split(' ')[0]}`).sort()).toEqual([
      'a tagged',
      'b tagged',
    ])
  })

  test('15 attestors and 3 signatures cost one fetch each', async () => {
    const { registry, digest, image } = signedImage()
    registry.sign(at, 'other', { digest })
    registry.sign(at, 'third', { digest })
    const attestors = Array.from({ length: 15 }, (_, index) => attestor(`a${index}`))
    const policies = [
      policy('many', [rule({ kind: 'anyOf', of: [...attestors, attestor('release')].map((each) => signed(each)) })]),
    ]
    const decision = await judging(registry).judge(image, policies)
    expect(decision.allowed).toBe(true)
    expect(registry.kinds()).toEqual(['tagged'])
  })

  test('32 images are asked for side by side', async () => {
    const registry = new MemoryRegistry()
    let together = 0
    let most = 0
    // Nobody is answered before all are there: were they fewer, the test would wait until its time is over.
    const all = Promise.withResolvers<void>()
    registry.before = async () => {
      together += 1
      most = Math.max(most, together)
      if (together === 32) all.resolve()
      await all.promise
      together -= 1
    }
    const images = Array.from({ length: 32 }, (_, index) => {
      const repository = { ...at, repository: `team/app${index}` }
      const digest = registry.putImage(repository, `app ${index}`)
      registry.sign(repository, 'release', { digest })
      return `registry.example.com/team/app${index}@${digest}`
    })
    const decision = await judging(registry).judge(images, release)
    expect(decision.allowed).toBe(true)
    expect(most).toBe(32)
  })
})

describe('deadline', () => {
  test('what is open when it comes is undetermined at once', async () => {
    const { registry, image } = signedImage()
    gate(registry, 'tagged')
    const controller = new AbortController()
    const pending = judging(registry).judge(image, release, { signal: controller.signal })
    await turns()
    controller.abort()
    const decision = await pending
    expect(decision.allowed).toBe(false)
    expect(decision.verdicts[0]).toMatchObject({ outcome: 'undetermined', code: 'registry-timeout' })
  })

  test('what is known when it comes still counts', async () => {
    const { registry, digest, image } = signedImage()
    const elsewhere = { ...at, repository: 'signatures' }
    registry.sign(elsewhere, 'ci', { digest })
    registry.before = ({ question }) => (question.includes('/signatures:') ? new Promise<void>(() => {}) : undefined)
    const ci = attestor('ci', { storage: { repository: elsewhere } })
    const policies = [...release, policy('look', [rule(signed(ci))], { mode: 'Audit' })]
    const controller = new AbortController()
    const pending = judging(registry).judge(image, policies, { signal: controller.signal })
    await turns()
    controller.abort()
    const decision = await pending
    expect(decision.allowed).toBe(true)
    expect(decision.verdicts[0]).toMatchObject({
      outcome: 'trusted',
      judgement: { audited: { outcome: 'undetermined', code: 'registry-timeout' } },
    })
  })

  test('a request that is over before it begins asks nothing', async () => {
    const { registry, image } = signedImage()
    const verdict = await judging(registry).verdict(image, release, { signal: AbortSignal.abort() })
    expect(verdict).toMatchObject({ outcome: 'undetermined', code: 'judged-too-late' })
    expect(registry.kinds()).toEqual([])
  })

  const crowd = new CodedError('overloaded', 'too many wait')
  test.each([
    ['tagged', undefined, 'accepted accepted-undetermined'],
    ['verify', undefined, 'undetermined judged-too-late'],
    ['tagged', crowd, 'undetermined overloaded'],
  ])(
    'is an outage where the registry is waited for, and not where who pushes or deploys may have a hand in it: %s, %s',
    async (slow, reason, said) => {
      const { registry, image } = signedImage()
      if (slow === 'tagged') gate(registry, 'tagged')
      const never = () => new Promise<never>(() => {})
      const { verdict } = judging(registry, [slow === 'verify' ? { ...toy, verify: never } : toy])
      const lenient = [policy('lenient', [rule(signed('release'))], { whenUndetermined: 'InsecureAdmit' })]
      const controller = new AbortController()
      const pending = verdict(image, lenient, { signal: controller.signal })
      await turns()
      controller.abort(reason)
      const { outcome, code } = await pending
      expect(`${outcome} ${code}`).toBe(said)
    },
  )

  test.each([
    ['neighbour: is an outage once it was asked', 3, 'accepted accepted-undetermined'],
    ['is none while those of other images take all the room', 4, 'undetermined judged-too-late'],
  ])('a question that is not answered in time %s', async (_when, others, said) => {
    const { registry, image } = signedImage()
    gate(registry, 'tagged')
    const many: Format = {
      ...toy,
      ask(subject, facts) {
        const asked = toy.ask(subject, facts)
        if (!subject.signatures.repository.startsWith('flood/')) return asked
        const tags = Array.from(
          { length: 40 },
          (_, at) => ({ kind: 'tagged', at: subject.signatures, tag: `${at}` }) as const,
        )
        return { ...asked, questions: tags }
      },
    }
    const crowd = Array.from({ length: others }, (_, index) => {
      const repository = `flood/app${index}`
      return `${at.registry}/${repository}@${registry.putImage({ ...at, repository }, repository)}`
    })
    const lenient = [policy('lenient', [rule(signed('release'))], { whenUndetermined: 'InsecureAdmit' })]
    const controller = new AbortController()
    const pending = judging(registry, [many]).judge([...crowd, image], lenient, { signal: controller.signal })
    await turns()
    controller.abort()
    const last = (await pending).verdicts.at(-1)
    expect(`${last?.outcome} ${last?.code}`).toBe(said)
  })

  test('a fetch that nobody waits for any more is given up, and the next one starts anew', async () => {
    const { registry, image } = signedImage()
    const open = gate(registry, 'tagged')
    const { judge } = judging(registry)
    const controllers = [new AbortController(), new AbortController()]
    const given = controllers.map(({ signal }) => judge(image, release, { signal }))
    await turns()
    const [first] = registry.asked
    controllers[0]?.abort()
    await turns()
    expect(first?.signal.aborted).toBe(false)
    controllers[1]?.abort()
    await Promise.all(given)
    expect(first?.signal.aborted).toBe(true)
    const next = judge(image, release)
    await turns()
    open()
    expect((await next).allowed).toBe(true)
    expect(registry.kinds()).toEqual(['tagged', 'tagged'])
  })

  test('a long-lived signal keeps no listeners', async () => {
    const { registry, image } = signedImage()
    const { signal } = new AbortController()
    let listeners = 0
    const add = signal.addEventListener.bind(signal)
    const remove = signal.removeEventListener.bind(signal)
    Object.assign(signal, {
      addEventListener: (...args: Parameters<typeof add>) => {
        listeners += 1
        add(...args)
      },
      removeEventListener: (...args: Parameters<typeof remove>) => {
        listeners -= 1
        remove(...args)
      },
    })
    await judging(registry).judge([image, `${name}:v1`], release, { signal })
    await turns()
    expect(listeners).toBe(0)
  })
})

describe('faults', () => {
  const failures: readonly (readonly [string, CodedError | Error, string])[] = [
    ['an outage', new CodedError('registry-failing', '500'), 'registry-failing'],
    ['a denial', new CodedError('access-denied', '401'), 'access-denied'],
    ['a crash', new TypeError('x is not a function'), 'internal-error'],
    ['a source that throws a verdict', new CodedError('signature-missing', 'no'), 'internal-error'],
    ['a source that throws a yes', new CodedError('accepted-by-rule', 'yes'), 'internal-error'],
  ]
  test.each(failures)('%s is undetermined, and is not remembered', async (_, error, code) => {
    const { registry, image } = signedImage()
    const { verdict } = judging(registry)
    registry.before = () => {
      throw error
    }
    expect(await verdict(image, release)).toMatchObject({ outcome: 'undetermined', code })
    registry.before = () => {}
    expect(await verdict(image, release)).toMatchObject({ outcome: 'trusted' })
  })

  test('a door that fails says nothing about the signature, and is asked again', async () => {
    const { registry, image } = signedImage()
    let broken = true
    const format = {
      ...toy,
      verify: (...args: Parameters<typeof toy.verify>) =>
        broken ? Promise.reject(new Error('worker died')) : toy.verify(...args),
    }
    const { verdict } = judging(registry, [format])
    expect(await verdict(image, release)).toMatchObject({ outcome: 'undetermined', code: 'internal-error' })
    broken = false
    expect(await verdict(image, release)).toMatchObject({ outcome: 'trusted' })
  })

  test('a format that throws while asking is a gap, and spoils nothing that another finds', async () => {
    const { registry, image } = signedImage()
    const broken = {
      ...toy,
      name: 'broken',
      ask: () => {
        throw new Error('too clever')
      },
    }
    expect(await judging(registry, [broken, toy]).verdict(image, release)).toMatchObject({ outcome: 'trusted' })
    expect(await judging(registry, [broken]).verdict(image, release)).toMatchObject({
      outcome: 'undetermined',
      code: 'internal-error',
    })
  })

  test('a format that never stops asking is stopped', async () => {
    const { registry, image } = signedImage()
    const endless = {
      ...toy,
      name: 'endless',
      ask: (subject: Parameters<typeof toy.ask>[0], facts: Parameters<typeof toy.ask>[1]) => {
        for (let index = 0; ; index += 1) {
          const question = { kind: 'tagged', at: subject.signatures, tag: `lookaside-${index}` } as const
          const fact = facts.about(question)
          if (fact === undefined) return { questions: [question], materials: [], oddities: [], gaps: [] }
          if (!fact.known)
            return { questions: [], materials: [], oddities: [], gaps: [{ place: question.tag, ...fact }] }
        }
      },
    }
    registry.before = () => {}
    expect(await judging(registry, [endless]).verdict(image, release)).toMatchObject({
      outcome: 'undetermined',
      code: 'too-many-rounds',
    })
  }, 60_000)

  test('a format that asks for what it knows ends instead of hanging', async () => {
    const { registry, image } = signedImage()
    const stuck = {
      ...toy,
      name: 'stuck',
      ask: (subject: Parameters<typeof toy.ask>[0]) => ({
        questions: [{ kind: 'tagged', at: subject.signatures, tag: toyTag(subject.digest) } as const],
        materials: [],
        oddities: [],
        gaps: [],
      }),
    }
    expect(await judging(registry, [stuck]).verdict(image, release)).toMatchObject({ outcome: 'undetermined' })
  })

  test('an observer that throws changes nothing', async () => {
    const { registry, image } = signedImage()
    const observe = () => {
      throw new Error('disk full')
    }
    expect(await judging(registry).verdict(image, release, { observe })).toMatchObject({ outcome: 'trusted' })
  })

  test('thousands of signatures are worked for in portions, and judged again a few times only', async () => {
    const { registry, digest, image } = signedImage()
    registry.unsign(at, digest)
    for (let index = 0; index < 1000; index += 1) {
      const line = toySignature('stranger', { digest, annotations: { n: String(index) } })
      registry.addLine(at, digest, `see:${registry.putBlob(at, new TextEncoder().encode(line))}`)
    }
    let steps = 0
    const ask = (...args: Parameters<typeof toy.ask>) => {
      steps += 1
      return toy.ask(...args)
    }
    const counted = { ...toy, ask }
    let together = 0
    let most = 0
    registry.before = async (asked: Asked) => {
      if (!asked.question.startsWith('blob')) return
      most = Math.max(most, ++together)
      await new Promise((resolve) => setTimeout(resolve, 1))
      together -= 1
    }
    expect(await judging(registry, [counted]).verdict(image, release)).toMatchObject({ code: 'signature-by-stranger' })
    expect(most).toBeLessThanOrEqual(160)
    expect(steps).toBeLessThan(150)
  })
})

describe('a request as a whole', () => {
  test('is left alone where no policy applies, without a question', async () => {
    const { registry, image } = signedImage()
    const decision = await judging(registry).judge(image, [])
    expect(decision).toMatchObject({ allowed: true, leftAlone: true, verdicts: [], pins: [] })
    expect(registry.kinds()).toEqual([])
  })

  test('is denied by one bad image of many, and nothing is pinned then', async () => {
    const { registry, image } = signedImage()
    registry.putImage(at, 'app 2', 'v2')
    const decision = await judging(registry).judge([`${name}:v1`, image, `${name}:v2`], release)
    expect(decision.allowed).toBe(false)
    expect(decision.verdicts.map(({ outcome }) => outcome)).toEqual(['trusted', 'trusted', 'untrusted'])
    expect(decision.pins).toEqual([])
  })

  test('of any bystanders and observers the same verdict comes out', async () => {
    const { registry, image } = signedImage()
    const { engine } = judging(registry)
    const decision = await engine.judge(
      {
        purpose: 'mutate',
        uses: [use(image)],
        unchanged: new Set(),
        matched: matching(release),
        bystanders: [attestor('ci'), attestor('release')],
        credentialScope: 'own',
      },
      new AbortController().signal,
    )
    expect(decision).toMatchObject({ id: 'id-1', allowed: true })
    expect(decision.namespace).toBeUndefined()
  })
})
