// Makes a found case smaller while it still breaks the same rule: whole parts, then members of JSON, then pieces of text.

import type { Parts } from '../case.ts'
import { bytesOf, textOf } from '../case.ts'
import type { JsonNode } from '../json-text.ts'
import { parseJsonText, renderJsonText } from '../json-text.ts'
import type { Finding, OpenTarget, Target } from '../target.ts'
import { runCase } from './run-case.ts'

/** Smaller is a kindness to who reads it: no run waits long for it. */
const mostRuns = 600
const longestMs = 8_000

interface Shrinking {
  parts: Parts
  left: number
  readonly until: number
  readonly still: (parts: Parts) => Promise<boolean>
}

export async function minimise(target: Target, open: OpenTarget, parts: Parts, finding: Finding): Promise<Parts> {
  const still = async (candidate: Parts) =>
    (await runCase(target, open, candidate)).finding?.violated === finding.violated
  const work: Shrinking = { parts, left: mostRuns, until: performance.now() + longestMs, still }
  // What does not happen again, or takes long each time, is kept as it is.
  if (finding.violated.includes('too long') || !(await still(parts))) return parts
  for (const name of Object.keys(parts)) await shrinkToSeed(work, open, name)
  for (const name of Object.keys(parts)) {
    if (target.syntax[name] === 'json') await shrinkJson(work, name)
    await shrinkBytes(work, name)
  }
  return work.parts
}

async function attempt(work: Shrinking, name: string, bytes: Uint8Array): Promise<boolean> {
  if (work.left-- <= 0 || performance.now() > work.until) return false
  const candidate = { ...work.parts, [name]: bytes }
  if (!(await work.still(candidate))) return false
  work.parts = candidate
  return true
}

/** A part that need not be changed is shown as it was before any mutation. */
async function shrinkToSeed(work: Shrinking, open: OpenTarget, name: string): Promise<void> {
  for (const bytes of [new Uint8Array(), ...Object.values(open.seeds).map((seed) => seed[name])]) {
    const current = work.parts[name]
    if (bytes === undefined || current === undefined || Buffer.from(current).equals(bytes)) continue
    if (await attempt(work, name, bytes)) return
  }
}

async function shrinkJson(work: Shrinking, name: string): Promise<void> {
  for (let place = 0; work.left > 0; ) {
    const root = parseJsonText(textOf(work.parts[name]))
    const smaller = root === undefined ? undefined : without(root, place)
    if (smaller === undefined) return
    if (!(await attempt(work, name, bytesOf(renderJsonText(smaller))))) place++
  }
}

/** The tree without its n-th member or item, in the order of the text; `undefined` where there are fewer. */
function without(root: JsonNode, place: number): JsonNode | undefined {
  let seen = 0
  const keep = <T>(list: readonly T[]) => list.filter(() => seen++ !== place)
  const walk = (node: JsonNode): JsonNode => {
    if (node.kind === 'array') return { kind: 'array', items: keep(node.items).map(walk) }
    if (node.kind === 'object') {
      return { kind: 'object', members: keep(node.members).map(({ name, value }) => ({ name, value: walk(value) })) }
    }
    return node
  }
  const smaller = walk(root)
  return seen > place ? smaller : undefined
}

async function shrinkBytes(work: Shrinking, name: string): Promise<void> {
  for (
    let size = Math.ceil((work.parts[name]?.length ?? 0) / 2);
    size >= 1 && work.left > 0;
    size = Math.floor(size / 2)
  ) {
    for (let at = 0; at < (work.parts[name]?.length ?? 0) && work.left > 0; ) {
      const bytes = Buffer.from(work.parts[name] ?? new Uint8Array())
      const shorter = new Uint8Array(Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + size)]))
      if (!(await attempt(work, name, shorter))) at += size
    }
  }
}
