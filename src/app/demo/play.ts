// Plays the scenario against a running webhook as the API server would: /mutate first, then /validate with what the
// patch made of the object. Compares each verdict with the expected one.

import { parseStrictJson } from '#core/encoding/strict-json.ts'
import { codeOf, messageOf } from '#core/errors.ts'
import type { DemoCase } from './scenario.ts'
import { reviewOf } from './scenario.ts'

/** Posts a review to the webhook and returns the body of its answer. */
export type Send = (path: '/mutate' | '/validate', body: string) => Promise<string>

export interface Played {
  readonly case: DemoCase
  readonly allowed: boolean
  /** The code of a denial. */
  readonly code: string
  readonly message: string
  /** The images that the patch wrote. */
  readonly pins: readonly string[]
  readonly asExpected: boolean
}

interface Response {
  readonly allowed: boolean
  readonly patch?: string
  readonly status?: { readonly message?: string }
}

export async function play(cases: readonly DemoCase[], send: Send): Promise<readonly Played[]> {
  const played: Played[] = []
  for (const [index, each] of cases.entries()) played.push(await playOne(each, `demo-${index}`, send))
  return played
}

async function playOne(each: DemoCase, uid: string, send: Send): Promise<Played> {
  try {
    const review = reviewOf(each, uid)
    const mutated = responseIn(await send('/mutate', JSON.stringify(review)))
    const operations = patchOf(mutated)
    const validated = mutated.allowed
      ? responseIn(await send('/validate', JSON.stringify(patched(review, operations))))
      : mutated
    const message = validated.status?.message ?? ''
    const code = /^code: (\S+?),? /m.exec(message)?.[1] ?? ''
    const outcome = { allowed: validated.allowed, code, message, pins: operations.map(({ value }) => value) }
    return { case: each, ...outcome, asExpected: isExpected(each, outcome) }
  } catch (error) {
    return { case: each, allowed: false, code: codeOf(error), message: messageOf(error), pins: [], asExpected: false }
  }
}

function isExpected({ expect }: DemoCase, got: Pick<Played, 'allowed' | 'code' | 'pins'>): boolean {
  if (expect.allowed) return got.allowed && JSON.stringify(got.pins) === JSON.stringify(expect.pins)
  return !got.allowed && got.code === expect.code
}

function responseIn(body: string): Response {
  const review = parseStrictJson(body) as { readonly response?: Response }
  if (typeof review.response?.allowed !== 'boolean') throw new Error(`the webhook answered: ${body.slice(0, 200)}`)
  return review.response
}

interface Replacement {
  readonly path: string
  readonly value: string
}

function patchOf({ patch }: Response): readonly Replacement[] {
  if (patch === undefined) return []
  return parseStrictJson(Buffer.from(patch, 'base64').toString('utf8')) as readonly Replacement[]
}

/** The webhook only ever replaces image strings, so this is all of RFC 6902 that its patches need. */
function patched(review: object, operations: readonly Replacement[]): object {
  const copy = structuredClone(review) as { request: { object: Record<string, unknown> } }
  for (const { path, value } of operations) {
    const members = path.split('/').slice(1)
    const last = members.pop() ?? ''
    let at: Record<string, unknown> = copy.request.object
    for (const member of members) at = at[member] as Record<string, unknown>
    at[last] = value
  }
  return copy
}
