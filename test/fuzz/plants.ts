// Planted defects: one line of the product, rewritten while it is loaded, to see whether the fuzzer finds it. The sources
// themselves stay as they are. A plant whose line is gone fails loudly, here and in `test/fuzz/plants.test.ts`.

import { readFileSync } from 'node:fs'
import { registerHooks } from 'node:module'
import { fileURLToPath } from 'node:url'

export interface Plant {
  readonly name: string
  /** What is broken, for people. */
  readonly about: string
  /** From the root of the repository. */
  readonly file: string
  /** Stands exactly once in the file. */
  readonly line: string
  readonly instead: string
  /** Targets that can see it; the fuzzer spends its time on these. */
  readonly targets: readonly string[]
}

export const plants: readonly Plant[] = [
  {
    name: 'depth-cap',
    about: 'strict JSON counts the depth and refuses nothing for it',
    file: 'src/core/encoding/strict-json.ts',
    line: 'if (++depth > maxDepth) throw tooDeep(maxDepth, at - 1)',
    instead: '++depth',
    targets: ['json'],
  },
  {
    name: 'size-cap',
    about: 'an answer of a registry is read to its end, however long',
    file: 'src/io/http/exchange.ts',
    line: 'if (this.#length <= this.#cap) this.#chunks.push(chunk)',
    instead: 'if (this.#length >= 0) this.#chunks.push(chunk)',
    targets: ['registry'],
  },
  {
    name: 'digest-check',
    about: 'bytes that a registry sends are not compared with the digest that was asked for',
    file: 'src/io/registry/content.ts',
    line: 'if (actual === digest) return',
    instead: 'if (actual !== undefined) return',
    targets: ['registry'],
  },
  {
    name: 'payload-digest',
    about: 'a signature counts for every image, whatever digest was signed',
    file: 'src/signature/simple-signing.ts',
    line: 'const matches = digest === subject.digest',
    instead: 'const matches = digest !== undefined',
    targets: ['evidence'],
  },
  {
    name: 'subject-check',
    about: 'a referrer counts for every image that a list names it for',
    file: 'src/signature/referrers.ts',
    line: 'manifest.subject?.digest !== digest',
    instead: 'manifest.subject === undefined',
    targets: ['evidence'],
  },
  {
    name: 'duplicate-key',
    about: 'strict JSON takes the last of two members of one name',
    file: 'src/core/encoding/strict-json.ts',
    line: 'return counted === written ? quick : readJsonSlowly(text)',
    instead: 'return written < 0 ? readJsonSlowly(text) : quick',
    targets: ['json', 'evidence'],
  },
  {
    name: 'signature-check',
    about: 'a signature that can be read counts, whoever made it',
    file: 'src/signature/keys/check.ts',
    line: 'resolve(error === null && valid === true)',
    instead: 'resolve(error === null && valid !== undefined)',
    targets: ['evidence'],
  },
  {
    name: 'annotation-check',
    about: 'annotations that a policy asks for are not looked for',
    file: 'src/core/decision/evidence.ts',
    line: 'if (signed === wanted) continue',
    instead: 'if (signed === wanted || wanted !== undefined) continue',
    targets: ['evidence'],
  },
  {
    name: 'identity-check',
    about: 'the name inside a signature may be any',
    file: 'src/core/decision/identity.ts',
    line: 'return a.registry === b.registry && a.repository === b.repository',
    instead: 'return a.registry.length > 0 && b.repository.length > 0',
    targets: ['evidence'],
  },
  {
    name: 'catch-payload',
    about: 'a payload that cannot be read ends in an exception instead of a refusal',
    file: 'src/signature/simple-signing.ts',
    line: "if (!(error instanceof CodedError) || error.code === 'internal-error') throw error",
    instead: 'if (error !== undefined) throw error',
    targets: ['evidence'],
  },
  {
    name: 'catch-review',
    about: 'a broken review with a uid is refused as a whole instead of answered',
    file: 'src/app/server/reading.ts',
    line: 'return { id: parseReviewId(body), refusal: denial(codeOf(error), messageOf(error)) }',
    instead: 'throw error',
    targets: ['review'],
  },
  {
    name: 'uid-echo',
    about: 'the uid of an answer is not that of the review',
    file: 'src/core/admission/answer.ts',
    line: 'uid: id.uid,',
    instead: 'uid: id.uid.toLowerCase(),',
    targets: ['review'],
  },
  {
    name: 'init-containers',
    about: 'images of init containers are not looked at',
    file: 'src/core/admission/workload.ts',
    line: "const containerLists = ['initContainers', 'containers', 'ephemeralContainers'] as const",
    instead: "const containerLists = ['containers', 'ephemeralContainers'] as const",
    targets: ['review'],
  },
  {
    name: 'yaml-depth-cap',
    about: 'YAML may nest as deep as it likes',
    file: 'src/core/encoding/yaml.ts',
    line: 'if (depth >= levels && first)',
    instead: 'if (depth < 0 && first)',
    targets: ['yaml'],
  },
  {
    name: 'glob-order',
    about: 'the pieces of a glob may stand in any order',
    file: 'src/core/image/glob.ts',
    line: 'const found = text.indexOf(piece, from)',
    instead: 'const found = text.indexOf(piece)',
    targets: ['pattern'],
  },
  {
    name: 'scrypt-cost',
    about: 'a sealed key says how much is spent on opening it',
    file: 'src/signature/keys/sealed-key.ts',
    line: "if (!readableN.includes(n) || params['r'] !== blockSize || params['p'] !== parallelism) {",
    instead: "if (n < 1 || params['r'] !== blockSize || params['p'] !== parallelism) {",
    targets: ['sealed-key'],
  },
  {
    name: 'token-header',
    about: 'a token may hold what belongs into no header',
    file: 'src/io/registry/token.ts',
    line: 'if (text.length > maxTokenLength || !/^[\\x21-\\x7e]+$/.test(text))',
    instead: 'if (text.length > maxTokenLength)',
    targets: ['token'],
  },
]

const root = new URL('../../', import.meta.url)

/** The source with the defect. @throws Error unless the line is there exactly once */
export function planted(plant: Plant, source: string): string {
  const found = source.split(plant.line).length - 1
  if (found !== 1) throw new Error(`the plant "${plant.name}" finds its line ${found} times in ${plant.file}, not once`)
  return source.replace(plant.line, () => plant.instead)
}

/** Call before anything of the product is loaded in this thread. */
export function plantDefect(name: string): { checkApplied(target: string): void } {
  const plant = plants.find((each) => each.name === name)
  if (plant === undefined) throw new Error(`there is no plant "${name}"; known are ${plants.map((each) => each.name)}`)
  const url = new URL(plant.file, root).href
  let applied = false
  registerHooks({
    load(loaded, context, nextLoad) {
      const result = nextLoad(loaded, context)
      if (loaded !== url) return result
      applied = true
      return { ...result, source: planted(plant, readFileSync(fileURLToPath(loaded), 'utf8')) }
    },
  })
  return {
    checkApplied(target) {
      if (!applied)
        throw new Error(`the plant "${name}" is in ${plant.file}, which the target "${target}" does not load`)
    },
  }
}
