// The whole tree of a decision for people: policies, the governing rule, requirements, signatures and their checks.

import type { Decision, UseVerdict } from '#core/decision/decision.ts'
import { headline } from '#core/decision/explain.ts'
import type { Finding, SignatureDemandFinding, SignatureFinding } from '#core/decision/finding.ts'
import type { PolicyJudgement } from '#core/decision/judgement.ts'
import { printable } from '#core/encoding/printable.ts'
import type { Language } from '#core/policy/words.ts'
import type { Stream } from './command.ts'
import { outcomeWord } from './image-report.ts'
import { styled } from './style.ts'
import type { TreeNode } from './tree-lines.ts'
import { treeLines } from './tree-lines.ts'

export function explanationLines(decision: Decision, namespace: string, stream: Stream): readonly string[] {
  const blocks = decision.verdicts.flatMap((verdict) => [...imageTree(verdict, stream), ''])
  const at = new Date(decision.at).toISOString()
  return [...blocks, `decision: ${decision.id}  namespace: ${namespace}  at: ${at}`]
}

/** One image with all that was judged about it. */
export function imageTree(verdict: UseVerdict, stream: Stream, language: Language = 'en'): readonly string[] {
  const { use, outcome, judgement, code } = verdict
  const text = `${outcomeWord(outcome, stream)}  ${styled(stream, 'bold', printable(use.image, 300))}`
  const facts: TreeNode[] = [
    ...(judgement === undefined ? [] : [{ text: `reference: ${printable(judgement.reference, 300)}` }]),
    ...(judgement?.digest === undefined ? [] : [{ text: `digest: ${judgement.digest}` }]),
    { text: headline(verdict, language) },
    ...(code === undefined ? [] : [{ text: `code: ${code}` }]),
  ]
  const policies = (judgement?.byPolicy ?? []).map((judged) => policyNode(judged, stream))
  return treeLines({ text, children: [...facts, ...policies] })
}

function policyNode(
  { policy, mode, rule, outcome, code, detail, finding, platforms }: PolicyJudgement,
  stream: Stream,
): TreeNode {
  const why = reason(code, detail)
  return {
    text: `policy "${printable(policy)}" (${mode}), ${printable(rule)}: ${outcomeWord(outcome, stream)}${why}`,
    children: [
      ...(finding === undefined ? [] : [findingNode(finding, stream)]),
      ...(platforms ?? []).map((each) => ({
        text: `platform ${printable(each.name)} ${each.digest}`,
        children: [findingNode(each.finding, stream)],
      })),
    ],
  }
}

function findingNode(finding: Finding, stream: Stream): TreeNode {
  const state = `${mark(finding.state === 'satisfied', stream)} `
  const why = reason(finding.code, finding.detail)
  switch (finding.kind) {
    case 'signature':
      return { text: `${state}${demandText(finding)}: ${finding.state}${why}`, children: demandNodes(finding, stream) }
    case 'allOf':
    case 'anyOf':
    case 'atLeast': {
      const name = finding.kind === 'atLeast' ? `atLeast ${finding.count ?? ''}` : finding.kind
      return {
        text: `${state}${name}: ${finding.state}${why}`,
        children: finding.of.map((child) => findingNode(child, stream)),
      }
    }
    case 'deny':
    case 'insecureAcceptAnything':
      return { text: `${state}${finding.kind}: ${finding.state}${why}` }
  }
}

function demandText({ attestor, acceptableKeys, annotations }: SignatureDemandFinding): string {
  const keys = acceptableKeys.map((key) => `"${printable(key, 80)}"`).join(' or ')
  const claims = Object.entries(annotations).map(([key, value]) => printable(`${key}=${value}`, 80))
  const carrying = claims.length === 0 ? '' : ` with ${claims.join(', ')}`
  return `signature by "${attestor}" (${keys === '' ? 'no key is valid now' : `key ${keys}`})${carrying}`
}

function demandNodes({ signatures, oddities, gaps }: SignatureDemandFinding, stream: Stream): readonly TreeNode[] {
  const nodes = [
    ...signatures.map((found) => signatureNode(found, stream)),
    ...oddities.map(({ place, code, detail }) => ({
      text: `no signature: ${printable(place)}${reason(code, detail)}`,
    })),
    ...gaps.map(({ place, code, detail }) => ({
      text: `could not be read: ${printable(place)}${reason(code, detail)}`,
    })),
  ]
  return nodes.length === 0 ? [{ text: 'no signature was found' }] : nodes
}

function signatureNode(found: SignatureFinding, stream: Stream): TreeNode {
  const { place, format, counts, signer, signedAs, code, detail, checks } = found
  const who =
    signer === undefined ? 'by an unknown key' : `by "${signer.attestor}" (key "${printable(signer.key, 80)}")`
  const named = signedAs === undefined ? '' : `, signed as ${printable(signedAs)}`
  const verdict = counts ? 'counts' : `does not count${reason(code, detail)}`
  return {
    text: `${mark(counts, stream)} ${printable(place)} [${format}] ${who}${named}: ${verdict}`,
    children: checks.map((check) => ({
      text: `${mark(check.passed, stream)} ${check.name}${check.passed ? '' : reason(check.code, check.detail)}`,
    })),
  }
}

function mark(good: boolean, stream: Stream): string {
  return good ? styled(stream, 'green', '✓') : styled(stream, 'red', '✗')
}

function reason(code: string | undefined, detail: string | undefined): string {
  if (code === undefined) return ''
  return detail === undefined || detail === '' ? `, ${code}` : `, ${code}: ${printable(detail, 300)}`
}
