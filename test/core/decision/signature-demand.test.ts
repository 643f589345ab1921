// One leaf: what was found, and what it amounts to. Nothing that anybody may put beside a good signature spoils it.

import { describe, expect, test } from 'vitest'
import { createEngine } from '#app/engine/engine.ts'
import type { Format, Gathering, Verification } from '#core/decision/format.ts'
import { CodedError } from '#core/errors.ts'
import type { Policy } from '#core/policy/words.ts'
import { at, judging, name, noon, use } from '../../support/judging.ts'
import { digestOf, MemoryRegistry } from '../../support/memory-registry.ts'
import { attestor, matching, policy, rule, signed } from '../../support/policies.ts'
import { toy, toyKey } from '../../support/toy-format.ts'

const release = [policy('production', [rule(signed('release'))])]
const other = digestOf('another image')

type Lines = (registry: MemoryRegistry, digest: string) => void

async function judged(put: Lines, policies: readonly Policy[] = release, formats: readonly Format[] = [toy]) {
  const registry = new MemoryRegistry()
  const digest = registry.putImage(at, 'app', 'v1')
  put(registry, digest)
  const { outcome, code, judgement } = await judging(registry, formats).verdict(`${name}:v1`, policies)
  return { outcome, code, finding: judgement?.byPolicy[0]?.finding }
}

const good: Lines = (registry, digest) => registry.sign(at, 'release', { digest })
const stranger: Lines = (registry, digest) => registry.sign(at, 'stranger', { digest })
const broken: Lines = (registry, digest) => registry.addLine(at, digest, 'signed-by:release for:nothing sum:1')
const foreign: Lines = (registry, digest) => registry.addLine(at, digest, 'garbage')
const unreadable: Lines = (registry, digest) => registry.addLine(at, digest, `see:${other}`)
const elsewhere: Lines = (registry, digest) => {
  registry.sign(at, 'release', { digest: other })
  // The signature for another digest, copied beside this image.
  const copied = `signed-by:release for:${other}`
  registry.addLine(at, digest, `${copied} sum:${sumOf(copied)}`)
}

function sumOf(text: string): number {
  let sum = 7
  for (const each of text) sum = (sum * 31 + (each.codePointAt(0) ?? 0)) % 1_000_003
  return sum
}

const together =
  (...all: readonly Lines[]): Lines =>
  (registry, digest) => {
    for (const each of all) each(registry, digest)
  }

describe('what is found amounts to', () => {
  test.each([
    ['nothing', together(), 'untrusted', 'signature-missing'],
    ['a stranger', stranger, 'untrusted', 'signature-by-stranger'],
    ['a broken signature', broken, 'untrusted', 'signature-invalid'],
    ['a signature of another image', elsewhere, 'untrusted', 'signature-invalid'],
    ['something that is none', foreign, 'untrusted', 'signature-invalid'],
    ['a broken one and a stranger', together(broken, stranger), 'untrusted', 'signature-by-stranger'],
    ['what cannot be read', unreadable, 'undetermined', 'content-missing'],
    ['a stranger and what cannot be read', together(stranger, unreadable), 'undetermined', 'content-missing'],
  ] as const)('%s: %s %s', async (_, put, outcome, code) => {
    expect(await judged(put)).toMatchObject({ outcome, code })
  })

  test.each([
    ['a stranger', stranger],
    ['a broken signature', broken],
    ['a signature of another image', elsewhere],
    ['something that is none', foreign],
    ['what cannot be read', unreadable],
    ['all of them', together(stranger, broken, elsewhere, foreign, unreadable)],
  ] as const)('yes with a good one after %s, and before it', async (_, put) => {
    expect(await judged(together(put, good))).toMatchObject({ outcome: 'trusted' })
    expect(await judged(together(good, put))).toMatchObject({ outcome: 'trusted' })
  })

  test('everything that was found is in the finding', async () => {
    const { finding } = await judged(together(stranger, broken, elsewhere, foreign, unreadable))
    expect(finding).toMatchObject({
      kind: 'signature',
      signatures: [{ code: 'signature-wrong-key' }, { code: 'payload-malformed' }, { code: 'payload-other-image' }],
      oddities: [{ code: 'layer-malformed' }],
      gaps: [{ code: 'content-missing' }],
    })
  })
})

test('an attestation never counts as a signature, and is not called a broken one', async () => {
  const attestation: Format = {
    ...toy,
    verify: async () => ({ accepted: false, checks: [], code: 'predicate-type-wrong', detail: 'provenance' }),
  }
  expect(await judged(good, release, [attestation])).toMatchObject({ outcome: 'untrusted', code: 'signature-missing' })
})

describe('annotations', () => {
  const asks = (annotations: Record<string, string>) => [
    policy('production', [rule(signed('release', { annotations }))]),
  ]
  const carrying =
    (annotations: Record<string, string>): Lines =>
    (registry, digest) =>
      registry.sign(at, 'release', { digest, annotations })

  test.each([
    [{ team: 'a' }, { team: 'a' }, 'trusted'],
    [{ team: 'a' }, { team: 'a', more: 'b' }, 'trusted'],
    [{ team: 'a' }, { team: 'A' }, 'untrusted'],
    [{ team: 'a' }, { Team: 'a' }, 'untrusted'],
    [{ team: 'a' }, {}, 'untrusted'],
    [{ team: 'a', env: 'b' }, { team: 'a' }, 'untrusted'],
    [{ constructor: 'a' }, {}, 'untrusted'],
    [{ toString: 'x' }, { toString: 'x' }, 'trusted'],
  ] as const)('asked for %j, signed with %j: %s', async (asked, given, outcome) => {
    expect(await judged(carrying(given), asks(asked))).toMatchObject({ outcome })
  })

  test('of two signatures together do not count', async () => {
    const put = together(carrying({ team: 'a' }), carrying({ env: 'b' }))
    expect(await judged(put, asks({ team: 'a', env: 'b' }))).toMatchObject({ code: 'annotation-mismatch' })
  })
})

describe('layouts', () => {
  test('a place that the attestor does not name is not looked at', async () => {
    const bundles = attestor('release', { storage: { layouts: ['Bundle'] } })
    const registry = new MemoryRegistry()
    const digest = registry.putImage(at, 'app', 'v1')
    good(registry, digest)
    expect(await judging(registry).verdict(`${name}:v1`, [policy('p', [rule(signed(bundles))])])).toMatchObject({
      outcome: 'untrusted',
      code: 'signature-missing',
    })
    expect(registry.kinds()).toEqual(['resolve'])
  })

  test('several places are asked side by side, and the first that says yes decides', async () => {
    const { promise, resolve } = Promise.withResolvers<void>()
    const list: Format = {
      ...toy,
      name: 'list',
      layout: 'Bundle',
      ask: (subject, facts): Gathering => {
        const question = { kind: 'referrers', at: subject.signatures, digest: subject.digest } as const
        const waits = facts.about(question) === undefined
        return { questions: waits ? [question] : [], materials: [], oddities: [], gaps: [] }
      },
    }
    const registry = new MemoryRegistry()
    good(registry, registry.putImage(at, 'app', 'v1'))
    registry.before = ({ question }) => (question.startsWith('referrers') ? promise : undefined)
    expect(await judging(registry, [list, toy]).verdict(`${name}:v1`, release)).toMatchObject({ outcome: 'trusted' })
    expect(registry.kinds()).toEqual(['resolve', 'referrers', 'tagged'])
    resolve()
  })
})

describe('whatever the door accepts, core insists', () => {
  const claims = (digest: string, fingerprint: string): Verification => ({
    accepted: true,
    checks: [],
    claims: {
      signer: { attestor: 'release', key: 'release', fingerprint },
      digest: digest as ReturnType<typeof digestOf>,
      annotations: {},
      provenTimes: [],
    },
  })

  test.each([
    ['this digest, by a key of the attestor', (digest: string) => claims(digest, toyKey('release')), 'trusted'],
    ['another digest', () => claims(other, toyKey('release')), 'untrusted'],
    ['a key that is none of the attestor', (digest: string) => claims(digest, toyKey('stranger')), 'untrusted'],
  ] as const)('%s', async (_, accept, outcome) => {
    const registry = new MemoryRegistry()
    const digest = registry.putImage(at, 'app', 'v1')
    stranger(registry, digest)
    const engine = createEngine({
      sources: registry,
      formats: [toy],
      verify: async () => accept(digest),
      now: () => noon,
      newId: () => '1',
    })
    const request = {
      purpose: 'mutate' as const,
      unchanged: new Set<string>(),
      matched: matching(release),
      bystanders: [],
      credentialScope: 'own',
    }
    const { verdicts } = await engine.judge({ ...request, uses: [use(`${name}:v1`)] }, new AbortController().signal)
    expect(verdicts[0]).toMatchObject({ outcome })
  })
})

test('a source that answers with an error code of a check is not taken for a check', async () => {
  const registry = new MemoryRegistry()
  registry.putImage(at, 'app', 'v1')
  registry.before = ({ question }) => {
    if (question.startsWith('tagged')) throw new CodedError('signature-wrong-key', 'x')
  }
  expect(await judging(registry).verdict(`${name}:v1`, release)).toMatchObject({
    outcome: 'undetermined',
    code: 'internal-error',
  })
})
