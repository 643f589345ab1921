// An engine that remembers the verdicts of many images: what they take, and what a request about one of them costs. One
// image is really verified; the verdicts of the others say the same in their own words.

import { createHash } from 'node:crypto'
import process from 'node:process'
import type { JudgeRequest } from '#app/engine/engine.ts'
import { createEngine } from '#app/engine/engine.ts'
import { defaultMemoryLimits, Memory } from '#app/engine/memory.ts'
import type { Sources } from '#app/engine/sources.ts'
import { readerTools } from '#app/policy-files.ts'
import type { Judgement } from '#core/decision/judgement.ts'
import { Planner } from '#core/decision/plan.ts'
import type { Fetched, Repository } from '#core/decision/question.ts'
import { CodedError } from '#core/errors.ts'
import { parseDigest } from '#core/image/digest.ts'
import { readDocuments } from '#core/policy/read.ts'
import { compilePolicySet } from '#core/policy/set.ts'
import { formats } from '#signature/formats.ts'
import { verifyMaterial } from '#signature/verify.ts'
import { policyFor } from '../policy.ts'
import { newKey, signedImage } from '../signed-images.ts'
import { answerCalls } from './channel.ts'

const host = 'registry.example.com'
const scope = 'own'
const key = newKey()
const model = signedImage('team/app', 'v1', { keys: [key] })
const stored = new Map(model.stored.map((each) => [each.path, each]))

/** So that what proves access to a repository, which is kept for 10,000 of them, is there for all images. */
const perRepository = 100

/** The same moment for all: what ends with time is no matter here. */
const now = Date.UTC(2026, 5, 1)

function find({ repository }: Repository, what: string): Fetched | undefined {
  const found = stored.get(`/v2/${repository}/${what}`)
  return found && { digest: parseDigest(found.digest ?? ''), mediaType: found.mediaType, bytes: found.bytes }
}

function present(at: Repository, what: string): Fetched {
  const found = find(at, what)
  if (found === undefined) throw new CodedError('content-missing', `nobody should have asked for ${what}`)
  return found
}

/** They have the first image only: a request about another one fails unless its verdict is remembered. */
const sources: Sources = {
  resolve: async (at, tag) => present(at, `manifests/${tag}`),
  access: async (at, digest) => void present(at, `manifests/${digest}`),
  manifest: async (at, digest) => present(at, `manifests/${digest}`),
  tagged: async (at, tag) => find(at, `manifests/${tag}`) ?? null,
  referrers: async () => [],
  blob: async (at, digest) => present(at, `blobs/${digest}`).bytes,
}

const memory = new Memory(defaultMemoryLimits, () => now)
const engine = createEngine({
  sources,
  formats,
  verify: (question) => verifyMaterial(question),
  memory,
  now: () => now,
  newId: () => '01ARZ3NDEKTSV4RRFFQ69G5FAV',
})
const policies = compilePolicySet(readDocuments([{ name: 'policy.yaml', text: policyFor(host, [key]) }], readerTools()))
const pod = { namespace: 'team-a', objectLabels: {}, apiGroup: '', apiVersion: 'v1', resource: 'pods' }

function requestFor(image: string): JudgeRequest {
  const field = 'spec.containers[0].image'
  return {
    purpose: 'mutate',
    namespace: 'team-a',
    uses: [{ pointer: '/spec/containers/0/image', field, list: 'containers', name: 'app', image }],
    unchanged: new Set(),
    matched: policies.match({ ...pod, operation: 'CREATE' }),
    bystanders: policies.attestors,
    credentialScope: scope,
  }
}

async function judge(image: string): Promise<Judgement> {
  const { verdicts } = await engine.judge(requestFor(image), new AbortController().signal)
  const judgement = verdicts[0]?.judgement
  if (verdicts[0]?.outcome !== 'trusted' || judgement === undefined) throw new Error(`${image} is not trusted`)
  return judgement
}

function keyOf(image: string): string {
  const request = requestFor(image)
  const planner = new Planner(request, request.matched)
  for (const use of request.uses) planner.add(use)
  const [plan] = planner.plan().images
  if (plan === undefined) throw new Error('nothing was planned')
  return plan.key
}

let count = 0

function imageAt(index: number) {
  const repository = `${host}/team/app${Math.floor(index / perRepository)}`
  const digest = parseDigest(`sha256:${createHash('sha256').update(`image ${index}`).digest('hex')}`)
  return { repository, digest, image: `${repository}@${digest}` }
}

/** Remembers the verdicts of as many images. */
async function fill(wanted: number): Promise<void> {
  const first = `${host}/team/app@${model.digest}`
  const { warned, audited, ...judgement } = await judge(first)
  const text = JSON.stringify(judgement)
  for (; count < wanted; count++) {
    const { repository, digest, image } = imageAt(count)
    const short = digest.slice(7, 19)
    const own = text
      .replaceAll(`${host}/team/app@`, `${repository}@`)
      .replaceAll(model.digest, digest)
      .replaceAll(model.digest.slice(7, 19), short)
    memory.keepJudgement(scope, keyOf(image), { ...JSON.parse(own), warned, audited }, false)
    memory.hasRead(scope, { registry: host, repository: repository.slice(host.length + 1) })
  }
}

function heapBytes(): number {
  globalThis.gc?.()
  globalThis.gc?.()
  const { heapUsed, arrayBuffers } = process.memoryUsage()
  return heapUsed + arrayBuffers
}

/** @returns processor time of a request about an image chosen by chance, in microseconds */
async function hit(milliseconds: number): Promise<number> {
  const [begun, before] = [performance.now(), process.cpuUsage()]
  let [hits, seed] = [0, 1]
  while (performance.now() - begun < milliseconds) {
    for (let turn = 0; turn < 64; turn++, hits++) {
      seed = (Math.imul(seed, 1_103_515_245) + 12_345) >>> 0
      await judge(imageAt(Math.floor((seed / 2 ** 32) * count)).image)
    }
  }
  const { user, system } = process.cpuUsage(before)
  return (user + system) / hits
}

answerCalls({ fill, heapBytes, hit })
