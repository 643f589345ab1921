// Checked manifests for people: one line an object, one an image, the explanation of what is refused, and a sum.

import { passes } from '#core/decision/decision.ts'
import { useBlock } from '#core/decision/explain.ts'
import { printable } from '#core/encoding/printable.ts'
import type { CheckedObject } from './checked-object.ts'
import type { Stream } from './command.ts'
import { outcomeWord } from './image-report.ts'
import { namesOf } from './manifest-request.ts'
import { counted, styled } from './style.ts'

export function checkLines(checked: readonly CheckedObject[], stream: Stream): readonly string[] {
  const words = checked.map(wordOf)
  const count = (word: string) => words.filter((each) => each === word).length
  const sum = `${counted(checked.length, 'object')}: ${count('allowed')} allowed, ${count('denied')} denied, ${count('left alone')} left alone`
  return [...checked.flatMap((object) => objectLines(object, stream)), sum]
}

function wordOf({ judged }: CheckedObject): 'allowed' | 'denied' | 'left alone' {
  if (judged.answer.outcome === 'denied') return 'denied'
  return judged.leftAlone === undefined ? 'allowed' : 'left alone'
}

const reasons: Readonly<Record<string, string>> = {
  'no-image': 'it has no image',
  'unknown-kind': 'Sealward does not know where objects of this kind have images',
  'no-policy': 'no policy is about it',
}

function objectLines(object: CheckedObject, stream: Stream): readonly string[] {
  const { manifest, request, judged } = object
  const word = wordOf(object)
  const { name = '(no name)' } = namesOf(manifest.value)
  const what = `${manifest.kind} ${request.namespace ?? ''}/${name}`
  const style = word === 'denied' ? 'red' : word === 'allowed' ? 'green' : 'dim'
  const why = judged.leftAlone === undefined ? '' : `: ${reasons[judged.leftAlone] ?? judged.leftAlone}`
  return [
    `${printable(manifest.file)}:${manifest.line}  ${styled(stream, 'bold', printable(what, 300))}  ${styled(stream, style, word)}${why}`,
    ...imageLines(object, stream),
    ...judged.answer.warnings.map((warning) => `  warning: ${warning}`),
  ]
}

function imageLines({ judged }: CheckedObject, stream: Stream): readonly string[] {
  const { answer, decision } = judged
  if (decision === undefined) {
    return answer.outcome === 'denied' ? answer.message.split('\n').map((line) => `  ${line}`.trimEnd()) : []
  }
  return decision.verdicts.flatMap((verdict) => {
    const { use, outcome, code } = verdict
    const pin = decision.pins.find(({ pointer }) => pointer === use.pointer)
    const shown = `  ${outcomeWord(outcome, stream)}  ${printable(use.image, 300)}  ${use.field}`
    if (passes(outcome)) return [shown, ...(pin === undefined ? [] : [`    pinned: ${pin.to}`])]
    const lines = useBlock(verdict).filter((line) => line !== '')
    return [shown, ...lines.map((line) => `    ${line}`), `    code: ${code ?? 'internal-error'}`]
  })
}
