// Policies into recordings of facts and out of them: their texts, with the key files that they name.

import { readFileSync } from 'node:fs'
import { dirname, isAbsolute, join, normalize } from 'node:path'
import { listPolicyFiles, readerTools } from '#app/policy-files.ts'
import { CodedError } from '#core/errors.ts'
import type { PolicyFile } from '#core/policy/documents.ts'
import { readDocuments } from '#core/policy/read.ts'
import type { PolicySet } from '#core/policy/set.ts'
import { compilePolicySet } from '#core/policy/set.ts'
import { commandLine } from './key-policy.ts'
import type { PolicyTexts } from './policy-flags.ts'

/** @param once what could be read only once, by name */
export async function policyTexts(paths: readonly string[], once: ReadonlyMap<string, string>): Promise<PolicyTexts> {
  const names = await listPolicyFiles(paths, [])
  const policies = names.map((name) => ({ name, text: once.get(name) ?? readFileSync(name, 'utf8') }))
  return { policies, keyFiles: keyFilesOf(policies) }
}

/** @throws CodedError `facts-malformed` */
export function recordedPolicies({ policies, keyFiles }: PolicyTexts): PolicySet {
  const texts = new Map(keyFiles.map(({ name, text }) => [name, text]))
  const tools = {
    ...readerTools(),
    readFile: (path: string, from: string) => {
      const text = texts.get(keyFileName(path, from))
      if (text !== undefined) return text
      throw new CodedError('facts-malformed', `the recording does not hold the key file ${path.slice(0, 200)}`)
    },
  }
  const read = readDocuments(policies, tools)
  const [problem] = read.problems
  if (problem !== undefined) throw new CodedError('facts-malformed', `the recorded policies: ${problem.message}`)
  const isCommandLine = policies.length === 1 && policies[0]?.name === commandLine
  return compilePolicySet(read, isCommandLine ? { exempt: [] } : {})
}

function keyFilesOf(policies: readonly PolicyFile[]): readonly PolicyFile[] {
  const found = new Map<string, string>()
  const tools = readerTools()
  readDocuments(policies, {
    ...tools,
    readFile: (path, from) => {
      const text = tools.readFile?.(path, from) ?? ''
      found.set(keyFileName(path, from), text)
      return text
    },
  })
  return [...found].map(([name, text]) => ({ name, text }))
}

/** The same name wherever the recording is read: relative stays relative. */
function keyFileName(path: string, from: string): string {
  return isAbsolute(path) ? normalize(path) : join(from === '-' ? '.' : dirname(from), path)
}
