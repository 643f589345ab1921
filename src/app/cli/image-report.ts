// One judged image as commands show it: as JSON, and as lines for people.

import type { Decision, UseVerdict } from '#core/decision/decision.ts'
import { useBlock } from '#core/decision/explain.ts'
import { printable } from '#core/encoding/printable.ts'
import type { Language } from '#core/policy/words.ts'
import type { Stream } from './command.ts'
import type { ImageReport } from './output.ts'
import type { Style } from './style.ts'
import { styled } from './style.ts'

export function imageReport(verdict: UseVerdict, decision: Decision, language: Language = 'en'): ImageReport {
  const { use, outcome, code, detail, policy, judgement } = verdict
  const pin = decision.pins.find(({ pointer }) => pointer === use.pointer)
  return {
    image: use.image,
    ...(judgement && { reference: judgement.reference }),
    ...(judgement?.digest !== undefined && { digest: judgement.digest }),
    outcome,
    ...(code !== undefined && { code }),
    ...(detail !== undefined && { detail }),
    ...(policy !== undefined && { policy }),
    signers: (judgement?.signers ?? []).map(({ attestor, key, fingerprint }) => ({ attestor, key, fingerprint })),
    ...(pin !== undefined && { pinned: pin.to }),
    explanation: useBlock(verdict, language).filter((line) => line !== ''),
  }
}

const words: Readonly<Record<UseVerdict['outcome'], readonly [text: string, style: Style]>> = {
  trusted: ['trusted', 'green'],
  untrusted: ['untrusted', 'red'],
  undetermined: ['undetermined', 'yellow'],
  accepted: ['accepted unverified', 'yellow'],
}

export function outcomeWord(outcome: UseVerdict['outcome'], stream: Stream): string {
  const [text, style] = words[outcome]
  return styled(stream, style, text)
}

/** The outcome, the digest, who signed or what stands in the way, and the code. */
export function imageLines(verdict: UseVerdict, stream: Stream): readonly string[] {
  const { use, outcome, code, judgement } = verdict
  const digest = judgement?.digest === undefined ? [] : [`  digest: ${judgement.digest}`]
  const lines = useBlock(verdict).filter((line) => line !== '')
  const codes = code === undefined ? [] : [`  code: ${code}`]
  return [
    `${outcomeWord(outcome, stream)}  ${styled(stream, 'bold', printable(use.image, 300))}`,
    ...digest,
    ...lines.map((line) => `  ${line}`),
    ...codes,
  ]
}
