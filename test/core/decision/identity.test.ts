// Which name inside a signature is accepted for which image: every kind, with its neighbour that differs in one part.

import { describe, expect, test } from 'vitest'
import { identityMismatch } from '#core/decision/identity.ts'
import { parseReference } from '#core/image/reference.ts'
import type { Identity } from '#core/policy/words.ts'
import { at, judging, name } from '../../support/judging.ts'
import { digestOf, MemoryRegistry } from '../../support/memory-registry.ts'
import { policy, rule, signed } from '../../support/policies.ts'

const d1 = digestOf('1')
const d2 = digestOf('2')
const app = 'registry.example.com/team/app'
const yes = true
const no = false

type Row = readonly [image: string, signedAs: string | undefined, matches: boolean]

const tables: readonly (readonly [Identity, readonly Row[]])[] = [
  [
    { type: 'Any' },
    [
      [`${app}:v1`, undefined, yes],
      [`${app}:v1`, 'anything at all', yes],
    ],
  ],
  [
    { type: 'MatchExact' },
    [
      [`${app}:v1`, `${app}:v1`, yes],
      [`${app}:v1`, `${app}:v2`, no],
      [`${app}:v1`, `${app}2:v1`, no],
      [`${app}:v1`, 'registry.example.com:5000/team/app:v1', no],
      [`${app}:v1`, `${app}:v1@${d1}`, no],
      [`${app}:v1`, app, no],
      [`${app}:v1`, undefined, no],
      [`${app}:v1`, '', no],
      [`${app}:v1`, 'Not A Name', no],
      [`${app}@${d1}`, `${app}@${d1}`, yes],
      [`${app}@${d1}`, `${app}@${d2}`, no],
      [`${app}@${d1}`, app, no],
      [`${app}@${d1}`, `${app}:v1`, no],
      [`${app}:v1@${d1}`, `${app}:v1@${d1}`, yes],
      // As pinning leaves it: what was signed by its tag must still be what is validated.
      [`${app}:v1@${d1}`, `${app}:v1`, yes],
      [`${app}:v1@${d1}`, `${app}:v2`, no],
      [`${app}:v1@${d1}`, `${app}:v1@${d2}`, no],
      [`${app}:v1@${d1}`, `${app}@${d1}`, no],
      [app, app, no],
      ['nginx:v1', 'docker.io/library/nginx:v1', yes],
      ['nginx:v1', 'docker.io/nginx/nginx:v1', no],
    ],
  ],
  [
    { type: 'MatchRepoDigestOrExact' },
    [
      [`${app}:v1`, `${app}:v1`, yes],
      [`${app}:v1`, `${app}:v2`, no],
      [`${app}:v1`, app, no],
      [`${app}@${d1}`, `${app}:v9`, yes],
      [`${app}@${d1}`, `${app}@${d2}`, yes],
      [`${app}:v1@${d1}`, `${app}:v2`, yes],
      [`${app}@${d1}`, 'registry.example.com/team/other:v1', no],
      [`${app}@${d1}`, 'other.example.com/team/app:v1', no],
      [`${app}@${d1}`, undefined, no],
    ],
  ],
  [
    { type: 'MatchRepository' },
    [
      [`${app}:v1`, `${app}:v2`, yes],
      [`${app}:v1`, app, yes],
      [`${app}@${d1}`, `${app}:v2`, yes],
      [`${app}:v1`, `${app}/more:v1`, no],
      [`${app}:v1`, 'registry.example.com/team:v1', no],
      [`${app}:v1`, undefined, no],
    ],
  ],
  [
    { type: 'ExactReference', reference: `${app}:gold` },
    [
      ['other.example.com/x:1', `${app}:gold`, yes],
      ['other.example.com/x:1', `${app}:silver`, no],
      ['other.example.com/x:1', `${app}:gold@${d1}`, no],
      [`${app}:gold`, undefined, no],
    ],
  ],
  [
    { type: 'ExactRepository', repository: app },
    [
      ['other.example.com/x:1', `${app}:anything`, yes],
      ['other.example.com/x:1', `${app}@${d1}`, yes],
      ['other.example.com/x:1', `${app}s:anything`, no],
    ],
  ],
  [
    { type: 'RemapIdentity', prefix: 'mirror.example.com/hub', signedPrefix: 'registry.example.com/team' },
    [
      ['mirror.example.com/hub/app:v1', `${app}:v1`, yes],
      ['mirror.example.com/hub/app:v1', `${app}:v2`, no],
      [`mirror.example.com/hub/app@${d1}`, `${app}:v2`, yes],
      ['mirror.example.com/hub/app:v1', 'mirror.example.com/hub/app:v1', no],
      ['mirror.example.com/hubcap/app:v1', 'registry.example.com/teamcap/app:v1', no],
      ['mirror.example.com/hubcap/app:v1', 'mirror.example.com/hubcap/app:v1', yes],
      ['mirror.example.com/hub:v1', 'registry.example.com/team:v1', yes],
      ['mirror.example.com/hub/app', `${app}:undefined`, no],
      ['mirror.example.com/hub/app', `${app}`, no],
    ],
  ],
  // No reader lets such words pass; if one did, they would match nothing, not everything.
  [{ type: 'ExactReference', reference: 'Not A Name' }, [[`${app}:v1`, `${app}:v1`, no]]],
  [{ type: 'ExactRepository', repository: 'Not A Name' }, [[`${app}:v1`, `${app}:v1`, no]]],
  [
    { type: 'RemapIdentity', prefix: 'mirror.example.com', signedPrefix: 'Not A Name' },
    [
      ['mirror.example.com/team/app:v1', `${app}:v1`, no],
      [`${app}:v1`, `${app}:v1`, yes],
    ],
  ],
  [
    { type: 'RemapIdentity', prefix: 'mirror.example.com', signedPrefix: 'registry.example.com' },
    [
      ['mirror.example.com/team/app:v1', `${app}:v1`, yes],
      ['mirror.example.com:5000/team/app:v1', `${app}:v1`, no],
    ],
  ],
]

describe.each(tables)('$type', (identity, rows) => {
  test.each(rows)('%s signed as %s: %s', (image, signedAs, matches) => {
    expect(identityMismatch(identity, parseReference(image), signedAs) === undefined).toBe(matches)
  })
})

test('the reason names both, and nothing of a name that is none', () => {
  const image = parseReference(`${app}:v1`)
  expect(identityMismatch({ type: 'MatchExact' }, image, `${app}:v2`)).toBe(
    `signed as ${app}:v2, which is not exactly ${app}:v1`,
  )
  const evil = identityMismatch({ type: 'MatchExact' }, image, 'evil\n\u001b[2Jname')
  expect(evil).toBe('the name inside the signature is not an image reference')
})

test.each<readonly [Identity, image: string, reason: string]>([
  [{ type: 'MatchExact' }, `${app}:v1`, `exactly ${app}:v1`],
  [{ type: 'MatchExact' }, `${app}@${d1}`, `exactly ${app}@${d1}`],
  [{ type: 'MatchRepoDigestOrExact' }, `${app}:v1`, `exactly ${app}:v1`],
  [{ type: 'MatchRepoDigestOrExact' }, `${app}@${d1}`, `the repository ${app}`],
  [{ type: 'MatchRepository' }, `${app}:v1`, `the repository ${app}`],
  [{ type: 'ExactReference', reference: `${app}:gold` }, 'nginx:1', `exactly ${app}:gold`],
  [{ type: 'ExactRepository', repository: app }, 'nginx:1', `the repository ${app}`],
  [
    { type: 'RemapIdentity', prefix: 'docker.io', signedPrefix: 'mirror.example.com' },
    'nginx:1',
    'docker.io/library/nginx with "docker.io" read as "mirror.example.com"',
  ],
])('the reason says what $type wants of %s', (identity, image, wanted) => {
  expect(identityMismatch(identity, parseReference(image), 'other.example.com/x:1')).toBe(
    `signed as other.example.com/x:1, which is not ${wanted}`,
  )
})

test('a signature that names no image is told from one that names another', () => {
  expect(identityMismatch({ type: 'MatchExact' }, parseReference(`${app}:v1`), undefined)).toBe(
    'the signature names no image',
  )
})

test('an image without tag and digest is judged as the tag `latest`, which is what runs', async () => {
  const registry = new MemoryRegistry()
  const digest = registry.putImage(at, 'app', 'latest')
  registry.sign(at, 'release', { digest, as: `${name}:latest` })
  const exact = [policy('p', [rule(signed('release', { identity: { type: 'MatchExact' } }))])]
  expect(await judging(registry).verdict(name, exact)).toMatchObject({ outcome: 'trusted' })
})

test('the rule is what asks for an identity: without it the name inside does not matter', async () => {
  const registry = new MemoryRegistry()
  const digest = registry.putImage(at, 'app', 'v1')
  registry.sign(at, 'release', { digest, as: 'elsewhere.example.com/x:1' })
  const { verdict } = judging(registry)
  expect(await verdict(`${name}:v1`, [policy('any', [rule(signed('release'))])])).toMatchObject({ outcome: 'trusted' })
  const strict = policy('strict', [rule(signed('release', { identity: { type: 'MatchRepository' } }))])
  expect(await verdict(`${name}:v1`, [strict])).toMatchObject({ outcome: 'untrusted', code: 'identity-mismatch' })
})
