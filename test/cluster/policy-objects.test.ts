// Policies are objects of a cluster: what is written there is in force within seconds, what is wrong changes nothing else,
// and neither a restart of ours nor one of the API server opens a door.

import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { openKube } from '#io/kube/kube.ts'
import { readPublicKey } from '#signature/keys/public-key.ts'
import { missing, titled } from '../support/tools.ts'
import { type ControlPlane, clusterTools, startControlPlane } from './control-plane.ts'
import { type Sealward, startSealward } from './sealward.ts'
import { startWorld, type World } from './world.ts'

const crds = new URL('../../deploy/crds', import.meta.url).pathname
const soon = { timeout: 5_000, interval: 50 }
const patient = { timeout: 30_000, interval: 100 }

/** Every wait has a limit of its own; several of them, on a busy machine, take longer than tests may elsewhere. */
const limits = { timeout: 120_000 }

describe.skipIf(missing(...clusterTools))(titled('policy objects', ...clusterTools), limits, () => {
  let cluster: ControlPlane
  let world: World
  let sealward: Sealward
  const start = async () => {
    const flags = ['--insecure-registry', world.host]
    sealward = await startSealward({ folder: cluster.folder, kubeconfig: cluster.kubeconfig, flags })
  }

  beforeAll(async () => {
    ;[cluster, world] = await Promise.all([startControlPlane(), startWorld()])
    await cluster.kubectl(['create', 'namespace', 'shop'])
    await start()
  })
  afterAll(async () => {
    await sealward?.stop()
    await Promise.all([cluster?.stop(), world?.stop()])
  })

  const apply = async (...documents: readonly object[]) => {
    const text = documents.map((document) => JSON.stringify(document)).join('\n---\n')
    const told = await cluster.kubectl(['apply', '-f', '-'], text)
    if (told.code !== 0) throw new Error(told.stderr)
  }
  const remove = async (...names: readonly string[]) => {
    const told = await cluster.kubectl(['delete', '--ignore-not-found', ...names])
    if (told.code !== 0) throw new Error(told.stderr)
  }
  const object = (kind: string, name: string, spec: object, metadata: object = {}) => ({
    apiVersion: 'sealward.dev/v1alpha1',
    kind,
    metadata: { name, ...metadata },
    spec,
  })
  const release = (more: object = {}) =>
    object('Attestor', 'release', { key: { keys: [{ name: 'demo', pem: world.releaseKey, ...more }] } })
  const signedBy = (attestor: string) => ({
    mode: 'Enforce',
    rules: [{ images: [`${world.host}/shop/**`], require: { signature: { attestor } } }],
  })
  const shop = (attestor = 'release') => object('ClusterTrustPolicy', 'shop', signedBy(attestor))
  const statusOf = async (kind: string, name: string) => {
    const told = await cluster.kubectl(['get', kind, name, '-o', 'jsonpath={.status}'])
    return told.stdout === '' ? {} : JSON.parse(told.stdout)
  }
  const allows = async (tag: 'signed' | 'unsigned' | 'stranger', parts: object = {}) =>
    (await sealward.ask(world.image(tag), parts)).allowed
  const isJudged = (options = soon) =>
    expect.poll(async () => [await allows('signed'), await allows('unsigned')], options).toEqual([true, false])

  test('FT-03: before there are kinds it is not ready, says why, and admits nothing', async () => {
    expect(await sealward.ready()).toMatchObject({ ready: false })
    expect(JSON.stringify(await sealward.ready())).toContain('clustertrustpolicies have not been read')
    const answer = await sealward.ask(world.image('signed'))
    expect(answer.allowed).toBe(false)
    expect(answer.status?.message).toContain('policies-not-loaded')
    const told = await cluster.kubectl(['apply', '-f', crds])
    expect(told).toMatchObject({ code: 0, stderr: '' })
    await expect.poll(() => sealward.ready(), patient).toMatchObject({ ready: true, policies: 0 })
  })

  describe('in force', () => {
    beforeEach(async () => {
      await remove('ctp,att,tp,deny', '--all', '-A').catch(() => undefined)
      await remove('clustertrustpolicies', '--all')
      await remove('attestors', '--all')
      await apply(release(), shop())
      await isJudged(patient)
      await expect.poll(async () => (await statusOf('ctp', 'shop')).phase, soon).toBe('Active')
    })

    test('a policy admits what is signed, pins it, refuses the rest, and says that it is Active', async () => {
      const { patch } = await sealward.ask(world.image('signed'))
      const [{ value }] = JSON.parse(Buffer.from(patch ?? '', 'base64').toString())
      expect(value).toBe(`${world.image('signed')}@${world.digests.signed}`)
      const status = await statusOf('ctp', 'shop')
      expect(status).toMatchObject({ observedGeneration: 1, conditions: [{ type: 'Ready', status: 'True' }] })
    })

    test('a policy that is deleted demands nothing any more', async () => {
      await remove('ctp', 'shop')
      await expect.poll(() => allows('unsigned'), soon).toBe(true)
    })

    test('PC-02, PC-05: a key that is revoked counts no longer', async () => {
      await apply(release({ revoked: { at: '2026-01-01T00:00:00Z', reason: 'Compromised' } }))
      await expect.poll(() => allows('signed'), soon).toBe(false)
    })

    test('PC-02: an attestor that is deleted takes its trust away, and comes back with it', async () => {
      await remove('att', 'release')
      await expect.poll(() => allows('signed'), soon).toBe(false)
      await expect
        .poll(() => statusOf('ctp', 'shop'), soon)
        .toMatchObject({
          phase: 'Outdated',
          message: expect.stringContaining('there is no attestor "release"'),
          conditions: [{ status: 'False', reason: 'Refusing' }],
        })
      await apply(release())
      await isJudged()
      await expect.poll(async () => (await statusOf('ctp', 'shop')).phase, soon).toBe('Active')
    })

    test('PC-06: a new policy that is wrong changes nothing but its own status', async () => {
      const revision = (await sealward.ready())['revision']
      await apply(object('ClusterTrustPolicy', 'wrong', signedBy('nobody')))
      await expect
        .poll(() => statusOf('ctp', 'wrong'), soon)
        .toMatchObject({
          phase: 'Invalid',
          message: expect.stringContaining('there is no attestor "nobody"'),
        })
      await isJudged()
      expect(await sealward.ready()).toMatchObject({ ready: true, revision, policies: 1 })
      expect((await statusOf('ctp', 'shop')).phase).toBe('Active')
      await remove('ctp', 'wrong')
    })

    test('one of fifty that is made wrong changes nothing of the others', async () => {
      const names = Array.from({ length: 50 }, (_, index) => `p-${index}`)
      const policies = (broken: string | undefined) =>
        names.map((name) => object('ClusterTrustPolicy', name, signedBy(name === broken ? 'nobody' : 'release')))
      await apply(...policies(undefined))
      await expect.poll(() => sealward.ready(), patient).toMatchObject({ policies: 51 })
      const told = async () => {
        const { stdout } = await cluster.kubectl(['get', 'ctp', '-o', 'json'])
        const items: { metadata: { name: string }; status?: { phase: string } }[] = JSON.parse(stdout).items
        return Object.fromEntries(items.map(({ metadata, status }) => [metadata.name, status?.phase]))
      }
      const all = Object.fromEntries(['shop', ...names].map((name) => [name, 'Active']))
      await expect.poll(told, patient).toEqual(all)
      const { revision } = await sealward.ready()
      await apply(...policies('p-7'))
      await expect.poll(told, soon).toEqual({ ...all, 'p-7': 'Outdated' })
      expect(await sealward.ready()).toMatchObject({ ready: true, policies: 51, revision })
      await isJudged()
    })

    test('PC-06: an edit that is wrong keeps what stood there before, over a restart too', async () => {
      await apply(shop('nobody'))
      await expect
        .poll(() => statusOf('ctp', 'shop'), soon)
        .toMatchObject({
          phase: 'Outdated',
          observedGeneration: 2,
          inForce: { generation: 1 },
        })
      await isJudged()
      await sealward.stop('SIGKILL')
      await start()
      await expect.poll(() => sealward.ready(), patient).toMatchObject({ ready: true, policies: 1 })
      await isJudged()
      await apply(shop())
      await expect.poll(async () => (await statusOf('ctp', 'shop')).phase, soon).toBe('Active')
      expect(await statusOf('ctp', 'shop')).not.toHaveProperty('inForce')
    })

    test('PC-06: an edit that is wrong, made while nobody followed, refuses what the policy is about', async () => {
      await sealward.stop('SIGKILL')
      await apply(shop('nobody'))
      await start()
      await expect.poll(() => sealward.ready(), patient).toMatchObject({ ready: true, policies: 1 })
      expect([await allows('signed'), await allows('unsigned')]).toEqual([false, false])
      await apply(shop())
      await isJudged()
    })

    test('PC-02: a key is read from its Secret, changes with it, and goes with it', async () => {
      const secret = (pem: string) => ({
        apiVersion: 'v1',
        kind: 'Secret',
        metadata: { name: 'release-key', namespace: 'shop' },
        stringData: { 'cosign.pub': pem },
      })
      const ref = { secretRef: { namespace: 'shop', name: 'release-key' } }
      const { publicKey } = (await import('node:crypto')).generateKeyPairSync('ec', { namedCurve: 'P-256' })
      const other = publicKey.export({ type: 'spki', format: 'pem' }).toString()
      await apply(secret(other), object('Attestor', 'release', { key: { keys: [{ name: 'demo', ...ref }] } }))
      await expect.poll(() => allows('signed'), soon).toBe(false)
      await apply(secret(world.releaseKey))
      await isJudged()
      await sealward.stop('SIGKILL')
      await start()
      await expect.poll(() => sealward.ready(), patient).toMatchObject({ ready: true })
      await isJudged()
      await remove('secret', 'release-key', '-n', 'shop')
      await expect.poll(() => allows('signed'), soon).toBe(false)
      await expect
        .poll(async () => (await statusOf('att', 'release')).message, soon)
        .toContain('there is no Secret shop/release-key')
    })

    test('a policy of one namespace adds to those of the cluster, there only', async () => {
      await apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'team' } })
      const refusing = { rules: [{ images: [`${world.host}/shop/**`], require: { deny: {} } }] }
      await apply(object('TrustPolicy', 'mine', refusing, { namespace: 'team' }))
      await expect.poll(() => allows('signed', { namespace: 'team' }), soon).toBe(false)
      expect(await allows('signed')).toBe(true)
      const accepting = { rules: [{ images: [`${world.host}/shop/**`], require: { insecureAcceptAnything: {} } }] }
      await apply(object('TrustPolicy', 'mine', accepting, { namespace: 'team' }))
      await expect.poll(() => allows('signed', { namespace: 'team' }), soon).toBe(true)
      expect(await allows('unsigned', { namespace: 'team' })).toBe(false)
      await remove('tp', 'mine', '-n', 'team')
    })

    test('the namespace in which the administrator works is judged as every other', async () => {
      expect([
        await allows('signed', { namespace: 'default' }),
        await allows('unsigned', { namespace: 'default' }),
        await allows('unsigned', { namespace: 'kube-system' }),
      ]).toEqual([true, false, true])
    })

    test('AD-10: namespaces are chosen by the labels that they have now, one that was just made too', async () => {
      const selecting = {
        ...signedBy('release'),
        match: { namespaceSelector: { matchLabels: { signed: 'required' } } },
      }
      await apply(object('ClusterTrustPolicy', 'shop', selecting))
      await expect.poll(() => allows('unsigned'), soon).toBe(true)
      const kube = await openKube({ kubeconfig: cluster.kubeconfig })
      const metadata = { name: 'just-made', labels: { signed: 'required' } }
      await kube.send({ method: 'POST', path: '/api/v1/namespaces', body: { metadata } })
      expect(await allows('unsigned', { namespace: 'just-made' })).toBe(false)
      await cluster.kubectl(['label', 'namespace', 'just-made', 'signed-'])
      await expect.poll(() => allows('unsigned', { namespace: 'just-made' }), soon).toBe(true)
      await remove('namespace', 'just-made', '--wait=false')
    })

    test('AD-10: a namespace that nobody knows is refused where its labels matter, and only there', async () => {
      expect(await allows('signed', { namespace: 'nowhere' })).toBe(true)
      const selecting = {
        ...signedBy('release'),
        match: { namespaceSelector: { matchLabels: { signed: 'required' } } },
      }
      await apply(object('ClusterTrustPolicy', 'shop', selecting))
      await expect.poll(() => allows('signed', { namespace: 'nowhere' }), soon).toBe(false)
    })

    test('a DenyList keeps out what it names within seconds, and not after it is gone', async () => {
      const told = async () => (await sealward.ask(world.image('signed'))).status?.message ?? 'allowed'
      await apply(object('DenyList', 'leaked', { digests: [world.digests.signed], reason: 'a runner was taken over' }))
      await expect.poll(told, soon).toContain('is on the DenyList "leaked": a runner was taken over')
      await expect.poll(async () => (await statusOf('deny', 'leaked')).phase, soon).toBe('Active')
      const { fingerprint } = readPublicKey(world.releaseKey)
      await apply(object('DenyList', 'leaked', { keys: [fingerprint], reason: 'the key was lost' }))
      await expect.poll(told, soon).toContain('key "demo" is on the DenyList "leaked": the key was lost')
      // An API server counts characters, our reader halves of them: this is too long for it.
      await apply(object('DenyList', 'leaked', { digests: [world.digests.signed], reason: '🔑'.repeat(600) }))
      await expect.poll(told, soon).toContain(`${world.digests.signed} is on the DenyList "leaked": the key was lost`)
      await expect
        .poll(() => statusOf('deny', 'leaked'), soon)
        .toMatchObject({ phase: 'Outdated', inForce: { generation: 2 }, conditions: [{ reason: 'PartlyInForce' }] })
      await apply(object('DenyList', 'leaked', { keys: ['0'.repeat(64)], reason: 'another key was lost' }))
      await isJudged()
      await apply(object('DenyList', 'leaked', { digests: [world.digests.unsigned], reason: 'stolen' }))
      await apply(object('ClusterTrustPolicy', 'shop', { mode: 'Audit', otherwise: 'Accept' }))
      await expect.poll(() => allows('stranger'), soon).toBe(true)
      expect([await allows('signed'), await allows('unsigned')]).toEqual([true, false])
      await remove('deny', 'leaked')
      await expect.poll(() => allows('unsigned'), soon).toBe(true)
    })

    test('FT-03: while the API server is away the policies stay, and what was changed since is felt when it is back', async () => {
      const away = cluster.restartApiServer()
      expect([await allows('signed'), await allows('unsigned')]).toEqual([true, false])
      await away
      await remove('ctp', 'shop')
      await expect.poll(() => allows('unsigned'), patient).toBe(true)
    })
  })
})
