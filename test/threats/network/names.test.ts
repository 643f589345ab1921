// Whose names are looked up, when somebody brings names along that no name server answers.

import { afterEach, describe, expect, test } from 'vitest'
import type { Resolve } from '#io/http/guard.ts'
import { type Admitted, type Attack, demanding, layerFor, putClassic, startAttack } from '../../support/attack.ts'

const attacks: Attack[] = []
afterEach(async () => {
  for (const attack of attacks.splice(0)) await attack.close()
})

/** A registry at `registry.test`, under a policy that admits in an outage; other names are never answered. */
async function start(dead: readonly string[] = []) {
  const asked: string[] = []
  const resolve: Resolve = (name, _options, done) => {
    asked.push(name)
    if (name === 'registry.test' && !dead.includes(name)) done(null, [{ address: '127.0.0.1', family: 4 }])
  }
  const policies = [{ ...demanding(['Tag']), whenUndetermined: 'InsecureAdmit' as const }]
  const attack = await startAttack({ policies, client: { resolve, insecure: () => true } })
  attacks.push(attack)
  const image = `registry.test:${attack.registry.host.split(':')[1]}/team/app@${attack.digest}`
  const given = new AbortController()
  return {
    asked,
    sign: () => putClassic(attack.registry, attack.digest, [layerFor(attack.digest)]),
    admit: () => attack.admit(image),
    /** A Pod of these names, until the end of the test. */
    bring: async (names: readonly string[]) => {
      void attack.admit(
        names.map((name) => `${name}/team/app@${attack.digest}`),
        { signal: AbortSignal.any([given.signal, AbortSignal.timeout(10_000)]) },
      )
      while (asked.length === 0) await new Promise(setImmediate)
    },
    /** What is answered when the deadline comes while nobody has answered anything. */
    async admitUntilLate(): Promise<Admitted> {
      const late = new AbortController()
      const answer = attack.admit(image, { signal: late.signal })
      for (let turn = 0; turn < 20; turn++) await new Promise(setImmediate)
      late.abort()
      given.abort()
      return answer
    },
  }
}

const ofOneDomain = Array.from({ length: 32 }, (_, at) => `host${at}.slow.example`)
const ofManyDomains = Array.from({ length: 32 }, (_, at) => `slow${at}.example`)

describe('NW-10: a Pod whose names take for ever', () => {
  test('neighbour: of one domain leaves a signed image admitted', async () => {
    const { sign, bring, admit, asked } = await start()
    sign()
    await bring(ofOneDomain)
    expect(await admit()).toMatchObject({ outcome: 'allowed' })
    expect(asked).toEqual(['host0.slow.example', 'registry.test'])
  })

  test('of one domain leaves an unsigned image denied, though the policy admits in an outage', async () => {
    const { bring, admit } = await start()
    await bring(ofOneDomain)
    expect(await admit()).toMatchObject({ outcome: 'denied', code: 'signature-missing' })
  })

  test('of many domains, when the deadline comes, is no outage of a registry that was not looked up yet', async () => {
    const { bring, admitUntilLate, asked } = await start()
    await bring(ofManyDomains)
    expect(await admitUntilLate()).toMatchObject({ outcome: 'denied', code: 'judged-too-late' })
    expect(asked).toEqual(['slow0.example', 'slow1.example'])
  })

  test('neighbour: a registry whose own name is not answered is away, and the policy admits', async () => {
    const { bring, admitUntilLate, asked } = await start(['registry.test'])
    await bring(ofOneDomain)
    expect(await admitUntilLate()).toMatchObject({ outcome: 'allowed' })
    expect(asked).toContain('registry.test')
  })

  test('neighbour: of many domains leaves a registry admitted that has answered before', async () => {
    const { sign, bring, admit } = await start()
    sign()
    expect(await admit()).toMatchObject({ outcome: 'allowed' })
    await bring(ofManyDomains)
    expect(await admit()).toMatchObject({ outcome: 'allowed' })
  })
})
