// Genuine signatures that were copied to where they do not belong, under every kind of `identity`.

import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Identity } from '#core/policy/words.ts'
import { type Attack, pair, release, startAttack } from '../../support/attack.ts'
import { digestOf } from '../../support/hostile-registry.ts'
import { policy, rule, signed } from '../../support/policies.ts'
import { layer, manifestOf, payloadOf } from '../../support/signed-evidence.ts'

let attack: Attack
let host: string
beforeEach(async () => {
  attack = await startAttack()
  host = attack.registry.host
})
afterEach(() => attack.close())

/** Puts the image and its signature, which names `signedAs`, into a repository, and asks for it there. */
function admitIn(repository: string, signedAs: string, identity: Identity, reference = ':v1') {
  const payload = payloadOf(attack.digest)
  payload.critical.identity['docker-reference'] = signedAs
  const made = layer(payload, pair.privateKey)
  attack.registry.putManifest(attack.bytes, { tag: 'v1', repository })
  attack.registry.putManifest(attack.bytes, { tag: 'v2', repository })
  attack.registry.putBlob(made.bytes, repository)
  attack.registry.putManifest(manifestOf([made]), { tag: `${attack.digest.replace(':', '-')}.sig`, repository })
  const attestor = { ...release, storage: { layouts: ['Tag'] as const } }
  const policies = [policy('production', [rule(signed(attestor, { identity }))])]
  return attack.admit(`${host}/${repository}${reference}`, { policies })
}

const no = { outcome: 'denied', code: 'identity-mismatch' }
const yes = { outcome: 'patched' }

describe('RF-09: a signature that was copied to another repository', () => {
  const signedAs = () => `${host}/team/app:v1`

  const kinds: readonly (readonly [string, () => Identity])[] = [
    ['MatchExact', () => ({ type: 'MatchExact' })],
    ['MatchRepoDigestOrExact', () => ({ type: 'MatchRepoDigestOrExact' })],
    ['MatchRepository', () => ({ type: 'MatchRepository' })],
    ['ExactReference', () => ({ type: 'ExactReference', reference: `${host}/team/other:v1` })],
    ['ExactRepository', () => ({ type: 'ExactRepository', repository: `${host}/team/other` })],
    ['RemapIdentity', () => ({ type: 'RemapIdentity', prefix: `${host}/team`, signedPrefix: `${host}/signers` })],
  ]

  test.each(kinds)('is denied under %s', async (_type, identity) => {
    expect(await admitIn('team/other', signedAs(), identity())).toMatchObject(no)
  })

  const original: typeof kinds = [
    ['MatchExact', () => ({ type: 'MatchExact' })],
    ['MatchRepoDigestOrExact', () => ({ type: 'MatchRepoDigestOrExact' })],
    ['MatchRepository', () => ({ type: 'MatchRepository' })],
    ['ExactReference', () => ({ type: 'ExactReference', reference: `${host}/team/app:v1` })],
    ['ExactRepository', () => ({ type: 'ExactRepository', repository: `${host}/team/app` })],
    ['RemapIdentity', () => ({ type: 'RemapIdentity', prefix: `${host}/other`, signedPrefix: `${host}/signers` })],
  ]

  test.each(original)('neighbour: where it was made it is admitted under %s', async (_type, identity) => {
    expect(await admitIn('team/app', signedAs(), identity())).toMatchObject(yes)
  })

  test('neighbour: is admitted under Any, which asks for the digest alone', async () => {
    expect(await admitIn('team/other', signedAs(), { type: 'Any' })).toMatchObject(yes)
  })

  test('neighbour: is admitted where a rule names the place that it was made for', async () => {
    const mirror: Identity = { type: 'RemapIdentity', prefix: `${host}/mirror`, signedPrefix: `${host}/team` }
    expect(await admitIn('mirror/app', signedAs(), mirror)).toMatchObject(yes)
  })
})

describe('RF-09: a signature of one tag, used for another', () => {
  test.each(['MatchExact', 'MatchRepoDigestOrExact'] as const)('is denied under %s', async (type) => {
    expect(await admitIn('team/app', `${host}/team/app:v1`, { type }, ':v2')).toMatchObject(no)
  })

  test('neighbour: is admitted under MatchRepository, which asks for the repository alone', async () => {
    expect(await admitIn('team/app', `${host}/team/app:v1`, { type: 'MatchRepository' }, ':v2')).toMatchObject(yes)
  })

  test('is denied under MatchExact when it names another digest beside the tag', async () => {
    const other = `${host}/team/app:v1@${digestOf('x')}`
    expect(await admitIn('team/app', other, { type: 'MatchExact' })).toMatchObject(no)
  })
})

describe('RF-09: a name that begins like the one that is meant', () => {
  test.each([
    ['a repository below it', 'team/app/more'],
    ['a repository that goes on', 'team/apps'],
    ['a part of it', 'team'],
    ['another case', 'Team/app'],
    ['nothing', ''],
  ])('(%s) is denied under MatchRepository', async (_what, name) => {
    expect(
      await admitIn('team/app', name === '' ? '' : `${host}/${name}:v1`, { type: 'MatchRepository' }),
    ).toMatchObject(no)
  })

  test('is not what a prefix stands for: `foo` never means `foobar`', async () => {
    const mirror: Identity = { type: 'RemapIdentity', prefix: `${host}/foo`, signedPrefix: `${host}/team` }
    expect(await admitIn('foobar/app', `${host}/teambar/app:v1`, mirror)).toMatchObject(no)
  })

  test('neighbour: the prefix itself is admitted', async () => {
    const mirror: Identity = { type: 'RemapIdentity', prefix: `${host}/foo`, signedPrefix: `${host}/team` }
    expect(await admitIn('foo/app', `${host}/team/app:v1`, mirror)).toMatchObject(yes)
  })
})
