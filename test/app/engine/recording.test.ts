// A decision judged again from what was recorded: the same verdict without network, and nothing in the file is believed.

import { describe, expect, test } from 'vitest'
import type { Recording } from '#app/engine/recording.ts'
import { createRecorder, parseRecording, recordedSources } from '#app/engine/recording.ts'
import { decodeBase64, encodeBase64 } from '#core/encoding/base64.ts'
import type { Policy } from '#core/policy/words.ts'
import { refusalCode } from '../../support/coded.ts'
import { at, judging, name, noon } from '../../support/judging.ts'
import { indexType, MemoryRegistry, manifestType } from '../../support/memory-registry.ts'
import { attestor, policy, rule, signed } from '../../support/policies.ts'
import { toySignature } from '../../support/toy-format.ts'

const release = [policy('production', [rule(signed('release'))])]

/** Signed in a blob, so that the recording holds one. */
function world() {
  const registry = new MemoryRegistry()
  const digest = registry.putImage(at, 'app 1', 'v1')
  const line = toySignature('release', { digest })
  registry.addLine(at, digest, `see:${registry.putBlob(at, new TextEncoder().encode(line))}`)
  return { registry, digest }
}

async function record(
  registry: MemoryRegistry,
  image: string,
  policies: readonly Policy[],
  warm = false,
): Promise<Recording> {
  const { judge } = judging(registry)
  if (warm) await judge(image, policies)
  const { observe, facts } = createRecorder()
  await judge(image, policies, { observe })
  const recording = {
    kind: 'sealward.dev/RecordedFacts',
    version: 1,
    at: noon,
    images: [image],
    namespace: 'prod',
    policies: [],
    facts: facts(),
  }
  return parseRecording(JSON.stringify(recording))
}

const replay = (recording: Recording, image: string, policies: readonly Policy[]) =>
  judging(recordedSources(recording)).verdict(image, policies)

describe('a recording', () => {
  test.each([false, true])('gives the same verdict again (memory warm: %s)', async (warm) => {
    const { registry, digest } = world()
    const recording = await record(registry, `${name}:v1`, release, warm)
    expect(recording.facts.map(({ question }) => question.split(' ')[0])).toEqual(['resolve', 'tagged', 'blob'])
    expect(await replay(recording, `${name}:v1`, release)).toMatchObject({
      outcome: 'trusted',
      judgement: { digest, signers: [{ attestor: 'release' }] },
    })
  })

  test('of a refusal gives the refusal, with the same words', async () => {
    const registry = new MemoryRegistry()
    const image = `${name}@${registry.putImage(at, 'app 1')}`
    const live = await judging(registry).verdict(image, release)
    expect(live).toMatchObject({ outcome: 'untrusted', code: 'signature-missing' })
    expect(await replay(await record(registry, image, release), image, release)).toEqual(live)
  })

  test('of an index keeps its manifest and an empty list of referrers', async () => {
    const registry = new MemoryRegistry()
    const child = registry.putImage(at, 'amd64')
    const manifests = [
      { mediaType: manifestType, digest: child, size: 1, platform: { os: 'linux', architecture: 'amd64' } },
    ]
    const digest = registry.putManifest(at, { schemaVersion: 2, mediaType: indexType, manifests })
    for (const each of [digest, child]) registry.sign(at, 'release', { digest: each })
    const policies = [policy('each', [rule(signed('release'), { platforms: 'Each' })])]
    const image = `${name}@${digest}`
    const recording = await record(registry, image, policies)
    expect(recording.facts.map(({ question }) => question.split(' ')[0])).toEqual(['tagged', 'manifest', 'tagged'])
    expect(await replay(recording, image, policies)).toMatchObject({ outcome: 'trusted' })
  })

  test('of an outage gives the outage, and no more', async () => {
    const { registry } = world()
    registry.before = () => {
      throw new Error('boom')
    }
    const recording = await record(registry, `${name}:v1`, release)
    expect(await replay(recording, `${name}:v1`, release)).toMatchObject({
      outcome: 'undetermined',
      code: 'internal-error',
    })
  })

  test('says what is missing where another policy asks for more', async () => {
    const { registry } = world()
    const recording = await record(registry, `${name}:v1`, release)
    const elsewhere = attestor('release', { storage: { repository: { ...at, repository: 'signatures' } } })
    const verdict = await replay(recording, `${name}:v1`, [policy('other', [rule(signed(elsewhere))])])
    expect(verdict).toMatchObject({ outcome: 'undetermined', code: 'facts-missing' })
    expect(verdict.detail).toContain('registry.example.com/signatures')
  })

  test('judges by the policy that is given, not by what was decided then', async () => {
    const { registry } = world()
    const recording = await record(registry, `${name}:v1`, release)
    expect(await replay(recording, `${name}:v1`, [policy('ci', [rule(signed('ci'))])])).toMatchObject({
      outcome: 'untrusted',
    })
  })
})

describe('a recording that was edited', () => {
  test.each(['blob', 'fetched'] as const)('with one bit flipped in a %s is a digest mismatch', async (kind) => {
    const { registry, digest } = world()
    registry.sign(at, 'nobody', { digest })
    const policies = [policy('each', [rule(signed('release'), { platforms: 'Each' })])]
    const recording = await record(registry, `${name}:v1`, policies)
    const facts = recording.facts.map(({ question, answer }) => {
      if (kind === 'blob' && 'blob' in answer) return { question, answer: { blob: flipped(answer.blob) } }
      if (kind === 'fetched' && 'fetched' in answer && question.startsWith('manifest')) {
        return { question, answer: { fetched: { ...answer.fetched, bytes: flipped(answer.fetched.bytes) } } }
      }
      return { question, answer }
    })
    expect(JSON.stringify(facts)).not.toBe(JSON.stringify(recording.facts))
    const verdict = await replay({ ...recording, facts }, `${name}:v1`, policies)
    expect(verdict).toMatchObject({ outcome: 'undetermined', code: 'digest-mismatch' })
  })

  test('cannot say a verdict by calling it a failure', async () => {
    const { registry } = world()
    const recording = await record(registry, `${name}:v1`, release)
    for (const code of ['signature-missing', 'accepted-by-rule', 'trusted']) {
      const facts = recording.facts.map(({ question }) => ({ question, answer: { failed: { code, detail: 'no' } } }))
      const verdict = await replay(parseRecording(JSON.stringify({ ...recording, facts })), `${name}:v1`, release)
      expect(verdict).toMatchObject({ outcome: 'undetermined', code: 'internal-error' })
    }
  })
})

describe('a file that is no recording is facts-malformed', () => {
  const whole = {
    kind: 'sealward.dev/RecordedFacts',
    version: 1,
    at: noon,
    images: [],
    namespace: 'x',
    policies: [],
    facts: [],
  }
  const fact = (question: string, answer: unknown) => ({ ...whole, facts: [{ question, answer }] })
  test.each([
    ['no JSON', 'x'],
    ['a member twice', '{"kind":"a","kind":"b"}'],
    ['another kind', JSON.stringify({ ...whole, kind: 'x' })],
    ['another version', JSON.stringify({ ...whole, version: 2 })],
    ['an unknown member', JSON.stringify({ ...whole, more: 1 })],
    ['an unknown question', JSON.stringify(fact('verify x', { readable: true }))],
    ['a question that is a member of objects', JSON.stringify(fact('constructor x', { readable: true }))],
    ['an answer of another kind', JSON.stringify(fact('blob a/b@c 1', { readable: true }))],
    ['a recorded check', JSON.stringify(fact('blob a/b@c 1', { accepted: true }))],
    [
      'a digest that is none',
      JSON.stringify(fact('resolve a/b:c', { resolved: { digest: 'sha256:x', mediaType: 'y' } })),
    ],
    ['bytes that are no base64', JSON.stringify(fact('blob a/b@c 1', { blob: '%' }))],
  ])('%s', async (_, text) => {
    expect(await refusalCode((async () => parseRecording(text))())).toBe('facts-malformed')
  })

  test('and the neighbour of all of them is one', () => {
    expect(parseRecording(JSON.stringify(fact('blob a/b@c 1', { blob: 'YQ==' }))).facts).toHaveLength(1)
  })
})

function flipped(base64: string): string {
  const bytes = decodeBase64(base64)
  bytes[bytes.length - 1] = (bytes[bytes.length - 1] ?? 0) ^ 1
  return encodeBase64(bytes)
}
