// The readers of `src/core/encoding`.

import fc from 'fast-check'
import { expect } from 'vitest'
import { decodeBase64, encodeBase64 } from '#core/encoding/base64.ts'
import { parseStrictJsonInPieces } from '#core/encoding/json-in-pieces.ts'
import { encodePem, parsePem } from '#core/encoding/pem.ts'
import { parseStrictJson, parseStrictJsonBytes } from '#core/encoding/strict-json.ts'
import { parseYamlDocuments } from '#core/encoding/yaml.ts'
import { bytes, texts } from './hostile.ts'
import { propertiesOf, type ReaderProperties } from './reader.ts'

const base64 = (content: Uint8Array) => Buffer.from(content).toString('base64')

const pemBlock = fc
  .tuple(fc.constantFrom('PUBLIC KEY', 'CERTIFICATE', 'X'), fc.uint8Array({ minLength: 1, maxLength: 100 }))
  .map(([label, content]) => {
    const lines = base64(content).match(/.{1,64}/g) ?? []
    return { input: `-----BEGIN ${label}-----\n${lines.join('\n')}\n-----END ${label}-----\n`, label, content }
  })

const pemFile = fc.array(pemBlock, { minLength: 1, maxLength: 4 }).map((blocks) => ({
  input: blocks.map(({ input }) => input).join('\r\n'),
  means: blocks.map(({ label, content }) => ({ label, bytes: content })),
}))

/** What the platform makes of the text, for texts in which it makes no mistake: those that escape nothing. */
function agreesWithPlatform(value: unknown, text: string): void {
  if (!text.includes('\\')) expect(JSON.stringify(value)).toBe(JSON.stringify(JSON.parse(text)))
}

const json = fc.jsonValue().map((value) => {
  const input = JSON.stringify(value)
  const means: unknown = JSON.parse(input)
  return { input, means }
})

const jsonCodes = ['json-malformed', 'json-duplicate', 'json-too-deep'] as const
const jsonWords = ['"a"', '"\\u0061"', '"__proto__"', '\\u00', '"\\u006":1', ':', '{"a":1,"a":2}', '\\ud800']

/** Names and values that no reader of YAML takes for something else; as lines, and as the JSON that YAML includes. */
const yaml = fc
  .dictionary(
    fc.stringMatching(/^k[a-z]{0,7}$/),
    fc.oneof(fc.stringMatching(/^v[a-z]{0,7}$/), fc.integer(), fc.boolean(), fc.constant(null)),
    { minKeys: 1 },
  )
  .chain((members) => {
    const lines = Object.entries(members).map(([name, value]) => `${name}: ${value}\n`)
    return fc.constantFrom(lines.join(''), `${JSON.stringify(members)}\n`).map((text) => ({ text, members }))
  })

const yamlFile = fc.array(yaml, { minLength: 1, maxLength: 3 }).map((documents) => ({
  input: documents.map(({ text }) => text).join('---\n'),
  means: documents.map(({ members }) => ({ value: members, problems: [] })),
}))

export const encodingReaders: readonly ReaderProperties[] = [
  propertiesOf({
    of: ['src/core/encoding/base64.ts decodeBase64'],
    form: texts('text', ['=', '==', 'AA==', 'AAA=', '-', '_']),
    read: decodeBase64,
    written: fc.uint8Array({ maxLength: 200 }).map((content) => ({ input: base64(content), means: content })),
    refuses: ['base64-malformed'],
    rewrite: encodeBase64,
    isExact: true,
  }),
  propertiesOf({
    of: ['src/core/encoding/pem.ts parsePem'],
    form: texts('lines', ['-----BEGIN X-----', '-----END X-----', '-----', 'Proc-Type: 4,ENCRYPTED', 'AAAA']),
    read: parsePem,
    written: pemFile,
    refuses: ['pem-malformed'],
    promises: (blocks) => expect(blocks.every((block) => block.bytes.length > 0)).toBe(true),
    rewrite: (blocks) => blocks.map(({ label, bytes: content }) => encodePem(label, content)).join(''),
  }),
  propertiesOf({
    of: ['src/core/encoding/strict-json.ts parseStrictJson', 'src/core/encoding/json-slowly.ts readJsonSlowly'],
    form: texts('json', jsonWords),
    read: (text) => parseStrictJson(text),
    written: json,
    refuses: jsonCodes,
    promises: agreesWithPlatform,
  }),
  propertiesOf({
    of: ['src/core/encoding/strict-json.ts parseStrictJsonBytes'],
    form: bytes('json', jsonWords),
    read: (content) => parseStrictJsonBytes(content),
    written: json.map(({ input, means }) => ({ input: new TextEncoder().encode(input), means })),
    refuses: jsonCodes,
    promises: (value, content) => agreesWithPlatform(value, new TextDecoder('utf-8', { fatal: true }).decode(content)),
  }),
  propertiesOf({
    of: ['src/core/encoding/json-in-pieces.ts parseStrictJsonInPieces'],
    form: bytes('json', jsonWords),
    read: (content) => {
      const steps = parseStrictJsonInPieces(content, { pieceBytes: 1 + (content.length % 7) })
      for (;;) {
        const { done, value } = steps.next()
        if (done === true) return value
      }
    },
    written: json.map(({ input, means }) => ({ input: new TextEncoder().encode(input), means })),
    refuses: jsonCodes,
    promises: (value, content) => agreesWithPlatform(value, new TextDecoder('utf-8', { fatal: true }).decode(content)),
  }),
  propertiesOf({
    of: ['src/core/encoding/yaml.ts parseYamlDocuments'],
    form: texts('lines', ['- ', '? ', ': ', '&a ', '*a', '<<: ', '!!str ', '|', '>-', '---\n', '~', 'yes', '.inf']),
    read: (text) => parseYamlDocuments(text).map(({ value, problems }) => ({ value, problems })),
    written: yamlFile,
    refuses: [],
    promises: (documents, text) => {
      const lines = text.split('\n').length
      for (const { line, message } of documents.flatMap(({ problems }) => problems)) {
        expect(line).toBeGreaterThanOrEqual(1)
        expect(line).toBeLessThanOrEqual(lines)
        expect(message.length).toBeLessThanOrEqual(300)
      }
    },
  }),
]
