// Names of images that one reader understands differently from another, from the Pod to the registry that is asked.

import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { matchesPattern, parseImagePattern } from '#core/image/pattern.ts'
import { parseReference } from '#core/image/reference.ts'
import { parseDockerConfig } from '#io/registry/docker-config.ts'
import { dockerCredentials } from '#io/registry/docker-config-file.ts'
import { type Attack, demanding, layerFor, putClassic, startAttack } from '../../support/attack.ts'
import { arrivedAt, asServed, imageManifest, types } from '../../support/hostile-registry.ts'
import { judging } from '../../support/judging.ts'
import { MemoryRegistry } from '../../support/memory-registry.ts'
import { policy, rule, signed } from '../../support/policies.ts'

const byTag = demanding(['Tag'])
const under = (...images: readonly string[]) => [policy('production', [rule(signed('release'), { images })])]

/** An image that `release` has signed, in a registry in memory. */
function signedImage(registry: string, repository: string) {
  const memory = new MemoryRegistry()
  const at = { registry, repository }
  const digest = memory.putImage(at, 'app', 'v1')
  memory.sign(at, 'release', { digest })
  return { memory, digest, ...judging(memory) }
}

describe('RF-01: one image of Docker Hub under its many names', () => {
  const names = [
    'nginx:v1',
    'library/nginx:v1',
    'docker.io/nginx:v1',
    'docker.io/library/nginx:v1',
    'index.docker.io/library/nginx:v1',
  ]

  test.each(names)('neighbour: %s is matched, fetched and trusted as docker.io/library/nginx', async (image) => {
    const { verdict, memory } = signedImage('docker.io', 'library/nginx')
    expect(await verdict(image, under('docker.io/library/nginx'))).toMatchObject({ outcome: 'trusted' })
    expect(memory.asked[0]?.question).toBe('resolve docker.io/library/nginx:v1')
  })

  test.each(names)('%s is denied by a rule that denies it under any other of its names', async (image) => {
    for (const pattern of ['nginx', 'library/nginx', 'index.docker.io/library/nginx']) {
      const { verdict } = signedImage('docker.io', 'library/nginx')
      const denying = [policy('production', [rule({ kind: 'deny' }, { images: [pattern] }), rule(signed('release'))])]
      expect(await verdict(image, denying)).toMatchObject({ outcome: 'untrusted' })
    }
  })

  test.each(['nginx/nginx:v1', 'docker.io/other/nginx:v1', 'quay.io/library/nginx:v1', 'localhost/nginx:v1'])(
    '%s is another image, and is denied',
    async (image) => {
      const { verdict } = signedImage('docker.io', 'library/nginx')
      expect(await verdict(image, under('docker.io/library/nginx'))).toMatchObject({ code: 'no-rule' })
    },
  )
})

interface Vector {
  readonly text: string
  readonly refused?: true
  readonly registry?: string
  readonly repository?: string
}

describe('RF-02: names at the edge of the grammar', () => {
  const file = new URL('../../vectors/references/distribution.json', import.meta.url)
  const vectors: readonly Vector[] = JSON.parse(readFileSync(file, 'utf8'))
  /** The name of the repository that is asked about an image, or the code of its refusal. */
  async function askedAbout(text: string): Promise<string> {
    const memory = new MemoryRegistry()
    const { code = '' } = await judging(memory).verdict(text, under('**'))
    const [, place = code] = /^\w+ ([^@]*?)(?::[^/:]*)?(?:@.*)?$/.exec(memory.asked[0]?.question ?? '') ?? []
    return place
  }

  test('are denied where container runtimes know no such name, and no registry is asked', async () => {
    const refused = vectors.filter((vector) => vector.refused)
    const asked = await Promise.all(refused.map(({ text }) => askedAbout(text)))
    expect(new Set(asked)).toEqual(new Set(['reference-malformed']))
    expect(refused.length).toBeGreaterThan(100)
  })

  test('neighbour: others lead to the repository that container runtimes would pull from, or are denied', async () => {
    const wrong: string[] = []
    let same = 0
    for (const { text, registry = '', repository } of vectors.filter((vector) => !vector.refused)) {
      const place = await askedAbout(text)
      if (place === `${registry.toLowerCase()}/${repository}`) same += 1
      else if (place !== 'reference-malformed') wrong.push(`${text} asks ${place}`)
    }
    expect(wrong).toEqual([])
    expect(same).toBe(94)
  })

  test.each([
    'test.com/App:v1',
    '[fe80::1%eth0]/app:v1',
    `${'4d'.repeat(32)}`,
    `registry.example.com/${'a/'.repeat(200)}a`,
    'registry.example.com:70000/a',
    'registry.example.com/a:b:c',
  ])('%s is denied', async (text) => {
    expect(await askedAbout(text)).toBe('reference-malformed')
  })

  test.each([
    ['test.com:5000', 'docker.io/library/test.com'],
    ['test:5000/x', 'test:5000/x'],
    ['xn--n3h.com/app', 'xn--n3h.com/app'],
    ['[2001:db8::1]:5000/app', '[2001:db8::1]:5000/app'],
  ])('neighbour: %s is %s', async (text, place) => {
    expect(await askedAbout(text)).toBe(place)
  })
})

describe('names and a registry that lies', () => {
  let attack: Attack
  beforeEach(async () => {
    attack = await startAttack({ policies: [byTag] })
    putClassic(attack.registry, attack.digest, [layerFor(attack.digest)])
  })
  afterEach(() => attack.close())
  const evil = imageManifest('another image')

  describe('RF-03: a name with tag and digest', () => {
    test('neighbour: is admitted by its digest, and the tag, which has moved, is never asked', async () => {
      attack.registry.lie('v1', () => asServed(evil, types.manifest))
      expect(await attack.admit(`${attack.tagged}@${attack.digest}`)).toMatchObject({ outcome: 'allowed' })
      expect(attack.registry.seen().filter((line) => line.endsWith('/manifests/v1'))).toEqual([])
    })

    test('is denied by its digest when only what the tag names is signed', async () => {
      const digest = attack.registry.putManifest(evil)
      expect(await attack.admit(`${attack.tagged}@${digest}`)).toMatchObject({
        outcome: 'denied',
        code: 'signature-missing',
      })
    })
  })

  describe('RF-04: a digest', () => {
    const hex = 'ab'.repeat(32)

    test.each([
      ['by MD5', `md5:${hex.slice(0, 32)}`],
      ['by SHA-1', `sha1:${hex.slice(0, 40)}`],
      ['by an unknown algorithm', `blake3:${hex}`],
      ['too short', `sha256:${hex.slice(1)}`],
      ['too long', `sha256:${hex}a`],
      ['in capitals', `sha256:${hex.toUpperCase()}`],
      ['with one capital', `sha256:A${hex.slice(1)}`],
      ['of an algorithm in capitals', `SHA256:${hex}`],
      ['with a second colon', `sha256:${hex}:${hex}`],
      ['with two algorithms', `sha256+sha512:${hex}`],
      ['without an algorithm', hex],
      ['of another alphabet', `sha256:${hex.replaceAll('a', 'а')}`],
    ])('%s is denied, and nothing is asked', async (_what, digest) => {
      const answer = await attack.admit(`${attack.registry.host}/team/app@${digest}`)
      expect(answer).toMatchObject({ outcome: 'denied', code: 'reference-malformed' })
      expect(attack.registry.requests).toEqual([])
    })

    test('neighbour: by SHA-256 in full is admitted', async () => {
      expect(await attack.admit(`${attack.registry.host}/team/app@${attack.digest}`)).toMatchObject({
        outcome: 'allowed',
      })
    })
  })

  describe('RF-07: a registry that is called almost like one with credentials', () => {
    const password = 'marker-password-77b0'
    const admitWith = async (key: string) => {
      const auth = Buffer.from(`alice:${password}`).toString('base64')
      const config = parseDockerConfig(JSON.stringify({ auths: { [key]: { auth } } }))
      const credentials = dockerCredentials(config, { helpers: false })
      const other = await startAttack({ registry: attack.registry, policies: [byTag], client: { credentials } })
      attack.registry.on('HEAD', '/v2/team/app/manifests/v1', ({ headers }) =>
        headers['authorization'] === undefined
          ? { status: 401, headers: { 'www-authenticate': 'Basic realm="x"' } }
          : asServed(attack.bytes, types.manifest),
      )
      const answer = await other.admit(attack.tagged)
      await other.client.close()
      return answer
    }

    test.each([
      ['begins the same', (host: string) => `${host}.evil.example`],
      ['ends the same', (host: string) => `evil.${host}`],
      ['has a port that begins the same', (host: string) => host.slice(0, -1)],
      ['has a port that goes on', (host: string) => `${host.slice(0, -2)}1`],
      ['has no port', (host: string) => host.split(':')[0] ?? ''],
      ['has a path that begins the same', (host: string) => `${host}/team/ap`],
      ['has a path that goes on', (host: string) => `${host}/team/app/more`],
    ])('whose name there %s is sent none of them, and denied', async (_what, keyOf) => {
      expect(await admitWith(keyOf(attack.registry.host))).toMatchObject({ outcome: 'denied', code: 'access-denied' })
      expect(arrivedAt(attack.registry)).not.toContain(password)
    })

    test.each(['', '/team', '/team/app'])(
      'neighbour: the one that they are for (%s) is sent them, and admitted',
      async (path) => {
        expect(await admitWith(`${attack.registry.host}${path}`)).toMatchObject({ outcome: 'patched' })
        expect(arrivedAt(attack.registry)).toContain(password)
      },
    )
  })

  describe('RF-08: a name with characters that do not show', () => {
    test.each([
      ['NUL', 'app\0:v1'],
      ['a line break', 'app\n:v1'],
      ['a carriage return', 'app\r:v1'],
      ['a colour', 'app\x1b[31m:v1'],
      ['a title of the terminal', '\x1b]0;owned\x07app:v1'],
      ['a percent escape', 'app%2f..%2fevil:v1'],
      ['a look-alike letter', '\u0430pp:v1'],
      ['a right-to-left mark', 'app\u202e:v1'],
      ['a zero-width space', 'a\u200bpp:v1'],
      ['a blank', 'app :v1'],
      ['a path upwards', '../app:v1'],
    ])('(%s) is denied, and told in escaped text', async (_what, path) => {
      const answer = await attack.admit(`${attack.registry.host}/team/${path}`)
      expect(answer).toMatchObject({ outcome: 'denied', code: 'reference-malformed' })
      // Only line breaks of ours; a letter that looks like another is named by its number.
      expect(answer.message.replaceAll('\n', '')).not.toMatch(/\p{C}/u)
      if (/[^ -~]/.test(path)) expect(answer.message).toMatch(/U\+[0-9A-F]{4}/)
      expect(attack.registry.requests).toEqual([])
    })

    test('neighbour: with plain ones is admitted', async () => {
      expect(await attack.admit(`${attack.registry.host}/team/app:v1`)).toMatchObject({ outcome: 'patched' })
    })
  })
})

describe('RF-05: a host of the attacker, with a trusted host in its path', () => {
  const trusted = '*.trusted.example/org/*'

  test.each([
    'evil.example/x.trusted.example/org',
    'trusted.example',
    'xtrusted.example/org',
    'a.trusted.example:5000/org',
    'a.b.trusted.example/org',
  ])('(%s) is denied, however well it is signed', async (place) => {
    const [registry = '', ...path] = place.split('/')
    const { verdict } = signedImage(registry, [...path, 'app'].join('/'))
    expect(await verdict(`${place}/app:v1`, under(trusted))).toMatchObject({ outcome: 'untrusted', code: 'no-rule' })
  })

  test('neighbour: a host that the wildcard stands for is trusted', async () => {
    const { verdict } = signedImage('a.trusted.example', 'org/app')
    expect(await verdict('a.trusted.example/org/app:v1', under(trusted))).toMatchObject({ outcome: 'trusted' })
  })

  const label = fc.stringMatching(/^[a-z][a-z0-9]{0,4}$/)
  const hosts = fc.array(label, { minLength: 2, maxLength: 5 }).map((labels) => labels.join('.'))
  const paths = fc.array(fc.oneof(label, hosts), { minLength: 1, maxLength: 4 })

  test('whatever stands before and behind: the wildcards of a host match within the host alone', () => {
    const property = fc.property(
      hosts,
      paths,
      fc.array(fc.boolean(), { minLength: 5, maxLength: 5 }),
      (host, path, stars) => {
        const labels = host.split('.').map((each, at) => (stars[at] ? '*' : each))
        const pattern = parseImagePattern(`${labels.join('.')}:443/**`)
        const reference = parseReference(`${host}/${path.join('/')}`)
        expect(matchesPattern(pattern, reference)).toBe(true)
        expect(matchesPattern(pattern, parseReference(`evil.example/${host}/${path.join('/')}`))).toBe(
          labels.length === 2 && ['*', 'evil'].includes(labels[0] ?? '') && ['*', 'example'].includes(labels[1] ?? ''),
        )
      },
    )
    fc.assert(property, { numRuns: 500 })
  })
})

describe('RF-06: a pattern that its author took for something else', () => {
  test.each([
    ['registry.example.com/repo/img', 'registry.example.com/repo/img2'],
    ['registry.example.com/repo/img', 'registry.example.com/repo/img/x'],
    ['registry.example.com/repo/*', 'registry.example.com/repo/a/b'],
    ['registry.example.com/repo/**', 'registry.example.com/repository/a'],
    ['registry.example.com/a.c', 'registry.example.com/abc'],
    ['registry.example.com/repo/img:v*', 'registry.example.com/repo/img:w1'],
  ])('%s does not cover %s, which is denied', async (pattern, image) => {
    const { repository } = parseReference(image)
    const { verdict } = signedImage('registry.example.com', repository)
    const tagged = parseReference(image).tag === undefined ? `${image}:v1` : image
    expect(await verdict(tagged, under(pattern))).toMatchObject({ outcome: 'untrusted', code: 'no-rule' })
  })

  test.each([
    ['registry.example.com/repo/img', 'registry.example.com/repo/img'],
    ['registry.example.com/repo/img*', 'registry.example.com/repo/img2'],
    ['registry.example.com/repo/**', 'registry.example.com/repo/a/b'],
  ])('neighbour: %s covers %s, which is trusted', async (pattern, image) => {
    const { verdict } = signedImage('registry.example.com', parseReference(image).repository)
    expect(await verdict(`${image}:v1`, under(pattern))).toMatchObject({ outcome: 'trusted' })
  })

  test.each([
    '!registry.example.com/a',
    'registry.example.com/[ab]',
    'registry.example.com/(a|b)',
    'registry.example.com/a?',
    'registry.example.com/{a,b}',
    '^registry.example.com/.*',
    'registry.example.com/a**',
    '*',
  ])('%s is refused when the policy is read', (pattern) => {
    expect(() => parseImagePattern(pattern)).toThrow(expect.objectContaining({ code: 'pattern-malformed' }))
  })

  test('an image that no rule covers is denied', async () => {
    const { verdict, digest } = signedImage('registry.example.com', 'team/app')
    const image = `registry.example.com/team/app@${digest}`
    expect(await verdict(image, [policy('production', [])])).toMatchObject({ outcome: 'untrusted', code: 'no-rule' })
  })
})
