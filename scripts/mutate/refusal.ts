// Which code refuses, and which accepts: by this a mutant is marked as one that removes a check. Read from the shape of the
// code and the words in it, and rather too often than too seldom: what is marked has to be killed, nothing more.

import type { Node } from './syntax.ts'
import { child, childList, textField } from './syntax.ts'

const refusingWords =
  /refus|reject|den(y|ied|ial)|fail|problem|invalid|untrusted|undetermined|unsatisfied|unknown|gap|oddit|error|mismatch|broken|malformed|unsupported|conflict|duplicate|\bno[A-Z]|\bnot[A-Z]/i

const refusingFields =
  /\b(counts|accepted|ok|known|allowed|passed|valid|trusted)\s*:\s*false\b|'(untrusted|undetermined|unsatisfied|failed|deny)'|\bcode\b/

const acceptingText =
  /^true$|\b(counts|accepted|ok|allowed|passed|valid|trusted)\s*:\s*true\b|'(trusted|satisfied|accepted|allow)'/

/** Calls that exist for the sake of what they may throw or report. */
const checkingWords = /check|assert|insist|verify|require|ensure|guard|validate|refus|problem|reject|report|fail/i

export interface Texts {
  textOf(node: Node): string
}

/** Does this branch end in a refusal? */
export function refuses(node: Node | undefined, texts: Texts): boolean {
  if (node === undefined) return false
  switch (node.type) {
    case 'BlockStatement':
      return refuses(childList(node, 'body').at(-1), texts)
    case 'ThrowStatement':
    case 'ContinueStatement':
      return true
    case 'ReturnStatement':
      return child(node, 'argument') === undefined || refusesAsValue(child(node, 'argument'), texts)
    case 'ExpressionStatement':
      return isCheckingCall(child(node, 'expression'), texts)
    default:
      return false
  }
}

/** Is this value a refusal: no, nothing, a code, the text of a problem? */
export function refusesAsValue(node: Node | undefined, texts: Texts): boolean {
  if (node === undefined) return false
  const text = texts.textOf(node)
  switch (node.type) {
    case 'Identifier':
      return text === 'undefined' || refusingWords.test(text)
    case 'Literal':
      return text === 'false' || text === 'null' || / /.test(text)
    case 'TemplateLiteral':
      return / /.test(text)
    case 'ObjectExpression':
      return refusingFields.test(text)
    case 'ArrayExpression':
      return childList(node, 'elements').some((element) => refusesAsValue(element, texts))
    case 'ConditionalExpression':
      return ['consequent', 'alternate'].some((branch) => refusesAsValue(child(node, branch), texts))
    case 'CallExpression':
    case 'NewExpression':
      return refusingWords.test(texts.textOf(child(node, 'callee') ?? node))
    default:
      return false
  }
}

export function accepts(node: Node | undefined, texts: Texts): boolean {
  if (node === undefined) return false
  if (node.type === 'BlockStatement') return accepts(childList(node, 'body').at(-1), texts)
  if (node.type === 'ReturnStatement') return acceptsAsValue(child(node, 'argument'), texts)
  return false
}

export function acceptsAsValue(node: Node | undefined, texts: Texts): boolean {
  return node !== undefined && acceptingText.test(texts.textOf(node))
}

export function isCheckingCall(node: Node | undefined, texts: Texts): boolean {
  return node?.type === 'CallExpression' && checkingWords.test(texts.textOf(child(node, 'callee') ?? node))
}

export type Meaning = 'refuses when true' | 'accepts when true' | 'neither'

/**
 * What a part of a condition means for the answer, seen from where its value is used. Negations on the way turn it round.
 *
 * @param ancestors of the part, outermost first
 */
export function meaningOf(part: Node, ancestors: readonly Node[], texts: Texts): Meaning {
  let node = part
  let negated = false
  for (const parent of ancestors.toReversed()) {
    if (parent.type === 'UnaryExpression' && textField(parent, 'operator') === '!') negated = !negated
    else if (parent.type !== 'LogicalExpression') return turned(meaningAt(node, parent, texts), negated)
    node = parent
  }
  return 'neither'
}

function meaningAt(value: Node, user: Node, texts: Texts): Meaning {
  if (user.type === 'IfStatement' && child(user, 'test') === value) {
    const branch = child(user, 'consequent')
    if (refuses(branch, texts)) return 'refuses when true'
    return accepts(branch, texts) || refuses(child(user, 'alternate'), texts) ? 'accepts when true' : 'neither'
  }
  if (user.type === 'ConditionalExpression' && child(user, 'test') === value) {
    if (refusesAsValue(child(user, 'consequent'), texts)) return 'refuses when true'
    const no = refusesAsValue(child(user, 'alternate'), texts)
    return no || acceptsAsValue(child(user, 'consequent'), texts) ? 'accepts when true' : 'neither'
  }
  const isAnswer =
    user.type === 'ReturnStatement' || (user.type === 'ArrowFunctionExpression' && child(user, 'body') === value)
  return isAnswer ? 'accepts when true' : 'neither'
}

function turned(meaning: Meaning, negated: boolean): Meaning {
  if (!negated || meaning === 'neither') return meaning
  return meaning === 'refuses when true' ? 'accepts when true' : 'refuses when true'
}
