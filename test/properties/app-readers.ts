// The readers of `src/app` beside those of the command line: what the server is sent, and the files that it is given.

import type { IncomingMessage } from 'node:http'
import { Readable } from 'node:stream'
import fc from 'fast-check'
import { expect } from 'vitest'
import { parseRecording } from '#app/engine/recording.ts'
import { loadCaFile } from '#app/kube/ca-file.ts'
import { endOf } from '#app/kube/rotation.ts'
import { readServingState, type ServingState, servingData } from '#app/kube/serving-state.ts'
import { readPolicyFiles } from '#app/policy-files.ts'
import { createBudget, readBody } from '#app/server/body.ts'
import { issueLeaf, makeAuthority, makeServingCertificate } from '#app/server/certificate.ts'
import { openFilesLimit } from '#app/server/open-files.ts'
import { answerWithin, parseGoDuration } from '#app/server/timeout.ts'
import { loadTls } from '#app/server/tls.ts'
import { parseStrictJson } from '#core/encoding/strict-json.ts'
import { attestor, clusterPolicy, someRules } from '../support/policy-documents.ts'
import { bytes, texts } from './hostile.ts'
import { demanded } from './outcome.ts'
import { propertiesOf, type ReaderProperties } from './reader.ts'
import { fileWith } from './scratch.ts'
import { digest } from './words.ts'

const at = 'registry.example/team/app'
const base64 = fc.uint8Array({ maxLength: 30 }).map((content) => Buffer.from(content).toString('base64'))
const fact = fc.oneof(
  digest.map((each) => ({ question: `resolve ${at}:v1`, answer: { resolved: { digest: each, mediaType: '' } } })),
  base64.map((blob) => ({ question: `blob ${at}`, answer: { blob } })),
  fc.constant({ question: `tagged ${at}:v1`, answer: { absent: true } }),
  fc.constant({ question: `referrers ${at}`, answer: { failed: { code: 'registry-timeout', detail: 'late' } } }),
)
const recording = fc
  .record({
    kind: fc.constant('sealward.dev/RecordedFacts'),
    version: fc.constant(1),
    at: fc.nat(),
    images: fc.array(fc.string(), { maxLength: 2 }),
    namespace: fc.string(),
    policies: fc.array(fc.record({ name: fc.string(), text: fc.string() }), { maxLength: 2 }),
    keyFiles: fc.constant([]),
    facts: fc.array(fact, { maxLength: 3 }),
  })
  .map((means) => ({ input: JSON.stringify(means), means }))

const policyFile = [attestor(), clusterPolicy({ rules: someRules })].map((each) => JSON.stringify(each)).join('\n---\n')

const bodyBytes = 1_000
function requestWith(body: Uint8Array): IncomingMessage {
  const chunks = body.length === 0 ? [] : [body.subarray(0, 7), body.subarray(7)].map((chunk) => Buffer.from(chunk))
  return Object.assign(Readable.from(chunks), { headers: {} }) as unknown as IncomingMessage
}

/** As Go writes a duration. */
const goDuration = fc.tuple(fc.nat(99), fc.nat(59), fc.nat(59)).map(([hours, minutes, seconds]) => ({
  input: `${hours}h${minutes}m${seconds}s`,
  means: ((hours * 60 + minutes) * 60 + seconds) * 1_000,
}))

const noon = Date.UTC(2026, 0, 1, 12)
const serving = makeServingCertificate(['localhost'], noon)

const authority = makeAuthority('a', { at: noon, lifetime: 86_400_000 })
const steady: ServingState = {
  authority,
  leaf: issueLeaf(authority, ['localhost'], { at: noon, lifetime: 86_400_000 }),
}
const coming: ServingState = { ...steady, exchange: { kind: 'coming', authority, since: noon } }

const openFiles = fc.nat().map((files) => ({
  input: `Max processes             1                1                processes\nMax open files            ${files}  ${files} files\n`,
  means: files,
}))

export const appReaders: readonly ReaderProperties[] = [
  propertiesOf({
    of: ['src/app/engine/recording.ts parseRecording'],
    form: texts('json', ['failed', 'fetched', 'absent', 'blob', 'resolved', 'keyFiles', 'digest', 'referrers']),
    read: parseRecording,
    written: recording,
    refuses: ['facts-malformed'],
    rewrite: (value) => JSON.stringify(value),
  }),
  propertiesOf({
    of: [
      'src/app/policy-files.ts readPolicyFiles',
      'src/app/policy-files.ts loadPolicyFiles',
      'src/app/policy-files.ts readerTools',
    ],
    form: bytes('lines', ['---\n', 'kind: ', 'file: /dev/null', 'file: policy.yaml']),
    read: async (content) => {
      const { read, problems } = await readPolicyFiles([fileWith('policy.yaml', content)])
      return { policies: read.policies, problems }
    },
    written: fc.constant({ input: Buffer.from(policyFile), means: { policies: ['production'], problems: [] } }),
    meaningOf: ({ policies, problems }) => ({ policies: policies.map(({ name }) => name), problems }),
    refuses: [],
    promises: ({ problems }) => {
      for (const { code, message } of problems) {
        expect(code).not.toBe('internal-error')
        expect(message.length).toBeLessThanOrEqual(1_000)
      }
    },
  }),
  propertiesOf({
    of: ['src/app/server/body.ts readBody'],
    form: bytes('bytes'),
    read: async (content) => {
      const budget = createBudget(bodyBytes)
      const body = await readBody(requestWith(content), { bodyBytes, smallBodyBytes: 10, budget })
      const copy = new Uint8Array(body.bytes)
      expect(budget.used).toBe(content.length)
      body.release()
      expect(budget.used).toBe(0)
      return copy
    },
    written: fc.uint8Array({ maxLength: bodyBytes }).map((means) => ({ input: means, means })),
    refuses: ['input-too-large'],
    rewrite: (content) => content,
    isExact: true,
  }),
  propertiesOf({
    of: ['src/app/server/open-files.ts openFilesLimit'],
    form: texts('lines', ['Max open files ', 'Max processes ', 'unlimited ', '1024 ', ' ']),
    read: (text) => openFilesLimit(text),
    written: openFiles,
    // What says nothing is no limit.
    refuses: [],
    promises: (files) => expect(files).toBeGreaterThanOrEqual(0),
  }),
  propertiesOf({
    of: ['src/app/server/timeout.ts parseGoDuration'],
    form: texts('text', ['1h', 'µs', 'μs', 'ns', '.5s', '1.', '-1s', '1e3s', '0']),
    read: (text) => demanded(parseGoDuration(text), 'http-request'),
    written: goDuration,
    refuses: ['http-request'],
    promises: (milliseconds, text) => {
      expect(milliseconds).toBeGreaterThanOrEqual(0)
      expect(answerWithin(text)).toBeGreaterThan(0)
      expect(answerWithin(text)).toBeLessThanOrEqual(29_000)
    },
  }),
  propertiesOf({
    of: ['src/app/server/tls.ts loadTls', 'src/app/server/tls.ts loadPem'],
    form: texts('lines', ['-----BEGIN CERTIFICATE-----', '-----BEGIN PRIVATE KEY-----', '-----END CERTIFICATE-----']),
    read: async (cert) => {
      const files = {
        kind: 'files',
        cert: fileWith('tls.crt', cert),
        key: fileWith('tls.key', serving.keyPem),
      } as const
      return (await loadTls(files, noon)).expiresAt
    },
    written: fc.constant({ input: serving.certPem, means: noon }),
    meaningOf: (expiresAt) => Math.min(expiresAt, noon),
    refuses: ['tls-invalid'],
    promises: (expiresAt) => expect(Number.isNaN(expiresAt)).toBe(false),
  }),
  propertiesOf({
    of: ['src/app/kube/ca-file.ts loadCaFile'],
    form: texts('lines', ['-----BEGIN CERTIFICATE-----', '-----END CERTIFICATE-----', 'MIIB']),
    read: (text) => loadCaFile(fileWith('ca.crt', text)),
    written: fc.constantFrom(serving.caPem, `# a\n${serving.caPem}${serving.certPem}`).map((input) => {
      return { input, means: input.replace('# a\n', '') }
    }),
    refuses: ['tls-invalid'],
    rewrite: (bundle) => bundle,
  }),
  propertiesOf({
    of: ['src/app/kube/serving-state.ts readServingState', 'src/app/kube/rotation.ts', 'src/app/server/certificate.ts'],
    form: texts('json', ['data', 'tls.crt', 'tls.key', 'ca.crt', 'ca.key', 'next-ca.crt', 'since', 'rubbish']),
    read: (text) => {
      const data = parseStrictJson(text)
      return readServingState({ metadata: { name: 's', resourceVersion: '1' }, data })
    },
    written: fc.constantFrom(steady, coming).map((state) => {
      const input = JSON.stringify(servingData(state))
      return { input, means: input }
    }),
    meaningOf: (found) => (found.kind === 'good' ? JSON.stringify(servingData(found.state)) : found.kind),
    // Of the JSON in which the API server sends it.
    refuses: ['json-malformed', 'json-duplicate', 'json-too-deep', 'json-shape'],
    promises: (found) => {
      if (found.kind === 'damaged') expect(found.error.code).toBe('tls-invalid')
      if (found.kind === 'good') expect(endOf(found.state.leaf.certPem)).toBeGreaterThan(0)
    },
  }),
]
