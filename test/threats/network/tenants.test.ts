// A private image, verified for one set of credentials and asked for with another.

import { beforeEach, describe, expect, test } from 'vitest'
import { CodedError } from '#core/errors.ts'
import { at, type Judging, judging, name } from '../../support/judging.ts'
import { MemoryRegistry } from '../../support/memory-registry.ts'
import { policy, rule, signed } from '../../support/policies.ts'

const release = [policy('production', [rule(signed('release'))])]

let registry: MemoryRegistry
let tenants: Judging
let image: string
/** The credentials that may read. */
let readers: readonly string[]

beforeEach(() => {
  registry = new MemoryRegistry()
  const digest = registry.putImage(at, 'private', 'v1')
  registry.sign(at, 'release', { digest })
  image = `${name}@${digest}`
  readers = ['tenant-a', 'tenant-b']
  registry.before = ({ scope }) => {
    if (!readers.includes(scope)) throw new CodedError('access-denied', 'these credentials may not read here')
  }
  tenants = judging(registry)
})

const ask = (scope: string, of = image) => tenants.verdict(of, release, { scope })

describe("NW-06: another tenant's private image", () => {
  test.each(['by digest', 'by tag'])(
    '%s is denied to credentials that may not read it, however well it is remembered',
    async (how) => {
      const asked = how === 'by digest' ? image : `${name}:v1`
      expect(await ask('tenant-a', asked)).toMatchObject({ outcome: 'trusted' })
      expect(await ask('tenant-a', asked)).toMatchObject({ outcome: 'trusted' })
      expect(await ask('stranger', asked)).toMatchObject({ outcome: 'undetermined', code: 'access-denied' })
      expect(await ask('tenant-a', asked)).toMatchObject({ outcome: 'trusted' })
    },
  )

  test('is denied to them while the owner is being answered, too', async () => {
    const [own, other] = await Promise.all([ask('tenant-a'), ask('stranger')])
    expect(own).toMatchObject({ outcome: 'trusted' })
    expect(other).toMatchObject({ outcome: 'undetermined', code: 'access-denied' })
  })

  test('is not even said to be unsigned to them', async () => {
    const digest = registry.putImage(at, 'private and unsigned')
    expect(await ask('tenant-a', `${name}@${digest}`)).toMatchObject({ code: 'signature-missing' })
    expect(await ask('stranger', `${name}@${digest}`)).toMatchObject({ code: 'access-denied' })
  })

  test('neighbour: is trusted for credentials that may read it, after they have read it', async () => {
    expect(await ask('tenant-a')).toMatchObject({ outcome: 'trusted' })
    registry.kinds()
    expect(await ask('tenant-b')).toMatchObject({ outcome: 'trusted' })
    expect(registry.kinds()).toEqual(['access'])
  })

  test('is denied to credentials that may no longer read it, within a minute', async () => {
    expect(await ask('tenant-a')).toMatchObject({ outcome: 'trusted' })
    readers = []
    tenants.clock.now += 60_001
    expect(await ask('tenant-a')).toMatchObject({ outcome: 'undetermined', code: 'access-denied' })
  })
})
