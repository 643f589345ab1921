// Credentials as a kubelet would use them, from a real API server: read by name, only where a RoleBinding lets us, and of
// use to nobody else.

import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { alice, bob, type PrivateRegistry, startPrivateRegistry } from '../support/private-registry.ts'
import { startStubRegistry } from '../support/stub-registry.ts'
import { missing, titled } from '../support/tools.ts'
import { type ControlPlane, clusterTools, startControlPlane } from './control-plane.ts'
import type { PullWorld, Tenants } from './pull-world.ts'
import { deploymentIn, named, openPullWorld, podIn, prepareTenants } from './pull-world.ts'
import { usedRights, userOf } from './rights.ts'

/** Of `prepareTenants`. */
const sealward = { namespace: 'sealward', name: 'sealward' }
const tools = [...clusterTools, 'docker-registry'] as const

describe.skipIf(missing(...tools))(titled('pull secrets of a real cluster', ...tools), () => {
  let cluster: ControlPlane
  let registry: PrivateRegistry
  let tenants: Tenants
  let world: PullWorld
  let image: string

  beforeAll(async () => {
    ;[cluster, registry] = await Promise.all([
      startControlPlane({ audited: [userOf(sealward)] }),
      startPrivateRegistry(),
    ])
    tenants = await prepareTenants(cluster)
    for (const name of ['team', 'other', 'ungranted']) await tenants.namespace(name)
    await tenants.secret('team/regcred', { [registry.host]: alice })
    await tenants.secret('other/regcred', { [registry.host]: bob })
    await tenants.secret('ungranted/regcred', { [registry.host]: alice })
    await tenants.grant('team', {
      secrets: ['regcred', 'older', 'wrong', 'changing', 'absent', 'opaque'],
      accounts: ['builder', 'default'],
    })
    await tenants.grant('other', { secrets: ['regcred'] })
    const account = {
      apiVersion: 'v1',
      kind: 'ServiceAccount',
      metadata: { namespace: 'team', name: 'builder' },
      ...named('regcred'),
    }
    await cluster.kubectl(['apply', '-f', '-'], JSON.stringify(account))
    image = registry.signed.pinned
  })
  afterAll(async () => {
    await cluster?.stop()
    await registry?.close()
  })
  beforeEach(async () => {
    world = await openPullWorld(tenants)
  })
  afterEach(() => world.close())

  const patched = { outcome: 'patched' }
  const allowed = { outcome: expect.stringMatching(/^(allowed|patched)$/) }
  const denied = { outcome: 'denied', code: 'access-denied' }

  describe('a private image', () => {
    test('is admitted with the pull secret of its Pod', async () => {
      expect(await world.admit(podIn('team', registry.signed.reference, named('regcred')))).toMatchObject(patched)
      expect(await world.admit(podIn('team', registry.signed.reference))).toMatchObject(denied)
    })

    test('is admitted with a Secret of the older type', async () => {
      await tenants.secret('team/older', { [registry.host]: alice }, 'dockercfg')
      expect(await world.admit(podIn('team', image, named('older')))).toMatchObject(allowed)
    })

    test("is admitted with the pull secrets of a template's service account, and not with those of another", async () => {
      expect(await world.admit(deploymentIn('team', image, { serviceAccountName: 'builder' }))).toMatchObject(allowed)
      expect(await world.admit(deploymentIn('team', image))).toMatchObject(denied)
    })

    test('is admitted in a Pod into which the API server has written those of its service account', async () => {
      const pod = {
        apiVersion: 'v1',
        kind: 'Pod',
        metadata: { namespace: 'team', name: 'built' },
        spec: { serviceAccountName: 'builder', containers: [{ name: 'c', image }] },
      }
      await cluster.kubectl(['create', '-f', '-'], JSON.stringify(pod))
      const { stdout } = await cluster.kubectl(['get', 'pod', 'built', '-n', 'team', '-o', 'json'])
      const object: unknown = JSON.parse(stdout)
      expect(object).toMatchObject({ spec: named('regcred') })
      expect(await world.admit({ ...podIn('team', image), object })).toMatchObject(allowed)
    })

    test('is admitted with the second of two Secrets where the first opens nothing', async () => {
      await tenants.secret('team/wrong', { [registry.host]: { ...alice, password: 'wrong' } })
      expect(await world.admit(podIn('team', image, named('wrong', 'regcred')))).toMatchObject(allowed)
      const answer = await world.admit(podIn('team', image, named('wrong')))
      expect(answer).toMatchObject(denied)
      expect(answer.message).toContain('with a user name and password of the pull secret team/wrong: 401')
    })

    test('that nobody signed is refused as such by whoever may read it', async () => {
      const unsigned = podIn('team', registry.unsigned.pinned, named('regcred'))
      expect(await world.admit(unsigned)).toMatchObject({ outcome: 'denied', code: 'signature-missing' })
    })
  })

  describe('a Secret that gives no credentials', () => {
    test('is named where nobody has granted it: not found out, and never "unsigned"', async () => {
      for (const each of [registry.signed, registry.unsigned]) {
        const answer = await world.admit(podIn('ungranted', each.pinned, named('regcred')))
        expect(answer).toMatchObject(denied)
        expect(answer.message).toContain(
          'the pull secret ungranted/regcred was not read: no RoleBinding in ungranted lets Sealward list and watch it',
        )
      }
    })

    test('is not read because its neighbour is granted', async () => {
      await tenants.secret('team/unnamed', { [registry.host]: alice })
      const answer = await world.admit(podIn('team', image, named('unnamed')))
      expect(answer).toMatchObject(denied)
      expect(answer.message).toContain('no RoleBinding in team')
    })

    test('is named where it is absent, and felt when it is made', async () => {
      const answer = await world.admit(podIn('team', image, named('absent')))
      expect(answer).toMatchObject(denied)
      expect(answer.message).toContain('the pull secret team/absent was not read: there is no such Secret')
      await tenants.secret('team/absent', { [registry.host]: alice })
      await expect
        .poll(() => world.admit(podIn('team', image, named('absent'))), { timeout: 5_000 })
        .toMatchObject(allowed)
    })

    test('is named where it is of another type', async () => {
      await cluster.kubectl([
        'create',
        'secret',
        'generic',
        'opaque',
        '-n',
        'team',
        '--from-literal=.dockerconfigjson={}',
      ])
      const answer = await world.admit(podIn('team', image, named('opaque')))
      expect(answer).toMatchObject(denied)
      expect(answer.message).toContain('the pull secret team/opaque cannot be used: its type is Opaque')
    })

    test('leaves to a service account that is not granted what the process itself may read', async () => {
      const answer = await world.admit(deploymentIn('ungranted', image))
      expect(answer).toMatchObject(denied)
      expect(answer.message).toContain('the pull secrets of the service account ungranted/default were not read')
    })

    test('is asked for again half a minute after it was refused, and not before', async () => {
      const pod = podIn('ungranted', image, named('late'))
      await tenants.secret('ungranted/late', { [registry.host]: alice })
      expect(await world.admit(pod)).toMatchObject(denied)
      await tenants.grant('ungranted', { secrets: ['late'] })
      const before = world.asked.length
      world.clock.ahead += 29_000
      expect(await world.admit(pod)).toMatchObject(denied)
      expect(world.asked.length).toBe(before)
      world.clock.ahead += 1_001
      expect(await world.admit(pod)).toMatchObject(allowed)
    })
  })

  describe('what the API server is asked', () => {
    test('is each Secret by its name: one list, one watch', async () => {
      await world.admit(podIn('team', image, named('regcred')))
      await expect.poll(() => world.asked.length).toBe(2)
      expect(world.asked).toMatchObject([
        { method: 'GET', path: '/api/v1/namespaces/team/secrets', query: { fieldSelector: 'metadata.name=regcred' } },
        {
          method: 'GET',
          path: '/api/v1/namespaces/team/secrets',
          query: { fieldSelector: 'metadata.name=regcred', watch: 'true' },
        },
      ])
    })

    test('is nothing at all for the second admission, whose credentials are known at once', async () => {
      const pod = podIn('team', image, named('regcred'))
      const template = deploymentIn('team', image, { serviceAccountName: 'builder' })
      for (const request of [pod, template]) expect(await world.admit(request)).toMatchObject(allowed)
      await expect.poll(() => world.asked.length).toBe(4)
      for (const request of [pod, template, pod, template]) {
        expect(world.isKnown(request)).toBe(true)
        expect(await world.admit(request)).toMatchObject(allowed)
      }
      expect(world.asked).toHaveLength(4)
    })

    test('is one list for many who want the same Secret for the first time', async () => {
      const pods = Array.from({ length: 20 }, () => world.admit(podIn('team', image, named('regcred'))))
      for (const answer of await Promise.all(pods)) expect(answer).toMatchObject(allowed)
      expect(world.asked.filter(({ query }) => query?.['watch'] === undefined)).toHaveLength(1)
    })

    test('is answered and told for more Secrets than there are connections for requests', async () => {
      await tenants.namespace('many')
      const names = Array.from({ length: 40 }, (_, index) => `regcred-${index}`)
      await tenants.secrets('many', names, { [registry.host]: alice })
      await tenants.grant('many', { secrets: names })
      const refused = async () => {
        const answers = await Promise.all(names.map((name) => world.admit(podIn('many', image, named(name)))))
        return answers.filter(({ outcome }) => outcome === 'denied').length
      }
      expect(await refused()).toBe(0)
      await expect.poll(() => world.asked.length).toBe(80)
      expect(await world.admit(podIn('team', image, named('regcred')))).toMatchObject(allowed)
      await tenants.secrets('many', names, { [registry.host]: { ...alice, password: 'wrong' } })
      await expect.poll(refused, { timeout: 30_000 }).toBe(40)
    })

    test('is nothing for a Pod that names no Secret', async () => {
      expect(await world.admit(podIn('team', image))).toMatchObject(denied)
      expect(world.asked).toEqual([])
    })
  })

  describe('a change', () => {
    test('of a Secret is felt within five seconds, for an image that is remembered as well', async () => {
      await tenants.secret('team/changing', { [registry.host]: alice })
      const pod = podIn('team', image, named('changing'))
      expect(await world.admit(pod)).toMatchObject(allowed)
      expect(await world.admit(pod)).toMatchObject(allowed)
      await tenants.secret('team/changing', { [registry.host]: { ...alice, password: 'wrong' } })
      await expect.poll(() => world.admit(pod), { timeout: 5_000 }).toMatchObject(denied)
      await tenants.secret('team/changing', { [registry.host]: bob })
      await expect.poll(() => world.admit(pod), { timeout: 5_000 }).toMatchObject(allowed)
      await cluster.kubectl(['delete', 'secret', 'changing', '-n', 'team'])
      await expect.poll(() => world.admit(pod), { timeout: 5_000 }).toMatchObject(denied)
    })

    test('of what is granted is felt when the API server is next asked whether we may', async () => {
      await tenants.namespace('withdrawn')
      await tenants.secret('withdrawn/regcred', { [registry.host]: alice })
      await tenants.grant('withdrawn', { secrets: ['regcred'] })
      const hasty = await openPullWorld(tenants, { watchSeconds: 2 })
      const pod = podIn('withdrawn', image, named('regcred'))
      expect(await hasty.admit(pod)).toMatchObject(allowed)
      await cluster.kubectl(['delete', 'rolebinding', 'sealward-pull-secrets', '-n', 'withdrawn'])
      await expect.poll(() => hasty.admit(pod), { timeout: 20_000 }).toMatchObject(denied)
      await hasty.close()
    })

    test("of a service account's list is felt within five seconds", async () => {
      const template = deploymentIn('team', image, { serviceAccountName: 'default' })
      expect(await world.admit(template)).toMatchObject(denied)
      const patch = (secrets: object) =>
        cluster.kubectl(['patch', 'serviceaccount', 'default', '-n', 'team', '-p', JSON.stringify(secrets)])
      await patch(named('regcred'))
      await expect.poll(() => world.admit(template), { timeout: 5_000 }).toMatchObject(allowed)
      await cluster.kubectl([
        'patch',
        'serviceaccount',
        'default',
        '-n',
        'team',
        '--type=json',
        '-p',
        '[{"op":"remove","path":"/imagePullSecrets"}]',
      ])
      await expect.poll(() => world.admit(template), { timeout: 5_000 }).toMatchObject(denied)
    })
  })

  describe("NW-06: another tenant's private image", () => {
    test.each(['by digest', 'by tag'])(
      '%s is denied without its pull secret, however well it is remembered',
      async (how) => {
        const asked = how === 'by digest' ? image : registry.signed.reference
        for (let times = 0; times < 2; times++)
          expect(await world.admit(podIn('team', asked, named('regcred')))).toMatchObject(allowed)
        expect(await world.admit(podIn('other', asked))).toMatchObject(denied)
        expect(await world.admit(podIn('team', asked))).toMatchObject(denied)
        expect(await world.admit(podIn('team', asked, named('regcred')))).toMatchObject(allowed)
      },
    )

    test('is denied to it while the owner is being answered, too', async () => {
      const owners = Array.from({ length: 10 }, () => world.admit(podIn('team', image, named('regcred'))))
      const others = Array.from({ length: 10 }, () => world.admit(podIn('other', image)))
      for (const answer of await Promise.all(owners)) expect(answer).toMatchObject(allowed)
      for (const answer of await Promise.all(others)) expect(answer).toMatchObject(denied)
    })

    test.each(['team/regcred', '../../team/secrets/regcred', 'regcred,metadata.namespace=team', 'regcred%2f..'])(
      'is denied to whoever names a pull secret as %s',
      async (name) => {
        expect(await world.admit(podIn('ungranted', image, named(name)))).toMatchObject(denied)
        expect(world.asked).toEqual([])
      },
    )

    test("is denied to whoever names the owner's Secret, which is looked for in his own namespace only", async () => {
      expect(await world.admit(podIn('ungranted', image, named('changing', 'regcred')))).toMatchObject(denied)
      expect(new Set(world.asked.map(({ path }) => path))).toEqual(new Set(['/api/v1/namespaces/ungranted/secrets']))
    })

    test('is not even said to be unsigned to it', async () => {
      const { pinned } = registry.unsigned
      expect(await world.admit(podIn('team', pinned, named('regcred')))).toMatchObject({ code: 'signature-missing' })
      expect(await world.admit(podIn('other', pinned))).toMatchObject(denied)
    })

    test('neighbour: is admitted with a pull secret of its own, for one look at the registry and no verification', async () => {
      expect(await world.admit(podIn('team', image, named('regcred')))).toMatchObject(allowed)
      expect(world.verified()).toBe(1)
      world.read.length = 0
      expect(await world.admit(podIn('other', image, named('regcred')))).toMatchObject(allowed)
      expect(world.read).toEqual(['access'])
      expect(world.verified()).toBe(1)
    })
  })

  describe('an API server that does not answer', () => {
    test('is the reason where nothing else could read the image, within a few seconds; what was known goes on', async () => {
      const pod = podIn('team', image, named('regcred'))
      const fresh = podIn('other', image, named('regcred'))
      expect(await world.admit(pod)).toMatchObject(allowed)
      cluster.etcd.signal('SIGSTOP')
      try {
        const since = performance.now()
        const answer = await world.admit(fresh)
        expect(answer).toMatchObject({ outcome: 'denied', code: 'pull-secret-unread' })
        expect(answer.message).toContain(
          'the pull secret other/regcred was not read: the API server did not give it in time',
        )
        expect(performance.now() - since).toBeLessThan(6_000)
        expect(await world.admit(pod)).toMatchObject(allowed)
      } finally {
        cluster.etcd.signal('SIGCONT')
      }
      await expect.poll(() => world.admit(fresh), { timeout: 60_000 }).toMatchObject(allowed)
    }, 120_000)

    test('is caught up with when it is back', async () => {
      await tenants.secret('team/changing', { [registry.host]: alice })
      const pod = podIn('team', image, named('changing'))
      expect(await world.admit(pod)).toMatchObject(allowed)
      await cluster.restartApiServer()
      await cluster.kubectl(['delete', 'secret', 'changing', '-n', 'team'])
      await expect.poll(() => world.admit(pod), { timeout: 30_000 }).toMatchObject(denied)
    }, 120_000)
  })

  describe('NW-07: the token of the service account', () => {
    test.each([
      ['asks for a password', (host: string) => `Basic realm="${host}"`],
      ['sends us to a token service', (host: string) => `Bearer realm="http://${host}/token",service="${host}"`],
    ])('never reaches a registry that %s, nor its token service', async (_, challenge) => {
      const stub = await startStubRegistry()
      try {
        const unauthorized = { status: 401, headers: { 'www-authenticate': challenge(stub.host) } }
        for (const method of ['GET', 'HEAD', 'POST']) stub.on(method, '*', unauthorized)
        for (const method of ['GET', 'POST']) stub.on(method, '/token', { body: '{"token":"of-the-registry"}' })
        await tenants.secret('team/changing', { [stub.host]: bob })
        const answer = await world.admit(podIn('team', `${stub.host}/team/app:v1`, named('changing')))
        expect(answer).toMatchObject({ outcome: 'denied', code: 'access-denied' })
        const arrived = JSON.stringify(stub.requests.map((each) => ({ ...each, body: each.body.toString() })))
        // The password of the tenant, which it has for this host, does arrive: so the right requests were looked at.
        expect(arrived).toContain(Buffer.from(`${bob.username}:${bob.password}`).toString('base64'))
        for (const part of tenants.token.split('.')) expect(arrived).not.toContain(part)
        expect(JSON.stringify(answer)).not.toMatch(/bob-pass|s3cret/)
      } finally {
        await stub.close()
      }
    })

    test('neighbour: is what the API server knows us by', async () => {
      expect(await world.admit(podIn('team', image, named('regcred')))).toMatchObject(allowed)
      const nobody = await openPullWorld({ ...tenants, token: 'no.such.token' })
      const answer = await nobody.admit(podIn('team', image, named('regcred')))
      expect(answer).toMatchObject({ outcome: 'denied', code: 'pull-secret-unread' })
      await nobody.close()
    })
  })

  describe('NW-06: what the API server has on record of all this', () => {
    test('is no question for more than one object, whether it was answered or not', async () => {
      const calls = await usedRights(cluster, sealward)
      const ofTenants = calls.filter(({ namespace }) => namespace !== undefined)
      expect(ofTenants.filter(({ allowed }) => !allowed).length).toBeGreaterThan(0)
      expect(ofTenants.filter(({ name }) => name === undefined)).toEqual([])
      expect(new Set(ofTenants.map(({ verb }) => verb))).toEqual(new Set(['list', 'watch']))
      expect(new Set(ofTenants.map(({ resource }) => resource))).toEqual(new Set(['secrets', 'serviceaccounts']))
      expect(calls.filter(({ resource, namespace }) => resource === 'secrets' && namespace === undefined)).toEqual([])
    })
  })
})
