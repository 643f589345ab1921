// A registry that lies, through the real client and the engine: whatever it sends, bytes are what their digest says and
// no more than was asked for, credentials stay where they belong, and nobody is trusted whom no signature speaks for.

import type { FetchContext, Sources } from '#app/engine/sources.ts'
import type { Digest } from '#core/image/digest.ts'
import type { PolicySet } from '#core/policy/set.ts'
import { createRegistryClient, type RegistryClient } from '#io/registry/client.ts'
import { bytesOf, type Parts, textOf } from '../case.ts'
import { demandPolicies, repository } from '../demands.ts'
import { evidenceSeeds, evidenceSyntax, evidenceWords } from '../evidence-seeds.ts'
import { fuzzKeys } from '../keys.ts'
import { type LyingRegistry, startLyingRegistry } from '../lying-registry.ts'
import { saidBy } from '../oracle/signed-by.ts'
import { Finding, must, type Target } from '../target.ts'
import { digestOf } from '../template.ts'
import { judgeWith } from './evidence.ts'

const secret = 'a-secret-of-the-registry'

/** Long enough for some repetitions of what failed by bad luck; admission waits for 10 s at the most. */
const patienceMs = 400

const mostRequests = 1_000

const lies: Readonly<Record<string, readonly object[]>> = {
  honest: [],
  'another payload': [{ about: 'blobs', body: 'other' }],
  'a long blob': [{ about: 'blobs', body: 'x'.repeat(70_000) }],
  'in chunks': [{ about: 'GET', headers: { 'transfer-encoding': 'chunked' } }],
  'another manifest by digest': [{ about: 'GET /v2/team/app/manifests/sha256:', body: 'child' }],
  'another digest for a tag': [{ about: 'HEAD', headers: { 'docker-content-digest': `sha256:${'0'.repeat(64)}` } }],
  'a redirect': [{ about: 'blobs', status: 307, headers: { location: 'http://{{elsewhere}}/v2/team/app/blobs/x' } }],
  'a challenge': [
    {
      about: 'manifests',
      nth: 1,
      status: 401,
      headers: { 'www-authenticate': 'Bearer realm="http://{{host}}/token",service="s",scope="repository:other:pull"' },
    },
  ],
  'a challenge from elsewhere': [
    { about: 'manifests', status: 401, headers: { 'www-authenticate': 'Bearer realm="http://{{elsewhere}}/token"' } },
  ],
  'basic authentication': [
    { about: 'manifests', nth: 1, status: 401, headers: { 'www-authenticate': 'Basic realm="x"' } },
  ],
  'pages in a circle': [{ about: 'referrers', headers: { link: '</v2/team/app/referrers/x>; rel="next"' } }],
  'a next page elsewhere': [{ about: 'referrers', headers: { link: '<http://{{elsewhere}}/v2/>; rel="next"' } }],
  'no referrers API': [{ about: 'referrers', status: 404, body: '404 page not found' }],
  'an error': [{ about: 'manifests', status: 400, body: '{"errors":[{"code":"UNSUPPORTED"}]}' }],
  'a compressed answer': [{ about: 'manifests', headers: { 'content-encoding': 'gzip' } }],
}

const seeds: Readonly<Record<string, Parts>> = Object.fromEntries(
  Object.entries(lies).flatMap(([name, rules]) =>
    Object.entries(evidenceSeeds)
      .filter(([evidence]) => /under the tag|by a bundle|unsigned$|of another image$/.test(evidence))
      .map(([evidence, parts]) => [`${name}, ${evidence}`, { ...parts, lies: bytesOf(JSON.stringify(rules)) }]),
  ),
)

/** A signature like any other, but for its length: more than is read of a payload. */
const padded = evidenceSeeds['trusted by a signature under the tag'] ?? {}
const long: Parts = {
  ...padded,
  payload: bytesOf(textOf(padded['payload']).replace('"optional":{', `"optional":{"x":"${'x'.repeat(70_000)}",`)),
  lies: bytesOf(JSON.stringify(lies['in chunks'])),
}

const words = [
  'about',
  'nth',
  'status',
  'headers',
  'body',
  'HEAD',
  'GET',
  'manifests',
  'blobs',
  'referrers',
  'token',
  'docker-content-digest',
  'content-type',
  'content-length',
  'content-encoding',
  'gzip',
  'location',
  'www-authenticate',
  'link',
  'retry-after',
  'set-cookie',
  'Bearer realm="http://{{host}}/token"',
  'Bearer realm="http://{{elsewhere}}/token"',
  'Basic realm="x"',
  'http://{{elsewhere}}/x',
  'http://{{host}}/x',
  '<http://{{host}}/v2/team/app/referrers/a?n=1>; rel="next"',
  'http://169.254.169.254/',
  'x'.repeat(300_000),
  ...evidenceWords,
]

export const registryTarget: Target = {
  name: 'registry',
  about: 'a registry that lies, through the real client',
  syntax: { ...evidenceSyntax, lies: 'json' },
  dictionary: words,
  isSlow: true,
  cpuMs: 1_000,
  open: async () => {
    const server = await startLyingRegistry()
    const policies = demandPolicies()
    return {
      seeds: { ...seeds, 'a long payload in chunks': long },
      run: (parts) => judgeRegistry(server, parts, policies),
      close: () => server.close(),
    }
  },
}

async function judgeRegistry(server: LyingRegistry, parts: Parts, policies: PolicySet): Promise<string> {
  const shelf = server.hold(parts)
  const known = new Set([server.host, server.elsewhere])
  const basic = { kind: 'basic', username: 'fuzz', password: secret } as const
  const client = createRegistryClient({
    version: '0',
    insecure: (host) => known.has(host),
    credentials: async () => ({ credentials: [basic], problems: [] }),
    random: () => 0,
  })
  try {
    const broken: Finding[] = []
    const judge = judgeWith(checked(client, server.host, broken), policies)
    const reached: string[] = []
    for (const name of [`:v1`, `@${shelf.digest}`]) {
      const verdict = await judge(`registry.example.com/${repository}${name}`, 'plain', AbortSignal.timeout(patienceMs))
      if (broken[0] !== undefined) throw broken[0]
      must(verdict !== undefined, 'an image was not judged')
      must(verdict.code !== 'internal-error', 'judging ended in an internal error', () => verdict.detail ?? '')
      must(verdict.outcome !== 'accepted', 'an image passed that no policy lets pass')
      if (verdict.outcome === 'trusted') checkTrust(verdict.judgement?.digest ?? '', server)
      reached.push(`${verdict.outcome} ${verdict.code ?? ''}`)
    }
    const basicValue = Buffer.from(`fuzz:${secret}`).toString('base64')
    must(!server.leaked.some((each) => each.includes(basicValue)), 'credentials went to another host')
    must(server.requests() <= mostRequests, 'one image raised more requests than are bounded', () =>
      String(server.requests()),
    )
    return reached.join(', ')
  } finally {
    await client.close()
  }
}

/** Somewhere in what was sent, under whatever name, the trusted key must speak for the digest. */
function checkTrust(digest: string, server: LyingRegistry): void {
  const byDigest = new Map(server.sent.map((bytes) => [digestOf(bytes), bytes]))
  const tag = `${digest.replace(':', '-')}.sig`
  const speaks = server.sent.some(
    (bytes) =>
      saidBy(fuzzKeys.trusted.pem, digest, { byDigest, byTag: new Map([[tag, bytes]]), referrers: new Map() }).length >
      0,
  )
  must(speaks, 'an image is called trusted for which nothing speaks that the registry sent')
}

/** The client, with everything checked that it promises of bytes. What the engine would take for an outage is kept. */
function checked(client: RegistryClient, host: string, broken: Finding[]): Sources {
  const at = { registry: host, repository }
  const isHonest = (digest: Digest, bytes: Uint8Array) => {
    if (digestOf(bytes) !== digest)
      broken.push(new Finding('bytes came through that are not what their digest says', digest))
  }
  const context = (given: FetchContext) => ({ signal: given.signal, scope: given.scope })
  return {
    resolve: (_at, tag, given) => client.resolve(at, tag, context(given)),
    access: (_at, digest, given) => client.access(at, digest, context(given)),
    manifest: async (_at, digest, given) => {
      const fetched = await client.manifest(at, digest, context(given))
      isHonest(digest, fetched.bytes)
      return fetched
    },
    tagged: (_at, tag, given) => client.tagged(at, tag, context(given)),
    referrers: (_at, digest, given) => client.referrers(at, digest, context(given)),
    blob: async (_at, digest, maxBytes, given) => {
      const bytes = await client.blob(at, digest, maxBytes, context(given))
      if (bytes.length > maxBytes)
        broken.push(new Finding('more bytes came through than were asked for', `${bytes.length}`))
      isHonest(digest, bytes)
      return bytes
    },
  }
}
