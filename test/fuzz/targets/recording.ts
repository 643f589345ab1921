// Recorded facts, which anybody may have edited: judged again, they make nobody trusted whom no signature in them speaks
// for.

import { createRecorder, parseRecording, recordedSources } from '#app/engine/recording.ts'
import type { Digest } from '#core/image/digest.ts'
import { type Parts, partsOf, textOf } from '../case.ts'
import { demandPolicies, registry, repository } from '../demands.ts'
import { evidenceSeeds } from '../evidence-seeds.ts'
import { fuzzKeys } from '../keys.ts'
import { saidBy } from '../oracle/signed-by.ts'
import { shelve } from '../shelves.ts'
import { must, readingLater, type Target } from '../target.ts'
import { digestOf } from '../template.ts'
import { judgeWith } from './evidence.ts'

const at = { registry, repository }

/** What a run would have recorded of this evidence. */
function recorded(parts: Parts): Parts {
  const shelf = shelve(parts)
  const recorder = createRecorder()
  const fetched = (bytes: Uint8Array) => ({ digest: digestOf(bytes) as Digest, mediaType: '', bytes })
  const digest = shelf.digest as Digest
  recorder.observe({ kind: 'resolve', at, tag: 'v1' }, { known: true, value: { digest, mediaType: '' } })
  recorder.observe({ kind: 'access', at, digest }, { known: true, value: true })
  const tag = `${digest.replace(':', '-')}.sig`
  const signatures = shelf.byTag.get(tag)
  recorder.observe(
    { kind: 'tagged', at, tag },
    { known: true, value: signatures === undefined ? null : fetched(signatures) },
  )
  recorder.observe({ kind: 'referrers', at, digest }, { known: true, value: [] })
  for (const [name, bytes] of shelf.byDigest) {
    recorder.observe({ kind: 'blob', at, digest: name as Digest, maxBytes: 64 * 1024 }, { known: true, value: bytes })
  }
  const facts = recorder.facts()
  const text = JSON.stringify({
    kind: 'sealward.dev/RecordedFacts',
    version: 1,
    at: Date.UTC(2026, 5, 1),
    images: [`${registry}/${repository}:v1`],
    namespace: 'plain',
    policies: [],
    keyFiles: [],
    facts,
  })
  return partsOf({ text })
}

const names = ['trusted by a signature under the tag', 'unsigned', 'signed by a stranger', 'signature of another image']
const seeds = Object.fromEntries(names.map((name) => [name, recorded(evidenceSeeds[name] ?? {})]))

export const recording: Target = {
  name: 'recording',
  about: 'recorded facts, judged again',
  syntax: { text: 'json' },
  dictionary: [
    'failed',
    'code',
    'signature-missing',
    'image-not-found',
    'absent',
    'resolved',
    'readable',
    'fetched',
    'referrers',
    'blob',
    'digest',
    'bytes',
    'tagged ',
    'accepted-by-rule',
    'trusted',
  ],
  cpuMs: 1_000,
  open: () => {
    const policies = demandPolicies()
    return {
      seeds,
      run: async (parts) => {
        const read = await readingLater(async () => parseRecording(textOf(parts['text'])))
        if (read.code !== undefined) return read.code
        const judge = judgeWith(recordedSources(read.value), policies)
        const verdict = await judge(`${registry}/${repository}:v1`, 'plain')
        const { outcome, code = '', judgement } = verdict ?? { outcome: 'left alone' as const, judgement: undefined }
        must(outcome !== 'accepted', 'an image passed that no policy lets pass')
        if (outcome === 'trusted') checkTrust(judgement?.digest ?? '', bytesIn(read.value.facts))
        return `${outcome} ${code}`
      },
    }
  },
}

/** Every base64 text of the recording. */
function bytesIn(facts: readonly { readonly answer: object }[]): readonly Uint8Array[] {
  return facts.flatMap(({ answer }) => {
    const written = 'blob' in answer ? answer.blob : 'fetched' in answer ? Object(answer.fetched).bytes : undefined
    return typeof written === 'string' ? [new Uint8Array(Buffer.from(written, 'base64'))] : []
  })
}

function checkTrust(digest: string, all: readonly Uint8Array[]): void {
  const byDigest = new Map(all.map((bytes) => [digestOf(bytes), bytes]))
  const tag = `${digest.replace(':', '-')}.sig`
  const speaks = all.some((bytes) => {
    const shelf = { byDigest, byTag: new Map([[tag, bytes]]), referrers: new Map<string, readonly string[]>() }
    return saidBy(fuzzKeys.trusted.pem, digest, shelf).length > 0
  })
  must(speaks, 'an image is called trusted for which nothing speaks that was recorded')
}
