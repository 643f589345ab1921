// All commands. Help, parsing, completion and the documents are made of this table.

import { command as check } from './check.ts'
import type { CommandSpec } from './command.ts'
import { command as completion } from './completion.ts'
import { decisionsList, decisionsShow, decisionsVerify } from './decisions.ts'
import { command as demo } from './demo.ts'
import { command as explain } from './explain.ts'
import { keysGenerate, keysImport, keysPublic } from './keys.ts'
import { policyLint } from './policy-lint.ts'
import { command as review } from './review.ts'
import { command as serve } from './serve.ts'
import { command as sign } from './sign.ts'
import { command as tree } from './tree.ts'
import { command as verify } from './verify.ts'

export const commands: readonly CommandSpec[] = [
  demo,
  verify,
  explain,
  check,
  sign,
  tree,
  keysGenerate,
  keysImport,
  keysPublic,
  policyLint,
  serve,
  decisionsList,
  decisionsShow,
  decisionsVerify,
  review,
  completion,
]

/** `keys`, `policy` and `decisions`, with what they gather. */
export const groups: Readonly<Record<string, string>> = {
  keys: 'make, import and show keys for signing',
  policy: 'look after policy files',
  decisions: 'look into the record of decisions that serve keeps',
}

/** Commands that are decided but not built yet, so that whoever types one learns more than "unknown". */
export const laterCommands: readonly string[] = [
  'attest',
  'verify-bundle',
  'sign-bundle',
  'keys list',
  'keys rotate',
  'keys retire',
  'policy import',
  'policy diff',
  'policy simulate',
  'exception request',
  'exception approve',
  'exception list',
  'node render',
  'node diff',
  'node status',
]
