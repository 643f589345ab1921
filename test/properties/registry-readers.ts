// The readers of what registries and their token services answer: `src/io/registry`, `src/io/http`.

import fc from 'fast-check'
import { expect } from 'vitest'
import { parseDigest } from '#core/image/digest.ts'
import { ociIndexType } from '#core/image/manifest.ts'
import { addressKind, hostKind } from '#io/http/address.ts'
import { allHeaders, singleHeader } from '#io/http/message.ts'
import { parseChallenge, parseHeader } from '#io/registry/challenge.ts'
import { declaredDigest, mediaTypeOf } from '#io/registry/content.ts'
import { originEndpoint } from '#io/registry/endpoint.ts'
import { nextPage, readPages } from '#io/registry/pages.ts'
import { guardUpload } from '#io/registry/push.ts'
import { guardRealm } from '#io/registry/realm.ts'
import { guardRedirect } from '#io/registry/redirect.ts'
import { fetchReferrers } from '#io/registry/referrers.ts'
import { parseRetryAfter } from '#io/registry/retry.ts'
import { errorCodeOf } from '#io/registry/status.ts'
import { fetchTags } from '#io/registry/tags.ts'
import { createTokenStore } from '#io/registry/token.ts'
import { answerWith, endpoint, readingOf, registry } from './answers.ts'
import { bytes, texts } from './hostile.ts'
import { demanded } from './outcome.ts'
import { propertiesOf, type ReaderProperties } from './reader.ts'
import { digest, host, json, tag } from './words.ts'

const image = parseDigest(`sha256:${'a'.repeat(64)}`)
const visible = fc.string({ unit: fc.constantFrom(...' !"#\\,=:;/?aZ09'), minLength: 1, maxLength: 40 })
const quoted = (text: string) => `"${text.replace(/["\\]/g, '\\$&')}"`
const path = fc.stringMatching(/^(\/[a-z0-9]{1,5}){1,3}$/)
const query = fc.stringMatching(/^[a-z]=[a-z0-9]{1,6}$/)
const urlWords = [
  'https://',
  'http://',
  '//',
  'user:pw@',
  '[::1]',
  ':443',
  ':0',
  '\\',
  '@',
  '#',
  '?',
  '%00',
  'file:',
  'javascript:',
  'registry.example',
  'registry.example.evil',
  '..',
]

const bearer = fc.tuple(visible, visible).map(([realm, service]) => ({
  input: `Bearer realm=${quoted(realm)}, service=${quoted(service)}`,
  means: { scheme: 'bearer', realm, service },
}))

const elsewhere = fc.tuple(host, path, query).map(([name, where, asked]) => `https://${name}${where}?${asked}`)
const sameHost = fc.tuple(path, query).map(([where, asked]) => `https://registry.example${where}?${asked}`)

/** Nobody is sent where credentials or TLS would be lost. */
function isSafe(href: string): void {
  const url = new URL(href)
  expect([url.protocol, url.username, url.password]).toEqual(['https:', '', ''])
}

const listed = fc.array(fc.record({ mediaType: fc.constant('application/x'), digest, size: fc.nat() }), {
  maxLength: 4,
})
const distinct = <T extends { readonly digest: string }>(entries: readonly T[]) =>
  entries.filter((entry, at) => entries.findIndex((each) => each.digest === entry.digest) === at)

async function tokenOf(body: Uint8Array): Promise<string> {
  const store = createTokenStore(async () => answerWith({}, body).response)
  const request = {
    realm: new URL('https://auth.example/token'),
    service: undefined,
    access: 'repository:a:pull',
    credential: { kind: 'anonymous' } as const,
  }
  return demanded(
    await store.token(request, { signal: new AbortController().signal, scope: 's' }),
    'token-service-failing',
  )
}

export const registryReaders: readonly ReaderProperties[] = [
  propertiesOf({
    of: ['src/io/registry/challenge.ts parseChallenge', 'src/io/registry/challenge.ts parseHeader'],
    form: texts('text', ['Bearer ', 'Basic ', 'realm=', 'service=', '"', ', ', 'Negotiate abc==']),
    read: (header) => ({ all: parseHeader(header), chosen: parseChallenge([header]) }),
    written: bearer,
    meaningOf: ({ chosen }) => chosen,
    refuses: ['registry-protocol'],
    promises: ({ chosen }) => {
      if (chosen?.scheme === 'bearer') expect(chosen.realm).not.toBe('')
    },
  }),
  propertiesOf({
    of: ['src/io/registry/pages.ts nextPage', 'src/io/registry/pages.ts readPages'],
    form: texts('text', ['<', '>', '; rel="next"', '; rel=next', 'rel="prev next"', ',', ...urlWords]),
    read: async (header) => {
      const asked: string[] = []
      await readPages(registry, async (url) => {
        asked.push(url.href)
        return asked.length > 1 ? undefined : answerWith({ link: header })
      })
      expect(asked[1]).toBe(nextPage([header], registry)?.href)
      return asked.slice(1)
    },
    written: query.map((each) => ({
      input: `<${registry.pathname}?${each}>; rel="next"`,
      means: [`${registry.href}?${each}`],
    })),
    refuses: ['registry-protocol'],
    promises: (next) => {
      for (const href of next) expect(href.split(/[?#]/)[0]).toBe(registry.href)
    },
  }),
  propertiesOf({
    of: ['src/io/registry/retry.ts parseRetryAfter'],
    form: texts('text', ['120', '-1', '1e3', 'Wed, 21 Oct 2026 07:28:00 GMT', '999999999', '0x10']),
    read: (header) => demanded(parseRetryAfter(header, 0), 'registry-protocol'),
    written: fc
      .nat(999_999_999)
      .chain((seconds) =>
        fc
          .constantFrom(String(seconds), new Date(seconds * 1_000).toUTCString())
          .map((input) => ({ input, means: seconds * 1_000 })),
      ),
    refuses: ['registry-protocol'],
    promises: (wait) => expect(Number.isSafeInteger(wait) && wait >= 0).toBe(true),
  }),
  propertiesOf({
    of: ['src/io/registry/content.ts declaredDigest'],
    form: texts('text', ['sha256:', 'sha512:', ' ', ',']),
    read: (header) => declaredDigest(answerWith({ 'docker-content-digest': header })),
    written: digest.map((means) => ({ input: means, means })),
    refuses: ['registry-protocol'],
    promises: (found, header) => expect(found).toBe(header.trim()),
  }),
  propertiesOf({
    of: ['src/io/registry/content.ts mediaTypeOf'],
    form: texts('text', ['application/json', ';', ' ', 'charset=utf-8']),
    read: (header) => mediaTypeOf(answerWith({ 'content-type': header })),
    written: fc
      .constantFrom(ociIndexType, 'text/plain')
      .map((means) => ({ input: `${means.toUpperCase()} ; charset=utf-8`, means })),
    refuses: [],
    promises: (type) => expect(type).not.toMatch(/;|^\s|\s$/),
  }),
  propertiesOf({
    of: ['src/io/http/message.ts singleHeader', 'src/io/http/message.ts allHeaders'],
    form: texts('lines', ['\n', 'a']),
    read: (lines) => {
      const { response } = answerWith({ 'a-header': lines.split('\n') })
      expect(allHeaders(response, 'a-header').join('\n')).toBe(lines)
      return singleHeader(response, 'a-header')
    },
    written: fc.stringMatching(/^[ -~]{0,20}$/).map((means) => ({ input: means, means })),
    refuses: ['registry-protocol'],
    promises: (value, lines) => expect(value).toBe(lines),
  }),
  propertiesOf({
    of: ['src/io/registry/redirect.ts guardRedirect'],
    form: texts('text', urlWords),
    read: (location) => guardRedirect(location, registry, { insecure: () => true }).href,
    written: elsewhere.map((input) => ({ input, means: new URL(input).href })),
    refuses: ['redirect-refused', 'registry-protocol'],
    promises: isSafe,
  }),
  propertiesOf({
    of: ['src/io/registry/realm.ts guardRealm'],
    form: texts('text', [...urlWords, 'auth.registry.example', 'registry.example.', '.co.uk']),
    read: (realm) => guardRealm(realm, registry, { allowedRealms: [] }).href,
    written: sameHost.map((input) => ({ input, means: input })),
    refuses: ['realm-refused'],
    promises: (href) => {
      isSafe(href)
      expect(new URL(href).hostname).toMatch(/(^|\.)registry\.example\.?$/)
    },
  }),
  propertiesOf({
    of: ['src/io/registry/push.ts guardUpload'],
    form: texts('text', urlWords),
    read: (location) => guardUpload(location, registry, endpoint).href,
    written: sameHost.map((input) => ({ input, means: input })),
    refuses: ['redirect-refused', 'registry-protocol'],
    promises: (href) => {
      isSafe(href)
      expect(new URL(href).hostname).toBe('registry.example')
    },
  }),
  propertiesOf({
    of: ['src/io/registry/endpoint.ts originEndpoint'],
    form: texts('text', urlWords),
    read: (name) =>
      originEndpoint({ registry: name, repository: 'a' }, { insecure: () => false, mirrors: new Map() }).base.href,
    written: host
      .filter((name) => name !== 'docker.io')
      .map((name) => ({ input: name, means: new URL(`https://${name}/`).href })),
    refuses: ['registry-unreachable'],
    promises: (href) => {
      isSafe(href)
      expect(new URL(href).pathname).toBe('/')
    },
  }),
  propertiesOf({
    of: ['src/io/registry/status.ts errorCodeOf'],
    form: bytes('json', ['errors', 'code', 'message', 'MANIFEST_UNKNOWN']),
    read: (body) => errorCodeOf(answerWith({}, body, 404).response),
    written: fc
      .constantFrom('MANIFEST_UNKNOWN', 'DENIED')
      .map((means) => ({ input: json({ errors: [{ code: means, message: 'm' }] }), means })),
    refuses: [],
    promises: (code) => expect(code ?? 'NONE').toMatch(/^[A-Z_]{1,40}$/),
  }),
  propertiesOf({
    of: ['src/io/registry/tags.ts fetchTags'],
    form: bytes('json', ['tags', 'name', 'null']),
    read: (body) => fetchTags(readingOf(answerWith({}, body))),
    written: fc
      .uniqueArray(tag, { maxLength: 5 })
      .map((tags) => ({ input: json({ name: 'team/app', tags }), means: tags })),
    refuses: ['registry-protocol'],
  }),
  propertiesOf({
    of: ['src/io/registry/referrers.ts fetchReferrers', 'src/io/registry/referrers.ts readFallback'],
    form: bytes('json', ['manifests', 'digest', 'artifactType', 'annotations', ociIndexType]),
    read: (body) => fetchReferrers(readingOf(answerWith({}, body)), image),
    written: listed.map((manifests) => ({
      input: json({ schemaVersion: 2, mediaType: ociIndexType, manifests }),
      means: distinct(manifests),
    })),
    refuses: [
      'manifest-malformed',
      'manifest-ambiguous',
      'manifest-unsupported',
      'content-too-large',
      'too-many-signatures',
    ],
    promises: (entries) => {
      const digests = entries.flatMap((entry) => ('digest' in entry ? [entry.digest] : []))
      expect(new Set(digests).size).toBe(digests.length)
    },
  }),
  propertiesOf({
    of: ['src/io/registry/token.ts readAnswer', 'src/io/registry/token.ts parseAnswer'],
    form: bytes('json', ['token', 'access_token', 'expires_in', 'issued_at', '-1', '1e309']),
    read: tokenOf,
    written: fc
      .tuple(fc.stringMatching(/^[!-~]{1,200}$/), fc.constantFrom('token', 'access_token'), fc.integer())
      .map(([means, name, seconds]) => ({ input: json({ [name]: means, expires_in: seconds }), means })),
    refuses: ['token-service-failing'],
    promises: (token) => expect(token).toMatch(/^[!-~]{1,12288}$/),
  }),
  propertiesOf({
    of: ['src/io/http/address.ts addressKind', 'src/io/http/address.ts hostKind'],
    form: texts('text', [
      '127.0.0.1',
      '::ffff:',
      '169.254.169.254',
      '[fe80::1]',
      '%eth0',
      '64:ff9b::',
      '2002:',
      '.localhost',
      '0x7f.1',
    ]),
    read: (name) => ({ address: addressKind(name), host: hostKind(name) }),
    written: fc.ipV4().map((input) => ({ input, means: addressKind(`::ffff:${input}`) })),
    meaningOf: (kinds) => kinds.address,
    refuses: [],
    promises: ({ address, host: kind }) => {
      if (address !== undefined) expect(kind).toBe(address)
    },
  }),
]
