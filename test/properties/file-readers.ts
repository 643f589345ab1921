// The readers of `src/io` that look into files, pipes and the environment. Each input is written to a file of its own.

import { chmodSync } from 'node:fs'
import { delimiter } from 'node:path'
import { Readable, Writable } from 'node:stream'
import fc from 'fast-check'
import { expect } from 'vitest'
import { readBounded } from '#io/bounded-file.ts'
import { loadNetworkSettings, proxyFor } from '#io/http/network.ts'
import { loadKeyFile, loadPrivateKey, loadPublicKey } from '#io/keys/key-files.ts'
import { loadPassword, type PasswordInput } from '#io/keys/password.ts'
import { askCredentialHelper } from '#io/registry/credential-helper.ts'
import { parseDockerConfig, parseLegacyDockerConfig } from '#io/registry/docker-config.ts'
import { loadDockerConfig } from '#io/registry/docker-config-file.ts'
import { fuzzKeys } from '../fuzz/keys.ts'
import { bytes, texts } from './hostile.ts'
import { demanded } from './outcome.ts'
import { propertiesOf, type ReaderProperties } from './reader.ts'
import { fileWith, folder } from './scratch.ts'
import { password, sealed } from './sealed.ts'
import { component, host, json } from './words.ts'

const keyCodes = ['key-malformed', 'key-unsupported', 'key-weak', 'input-too-large'] as const
const keyWords = ['-----BEGIN PUBLIC KEY-----', 'RSA PUBLIC KEY', 'ENCRYPTED SIGSTORE PRIVATE KEY']
const pems = fc
  .constantFrom(...Object.values(fuzzKeys))
  .map(({ pem, fingerprint }) => ({ input: Buffer.from(pem), means: fingerprint }))

const word = fc.stringMatching(/^[!-~]{1,20}$/)
const login = fc.tuple(
  host,
  word.filter((name) => !name.includes(':')),
  word,
)
const dockerConfig = login.map(([registry, username, secret]) => ({
  input: JSON.stringify({ auths: { [registry]: { auth: Buffer.from(`${username}:${secret}`).toString('base64') } } }),
  means: [{ kind: 'basic', username, password: secret }],
}))
const configWords = [
  'auths',
  'auth',
  'username',
  'password',
  'identitytoken',
  'registrytoken',
  'credHelpers',
  'credsStore',
  'https://',
  '/v1/',
  '*.',
]

function programWith(output: Uint8Array): void {
  const answer = fileWith('answer', output)
  chmodSync(fileWith('docker-credential-properties', `#!/bin/sh\ncat '${answer}'\n`), 0o755)
}

const path = process.env['PATH']
async function askHelper(output: Uint8Array) {
  programWith(output)
  process.env['PATH'] = `${folder}${delimiter}${path}`
  try {
    return demanded(
      await askCredentialHelper('properties', 'r.example', AbortSignal.timeout(15_000)),
      'credential-helper-failed',
    )
  } finally {
    process.env['PATH'] = path
  }
}

function passwordFrom(input: PasswordInput): Promise<string> {
  const output = new Writable({ write: (_chunk, _encoding, done) => done() })
  return loadPassword({ fromEnvironment: undefined, what: 'password', confirm: false, input, output })
}

/** As at a terminal: every key alone. */
function typed(content: Uint8Array): PasswordInput {
  const chunks = Array.from(content, (_byte, at) => Buffer.from(content.subarray(at, at + 1)))
  return Object.assign(Readable.from(chunks), { isTTY: true })
}

const line = fc.stringMatching(/^[ -~äß密]{1,40}$/)

const maxBytes = 300

export const fileReaders: readonly ReaderProperties[] = [
  propertiesOf({
    of: ['src/io/bounded-file.ts readBounded'],
    form: bytes('bytes'),
    read: (content) => new Uint8Array(demanded(readBounded(fileWith('bounded', content), maxBytes), 'input-too-large')),
    written: fc.uint8Array({ maxLength: maxBytes }).map((means) => ({ input: means, means })),
    refuses: ['input-too-large'],
    rewrite: (content) => content,
    isExact: true,
  }),
  propertiesOf({
    of: ['src/io/keys/key-files.ts loadPublicKey'],
    form: bytes('lines', keyWords),
    read: (content) => loadPublicKey(fileWith('cosign.pub', content)),
    written: pems,
    meaningOf: ({ fingerprint }) => fingerprint,
    refuses: keyCodes,
  }),
  propertiesOf({
    of: ['src/io/keys/key-files.ts loadKeyFile'],
    form: bytes('lines', keyWords),
    read: (content) => loadKeyFile(fileWith('a.key', content)),
    written: fc.string().map((means) => ({ input: Buffer.from(means), means: means.toWellFormed() })),
    refuses: ['key-malformed', 'input-too-large'],
    promises: (text, content) => expect(text.length).toBeLessThanOrEqual(content.length),
  }),
  propertiesOf({
    of: ['src/io/keys/key-files.ts loadPrivateKey'],
    form: bytes('lines', keyWords),
    read: async (content) => (await loadPrivateKey(fileWith('cosign.key', content), async () => password)).publicKey,
    written: fc.constant({ ...sealed, input: Buffer.from(sealed.input) }),
    meaningOf: ({ fingerprint }) => fingerprint,
    refuses: [...keyCodes, 'key-password-wrong'],
    runs: 4,
  }),
  propertiesOf({
    of: ['src/io/keys/password.ts loadPassword'],
    form: bytes('lines', ['\n', '\r\n']),
    read: (content) => passwordFrom(Readable.from([Buffer.from(content)])),
    written: line.chain((means) =>
      fc.constantFrom('', '\n', '\r\n', '\nmore').map((end) => ({ input: Buffer.from(`${means}${end}`), means })),
    ),
    refuses: ['usage'],
    promises: (given) => {
      expect(given.length).toBeLessThanOrEqual(4096)
      expect(given).not.toContain('\n')
    },
  }),
  propertiesOf({
    of: ['src/io/keys/password.ts promptPassword'],
    form: bytes('lines', ['\n', '\u0003', '\u0004', '\u007f', '\u0015']),
    read: (content) => passwordFrom(typed(content)),
    written: line.map((means) => ({ input: Buffer.from(`x\u007f${means}\rmore`), means })),
    refuses: ['usage'],
    promises: (given) => {
      expect(given.length).toBeLessThanOrEqual(4096)
      expect(Array.from(given).every((character) => character >= ' ')).toBe(true)
    },
  }),
  propertiesOf({
    of: ['src/io/http/network.ts loadNetworkSettings'],
    form: texts('text', ['http://', 'https://', 'socks5://', 'user:pw@', ':3128', 'proxy.example']),
    read: async (proxy) => {
      const network = await loadNetworkSettings({ HTTPS_PROXY: proxy, NO_PROXY: proxy })
      return { ...network, used: proxyFor(new URL('https://registry.example/'), network) }
    },
    written: host.map((name) => ({ input: `http://${name}`, means: `http://${name}` })),
    meaningOf: ({ used }) => used,
    refuses: ['usage'],
    promises: ({ used, httpsProxy }, proxy) => {
      expect(used).toBe(httpsProxy)
      if (proxy !== '') expect(new URL(used ?? '').protocol).toMatch(/^https?:$/)
    },
  }),
  propertiesOf({
    of: ['src/io/http/network.ts readAuthorities'],
    form: bytes('lines', ['-----BEGIN CERTIFICATE-----']),
    read: async (content) => (await loadNetworkSettings({ SSL_CERT_FILE: fileWith('ca.pem', content) })).ca,
    written: fc.string().map((means) => ({ input: Buffer.from(means), means: means.toWellFormed() })),
    refuses: ['file-unreadable'],
  }),
  propertiesOf({
    of: ['src/io/registry/docker-config.ts parseDockerConfig'],
    form: texts('json', configWords),
    read: parseDockerConfig,
    written: dockerConfig,
    meaningOf: ({ auths }) => auths.map(({ credential }) => credential),
    refuses: ['docker-config-malformed'],
    promises: ({ auths, credHelpers, credsStore }) => {
      for (const name of [
        ...credHelpers.map(({ helper }) => helper),
        ...(credsStore === undefined ? [] : [credsStore]),
      ])
        expect(name).toMatch(/^[A-Za-z0-9_.-]+$/)
      for (const { key } of [...auths, ...credHelpers]) expect(key.host).toMatch(/^[a-z0-9.:[\]*_-]+$/)
    },
  }),
  propertiesOf({
    of: ['src/io/registry/docker-config.ts parseLegacyDockerConfig'],
    form: texts('json', configWords),
    read: parseLegacyDockerConfig,
    written: dockerConfig.map(({ input, means }) => ({ input: JSON.stringify(JSON.parse(input).auths), means })),
    meaningOf: ({ auths }) => auths.map(({ credential }) => credential),
    refuses: ['docker-config-malformed'],
    promises: ({ auths, credHelpers, credsStore }) => {
      for (const { key } of auths) expect(key.host).toMatch(/^[a-z0-9.:[\]*_-]+$/)
      expect([credHelpers, credsStore]).toEqual([[], undefined])
    },
  }),
  propertiesOf({
    of: ['src/io/registry/docker-config-file.ts loadDockerConfig'],
    form: bytes('json', configWords),
    read: (content) => loadDockerConfig({ REGISTRY_AUTH_FILE: fileWith('config.json', content) }),
    written: dockerConfig.map(({ input, means }) => ({ input: Buffer.from(input), means })),
    meaningOf: ({ auths }) => auths.map(({ credential }) => credential),
    refuses: ['docker-config-malformed'],
  }),
  propertiesOf({
    of: ['src/io/registry/credential-helper.ts parseAnswer'],
    form: bytes('json', ['Username', 'Secret', '<token>', 'ServerURL', 'credentials not found']),
    read: askHelper,
    written: fc.tuple(component, word).map(([username, secret]) => ({
      input: json({ ServerURL: 'r.example', Username: username, Secret: secret }),
      means: { kind: 'basic', username, password: secret },
    })),
    refuses: ['credential-helper-failed'],
    // A process each.
    runs: 15,
  }),
]
