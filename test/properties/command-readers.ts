// The readers of the command line: its words, what stands behind its flags, and the files that commands are given.

import { Readable } from 'node:stream'
import fc from 'fast-check'
import { expect } from 'vitest'
import type { Args, CommandContext } from '#app/cli/command.ts'
import { readInput } from '#app/cli/input.ts'
import { annotationsOf, parseIdentity } from '#app/cli/key-flags.ts'
import { loadKeys, parseRepository } from '#app/cli/key-policy.ts'
import { listenAddress } from '#app/cli/listen-address.ts'
import { loadManifests, parseManifests, readText } from '#app/cli/manifests.ts'
import { allOptions } from '#app/cli/options.ts'
import { flagOf, parseCommandLine } from '#app/cli/parse.ts'
import { openRegistry, timeoutOf } from '#app/cli/registry-flags.ts'
import { parseOperand } from '#app/cli/sign-run.ts'
import { storeFlags } from '#app/cli/store-flags.ts'
import { storeOf } from '#app/cli/store-path.ts'
import { formatReference } from '#core/image/reference.ts'
import { fuzzKeys } from '../fuzz/keys.ts'
import { bytes, texts } from './hostile.ts'
import { propertiesOf, type ReaderProperties } from './reader.ts'
import { fileWith } from './scratch.ts'
import { component, host, json, tag } from './words.ts'

/** What a command is told by these words. @throws CodedError `usage` */
async function argsOf(...words: readonly string[]): Promise<Args> {
  const parsed = await parseCommandLine(words)
  if (parsed.kind !== 'run') throw new Error(`these words run nothing: ${words.join(' ')}`)
  return parsed.args
}

async function* standardInput(content: Uint8Array): AsyncGenerator<Uint8Array> {
  yield content
}

const nowhere = { line: () => {}, write: () => {}, colour: false, isTerminal: false }
const context: CommandContext = {
  env: {},
  version: '0.0.0',
  json: false,
  stdin: Readable.from([]) as NodeJS.ReadStream,
  stdout: nowhere,
  stderr: nowhere,
  stopped: () => new AbortController().signal,
}

const name = fc
  .tuple(host, component, component)
  .map(([registry, ...path]) => ({ registry, repository: path.join('/') }))
const flagText = fc.stringMatching(/^[a-z][a-z0-9]{0,8}$/)
const time = fc.tuple(
  fc.integer({ min: 1, max: 59 }),
  fc.constantFrom(['ms', 1] as const, ['s', 1_000] as const, ['m', 60_000] as const),
)

const manifest = fc.record({ apiVersion: fc.constant('v1'), kind: flagText, metadata: fc.record({ name: flagText }) })
const manifests = fc.array(manifest, { minLength: 1, maxLength: 3 }).map((objects) => ({
  input: objects.map((each) => JSON.stringify(each, null, 1)).join('\n---\n'),
  means: objects,
}))
const manifestWords = [
  'kind: List',
  'items:',
  '- ',
  '&a ',
  '*a',
  '<<: *a',
  '{{ .Values.x }}',
  '!!binary ',
  '---\n',
  'apiVersion: v1',
]

const maxInput = 300

export const commandReaders: readonly ReaderProperties[] = [
  propertiesOf({
    of: ['src/app/cli/parse.ts parseCommandLine'],
    form: texts('lines', [
      '--',
      '-',
      '-o',
      'json',
      '--key',
      '--key=',
      '--help',
      'help',
      'verify',
      'keys',
      'policy',
      '__proto__',
    ]),
    read: async (lines) => {
      const parsed = await parseCommandLine(lines.split('\n'))
      if (parsed.kind !== 'run') return { kind: parsed.kind }
      const { spec, args } = parsed
      const values = allOptions(spec).map((option) => [flagOf(option).name, args.all(flagOf(option).name)])
      return { kind: spec.name, operands: args.operands, values: Object.fromEntries(values) }
    },
    written: fc.tuple(flagText, flagText).map(([image, key]) => ({
      input: ['verify', image, '--key', key, `--annotation=${key}=${image}`].join('\n'),
      means: { kind: 'verify', operands: [image], key: [key], annotation: [`${key}=${image}`] },
    })),
    meaningOf: ({ kind, operands, values }) => ({
      kind,
      operands,
      key: values?.['key'],
      annotation: values?.['annotation'],
    }),
    refuses: ['usage'],
  }),
  propertiesOf({
    of: ['src/app/cli/key-flags.ts annotationsOf'],
    form: texts('lines', ['=', '==', '__proto__=1']),
    read: async (lines) =>
      annotationsOf(await argsOf('verify', 'a', ...lines.split('\n').map((each) => `--annotation=${each}`))),
    written: fc.dictionary(flagText, fc.stringMatching(/^[ -~]{0,20}$/), { minKeys: 1, maxKeys: 3 }).map((means) => ({
      input: Object.entries(means)
        .map((pair) => pair.join('='))
        .join('\n'),
      means,
    })),
    refuses: ['usage'],
    rewrite: (values) =>
      Object.entries(values)
        .map((pair) => pair.join('='))
        .join('\n'),
    isExact: true,
  }),
  propertiesOf({
    of: ['src/app/cli/key-flags.ts parseIdentity'],
    form: texts('text', ['Any', 'MatchExact', 'ExactReference=', 'RemapIdentity=', '=', '__proto__', 'toString']),
    read: parseIdentity,
    written: fc
      .tuple(component, component)
      .chain(([prefix, signedPrefix]) =>
        fc.constantFrom(
          { input: 'MatchRepository', means: { type: 'MatchRepository' } },
          { input: `ExactReference=${prefix}`, means: { type: 'ExactReference', reference: prefix } },
          { input: `RemapIdentity=${prefix}=${signedPrefix}`, means: { type: 'RemapIdentity', prefix, signedPrefix } },
        ),
      ),
    refuses: ['usage'],
    rewrite: ({ type, ...members }) => [type, ...Object.values(members)].join('='),
    isExact: true,
  }),
  propertiesOf({
    of: ['src/app/cli/key-policy.ts parseRepository'],
    form: texts('text', [':v1', '@sha256:', '/']),
    read: parseRepository,
    written: name.map((means) => ({ input: formatReference(means), means })),
    refuses: ['usage'],
    rewrite: formatReference,
  }),
  propertiesOf({
    of: ['src/app/cli/sign-run.ts parseOperand'],
    form: texts('text', [':v1', '@sha256:', '/']),
    read: parseOperand,
    written: fc.tuple(name, tag).map(([parts, version]) => ({
      input: formatReference({ ...parts, tag: version }),
      means: { ...parts, tag: version },
    })),
    meaningOf: ({ text: _, ...parts }) => parts,
    refuses: ['usage'],
  }),
  propertiesOf({
    of: ['src/app/cli/key-policy.ts loadKeys'],
    form: bytes('lines', ['-----BEGIN PUBLIC KEY-----']),
    read: (content) => loadKeys([fileWith('a.pub', content), fileWith('b.pub', content)]),
    written: fc
      .constantFrom(...Object.values(fuzzKeys))
      .map(({ pem, fingerprint }) => ({ input: Buffer.from(pem), means: [fingerprint] })),
    meaningOf: (keys) => keys.map(({ fingerprint }) => fingerprint),
    refuses: ['key-malformed', 'key-unsupported', 'key-weak', 'input-too-large'],
    promises: (keys) => expect(keys).toHaveLength(1),
  }),
  propertiesOf({
    of: ['src/app/cli/listen-address.ts listenAddress'],
    form: texts('text', ['[::]', ':0', ':65536', '127.0.0.1', 'localhost']),
    read: listenAddress,
    written: fc.tuple(fc.constantFrom('127.0.0.1', 'localhost', '0.0.0.0'), fc.nat(65_535)).map(([place, port]) => ({
      input: `${place}:${port}`,
      means: { host: place, port },
    })),
    refuses: ['usage'],
    promises: ({ port }) => expect(port).toBeLessThanOrEqual(65_535),
  }),
  propertiesOf({
    of: ['src/app/cli/registry-flags.ts timeoutOf'],
    form: texts('text', ['ms', 's', 'm', 'h', '0', '-1', '1.5']),
    read: async (text) => timeoutOf(await argsOf('verify', 'a', `--timeout=${text}`)),
    written: time.map(([amount, [unit, factor]]) => ({ input: `${amount}${unit}`, means: amount * factor })),
    refuses: ['usage'],
    promises: (milliseconds) => expect(milliseconds >= 1 && milliseconds <= 3_600_000).toBe(true),
  }),
  propertiesOf({
    of: ['src/app/cli/registry-flags.ts openRegistry'],
    form: texts('text', ['localhost:5000', ':', '[::1]', '/', '0x7f.1']),
    read: async (registry) => {
      const client = await openRegistry(await argsOf('verify', 'a', `--insecure-registry=${registry}`), context)
      await client.close()
      return registry
    },
    written: host.map((means) => ({ input: means, means })),
    refuses: ['usage'],
  }),
  propertiesOf({
    of: ['src/app/cli/registry-flags.ts loadAuthorities'],
    form: bytes('lines', ['-----BEGIN CERTIFICATE-----']),
    read: async (content) => {
      const file = fileWith('ca.crt', content)
      await (await openRegistry(await argsOf('verify', 'a', `--registry-ca=r.example=${file}`), context)).close()
      return content.length
    },
    written: fc.constant({ input: Buffer.from('-----BEGIN CERTIFICATE-----\n'), means: 28 }),
    refuses: ['usage'],
  }),
  propertiesOf({
    of: ['src/app/cli/store-path.ts storeOf'],
    form: texts('text', ['postgres://', '/', '.db', '\0']),
    read: async (path) => storeOf(await argsOf('serve', `--store=${path}`)),
    written: flagText.map((word) => ({ input: `no/such/${word}.db`, means: `no/such/${word}.db` })),
    refuses: ['usage'],
  }),
  propertiesOf({
    of: ['src/app/cli/store-flags.ts storeFlags'],
    form: texts('text', ['forever', 'd', 'w', '0d', '1.5h']),
    read: async (age) => {
      const flags = storeFlags(await argsOf('serve', '--store=no/such/file.db', `--store-keep=${age}`))
      return age === 'forever' || Number(flags?.keep.ageMs) > 0 ? age : 'nothing'
    },
    written: fc
      .tuple(fc.integer({ min: 1, max: 999 }), fc.constantFrom('h', 'd', 'w'))
      .map(([amount, unit]) => ({ input: `${amount}${unit}`, means: `${amount}${unit}` })),
    refuses: ['usage'],
    promises: (age) => expect(age).toMatch(/^(forever|\d{1,6}[hdw])$/),
  }),
  propertiesOf({
    of: ['src/app/cli/manifests.ts parseManifests'],
    form: texts('lines', manifestWords),
    read: (text) => parseManifests('all.yaml', text),
    written: manifests,
    meaningOf: (found) => found.map(({ value }) => value),
    refuses: ['yaml-malformed', 'input-too-large'],
    promises: (found) => {
      for (const { apiVersion, kind, line } of found)
        expect([apiVersion !== '', kind !== '', line >= 1]).toEqual([true, true, true])
    },
  }),
  propertiesOf({
    of: ['src/app/cli/manifests.ts loadManifests'],
    form: bytes('json', manifestWords),
    read: (content) => loadManifests(['-'], standardInput(content)),
    written: manifest.map((value) => ({ input: json(value), means: [value] })),
    meaningOf: (found) => found.map(({ value }) => value),
    refuses: ['yaml-malformed', 'input-too-large'],
  }),
  propertiesOf({
    of: ['src/app/cli/input.ts readInput'],
    form: bytes('bytes'),
    read: async (content) => new Uint8Array(await readInput(fileWith('input', content), context, maxInput)),
    written: fc.uint8Array({ maxLength: maxInput }).map((means) => ({ input: means, means })),
    refuses: ['input-too-large'],
    rewrite: (content) => content,
    isExact: true,
  }),
  propertiesOf({
    of: ['src/app/cli/manifests.ts readText'],
    form: bytes('lines', ['\ufeff']),
    read: (content) => readText(fileWith('text', content), standardInput(content)),
    written: flagText.map((means) => ({ input: Buffer.from(means), means })),
    refuses: ['yaml-malformed'],
  }),
]
