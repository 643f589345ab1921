// Strict JSON against the same text read by its grammar: what is accepted means what it says, and nothing good is refused.
// In pieces, it is what it is as a whole.

import { isDeepStrictEqual } from 'node:util'
import { parseStrictJsonInPieces } from '#core/encoding/json-in-pieces.ts'
import { defaultMaxDepth, parseStrictJson, parseStrictJsonBytes } from '#core/encoding/strict-json.ts'
import { type Parts, partsOf, textOf } from '../case.ts'
import type { JsonNode } from '../json-text.ts'
import { hasRepeatedMember, isWholeUnicode, jsonDepth, jsonValue, parseJsonText } from '../json-text.ts'
import { must, reading, type Target } from '../target.ts'

const seeds = {
  scalars: partsOf({ text: '[null,true,false,0,-1.5e3,"a\\u0062\\n\\"\\\\\\/","é😀"]' }),
  nested: partsOf({ text: '{"a":{"b":[{"c":{"d":[[]]}}]},"e":{},"f":[1,[2,[3]]]}' }),
  escaped: partsOf({ text: '{"\\u0069mage":"x","i\\u006dage":"y","\\u006":1,"__proto__":{"a":1},"":0}' }),
  surrogates: partsOf({ text: '{"a":"\\ud83d\\ude00","b":"\\ud83d \\ude00"}' }),
  twice: partsOf({ text: '{"a":1,"b":{"c":1,"\\u0063":2}}' }),
  deep: partsOf({ text: `${'['.repeat(64)}1${']'.repeat(64)}` }),
  deeper: partsOf({ text: `${'{"a":'.repeat(65)}1${'}'.repeat(65)}` }),
} satisfies Record<string, Parts>

export const json: Target = {
  name: 'json',
  about: 'strict JSON against its grammar',
  syntax: { text: 'json' },
  dictionary: ['a', 'b', '\\u0061', '\\u006', '\\ud800', '\\udc00', '{"a":', '[', ']', '}', ',', '"a":1'],
  open: () => ({
    seeds,
    run: (parts) => {
      const bytes = parts['text'] ?? new Uint8Array()
      const text = textOf(bytes)
      const node = parseJsonText(text)
      const read = reading(() => parseStrictJsonBytes(bytes))
      if (read.code === undefined) {
        must(node !== undefined, 'strict JSON accepted what is no JSON')
        checkAccepted(node, read.value)
      } else {
        const isGood = node !== undefined && isAcceptable(node) && Buffer.from(text).equals(bytes)
        must(!isGood, 'strict JSON refused what every reader reads alike', () => read.code)
      }
      const pieces = reading(() => inPieces(bytes))
      must(isDeepStrictEqual(pieces, read), 'JSON in pieces is read otherwise than as a whole')
      const again = reading(() => parseStrictJson(text, { maxDepth: 500 }))
      return `${read.code ?? 'read'} ${again.code ?? 'read'}`
    },
  }),
}

function inPieces(bytes: Uint8Array): unknown {
  const steps = parseStrictJsonInPieces(bytes, { pieceBytes: 1 + (bytes.length % 5) })
  for (;;) {
    const { done, value } = steps.next()
    if (done === true) return value
  }
}

function checkAccepted(node: JsonNode, value: unknown): void {
  must(!hasRepeatedMember(node), 'strict JSON accepted a member that is named twice')
  must(jsonDepth(node) <= defaultMaxDepth, 'strict JSON accepted more depth than its cap')
  must(isWholeUnicode(node), 'strict JSON accepted half of a surrogate pair')
  must(isDeepStrictEqual(value, jsonValue(node)), 'strict JSON made another value of the text')
}

function isAcceptable(node: JsonNode): boolean {
  return !hasRepeatedMember(node) && jsonDepth(node) <= defaultMaxDepth && isWholeUnicode(node)
}
