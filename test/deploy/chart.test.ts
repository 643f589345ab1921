// What the chart renders, by the real Helm. That an API server takes it is shown in test/cluster/install.test.ts.

import { createPublicKey, X509Certificate } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { parseCommandLine } from '#app/cli/parse.ts'
import { version } from '../../src/version.ts'
import { helm, type Rendering, render, renderText, someImage } from '../support/helm.ts'
import type { Manifest } from '../support/manifests.ts'
import { missing, titled } from '../support/tools.ts'
import { allKnobs, type Knob, knobs, type Place } from './chart-knobs.ts'
import { leaves, setting } from './chart-values.ts'

const values: object = parse(readFileSync('deploy/chart/values.yaml', 'utf8'))

function nameOf({ kind, metadata }: Manifest): string {
  const isElsewhere = metadata.namespace !== undefined && metadata.namespace !== 'sealward'
  return [kind, ...(isElsewhere ? [metadata.namespace] : []), metadata.name].join('/')
}

function at(manifests: readonly Manifest[], [object, ...members]: Place): unknown {
  const found: unknown = manifests.find((each) => nameOf(each) === object)
  return members.reduce<unknown>((value, member) => Object(value)[member], found)
}

/** The image's name is no default: it stands in all of them, unless it is what is set. */
function withImage({ value, set, beside = {} }: Knob): object {
  return setting(value, set, setting('image.repository', someImage.image.repository, beside))
}

describe('the values of the chart', () => {
  test('have a test each', () => {
    expect(knobs.map(({ value }) => value).sort()).toEqual([...leaves(values)].sort())
  })
})

describe('the folder of the chart', () => {
  test('holds the definitions of deploy/crds, and no others', () => {
    const texts = (folder: string) =>
      Object.fromEntries(readdirSync(folder).map((name) => [name, readFileSync(join(folder, name), 'utf8')]))
    expect(texts('deploy/chart/crds')).toEqual(texts('deploy/crds'))
  })

  test('is of our version', () => {
    expect(parse(readFileSync('deploy/chart/Chart.yaml', 'utf8'))).toMatchObject({ version, appVersion: version })
  })
})

describe.skipIf(missing('helm'))(titled('the chart', 'helm'), () => {
  let plain: readonly Manifest[]
  beforeAll(async () => {
    plain = await render()
  })
  const deployed = ['Deployment/sealward', 'spec', 'template', 'spec'] as const
  const pod = (manifests: readonly Manifest[]) => at(manifests, deployed)
  const refusal = (rendering: Rendering) => renderText(rendering).then(() => 'rendered', String)

  test.each(knobs)('heeds $value', async (knob) => {
    expect(at(plain, knob.place)).not.toEqual(knob.becomes)
    expect(at(await render({ values: withImage(knob) }), knob.place)).toEqual(knob.becomes)
  })

  test.each([
    ['a value that it does not know', { replicaCount: 2 }, "additional properties 'replicaCount' not allowed"],
    ['one within another', { image: { Digest: 'x' } }, "at '/image': additional properties 'Digest' not allowed"],
    ['a profile that it does not know', { profile: 'strict' }, "at '/profile': value must be one of"],
    ['a tag where none belongs', { image: { repository: 'registry.test/sealward:1' } }, "at '/image/repository'"],
    ['a digest that is none', { image: { digest: 'sha256:1' } }, "at '/image/digest'"],
  ])('refuses %s', async (_, refused, because) => {
    expect(await refusal({ values: refused })).toContain(because)
  })

  test('refuses to be installed without an image, and says what to name', async () => {
    expect(await refusal({ values: { image: {} } })).toContain('image.repository: name the image of Sealward')
  })

  test('names everything by the release, and tells Sealward so', async () => {
    const named = (await render({ release: 'gate', namespace: 'trust' })).filter(({ kind }) => kind !== 'Namespace')
    expect(new Set(named.map(({ metadata }) => metadata.name))).toEqual(new Set(['gate-sealward']))
    expect(
      at(named, ['Deployment/trust/gate-sealward', 'spec', 'template', 'spec', 'containers', 0, 'args']),
    ).toContain('--kube-name=gate-sealward')
  })

  test('fits the Pod Security Standard "restricted", and writes nowhere', () => {
    expect(pod(plain)).toMatchObject({
      automountServiceAccountToken: true,
      securityContext: { runAsNonRoot: true, runAsUser: 1000, seccompProfile: { type: 'RuntimeDefault' } },
      containers: [
        {
          securityContext: {
            allowPrivilegeEscalation: false,
            readOnlyRootFilesystem: true,
            capabilities: { drop: ['ALL'] },
          },
        },
      ],
    })
    expect(at(plain, ['ServiceAccount/sealward', 'automountServiceAccountToken'])).toBe(false)
    expect(pod(plain)).not.toHaveProperty('volumes')
  })

  test('leads the Service to the Pods, and lets a probe and the API server reach the same port', () => {
    const labels = at(plain, ['Deployment/sealward', 'spec', 'template', 'metadata', 'labels'])
    const service = at(plain, ['Service/sealward', 'spec'])
    expect(service).toMatchObject({ ports: [{ port: 443, targetPort: 'https' }] })
    for (const selector of [
      at(plain, ['Service/sealward', 'spec', 'selector']),
      at(plain, ['PodDisruptionBudget/sealward', 'spec', 'selector', 'matchLabels']),
      at(plain, ['NetworkPolicy/sealward', 'spec', 'podSelector', 'matchLabels']),
      at(plain, ['Deployment/sealward', 'spec', 'selector', 'matchLabels']),
    ]) {
      expect(labels).toMatchObject(Object(selector))
      expect(Object.keys(Object(selector))).toHaveLength(2)
    }
    const probe = { port: 'https', scheme: 'HTTPS' }
    expect(at(plain, ['Deployment/sealward', 'spec', 'template', 'spec', 'containers', 0])).toMatchObject({
      ports: [{ name: 'https', containerPort: 8443 }],
      startupProbe: { httpGet: { path: '/healthz', ...probe } },
      readinessProbe: { httpGet: { path: '/readyz', ...probe } },
      livenessProbe: { httpGet: { path: '/healthz', ...probe } },
    })
    expect(at(plain, ['NetworkPolicy/sealward', 'spec', 'ingress'])).toEqual([
      { ports: [{ port: 8443, protocol: 'TCP' }] },
    ])
  })

  test.each([
    ['every value set', allKnobs()],
    ['the strict profile', { profile: 'Strict', records: { enabled: true } }],
  ])('has the program started with what it understands: %s', async (_, values) => {
    const rendered = await render({ values })
    const args = Object(at(rendered, [...deployed, 'containers', 0])).args
    expect(args.length).toBeGreaterThan(8)
    expect(await parseCommandLine(args)).toMatchObject({ kind: 'run', spec: { name: 'serve' } })
    await expect(parseCommandLine([...args, '--unknown=1'])).rejects.toThrow('--unknown')
  })

  test('reads pull secrets only where a namespace grants them', async () => {
    const argsOf = async (namespaces: readonly string[]) =>
      Object(at(await render({ values: { pullSecrets: { namespaces } } }), [...deployed, 'containers', 0])).args
    expect(await argsOf(['team-a'])).toContain('--pull-secrets')
    expect(await argsOf([])).not.toContain('--pull-secrets')
  })

  test('mounts whatever its arguments and its environment name', async () => {
    const values = {
      profile: 'Strict',
      registries: { caConfigMap: 'corp-ca', dockerConfigSecret: 'own-registries' },
      records: { enabled: true },
    }
    const spec = Object(pod(await render({ values })))
    const { args, env, volumeMounts } = spec.containers[0]
    expect(env).toEqual([{ name: 'DOCKER_CONFIG', value: '/etc/sealward/docker' }])
    const named: readonly string[] = [...args, 'DOCKER_CONFIG=/etc/sealward/docker']
    const paths = named.flatMap((text) => /^[^=]+=(\/(?:etc|var)\/.+)$/.exec(text)?.[1] ?? [])
    expect(paths).toHaveLength(6)
    const mounts: readonly { mountPath: string; name: string }[] = volumeMounts
    for (const path of paths) expect(mounts.some(({ mountPath }) => `${path}/`.startsWith(`${mountPath}/`))).toBe(true)
    expect(mounts.map(({ name }) => name)).toEqual(spec.volumes.map(({ name }: { name: string }) => name))
    expect(spec.volumes).toContainEqual({ name: 'registry-ca', configMap: { name: 'corp-ca' } })
  })

  test('grants nothing by wildcard, and no right on Secrets outside of its own namespace', () => {
    for (const { kind, rules } of plain) {
      if (kind !== 'ClusterRole' && kind !== 'Role') continue
      expect(JSON.stringify(rules)).not.toContain('*')
      if (kind === 'ClusterRole') expect(JSON.stringify(rules)).not.toContain('secrets')
    }
  })

  test('has no hooks: nothing of it can keep an installation or its removal from ending', async () => {
    expect(await renderText()).not.toContain('helm.sh/hook')
  })

  test('installs no policy unasked, and one in Enforce only where that is said', async () => {
    expect(plain.map(({ apiVersion }) => apiVersion)).not.toContain('sealward.dev/v1alpha1')
    const policies = { clusterTrustPolicies: { production: { mode: 'Enforce' } } }
    const rendered = await render({ values: { policies } })
    expect(at(rendered, ['ClusterTrustPolicy/production', 'spec', 'mode'])).toBe('Enforce')
  })

  test('says what to do next', async () => {
    const args = ['install', 'sealward', 'deploy/chart', '--namespace', 'sealward', '--dry-run=client']
    const { stdout } = await helm({ args, values: someImage })
    const notes = stdout.slice(stdout.indexOf('NOTES:'))
    expect(notes).toContain('It judges nothing yet')
    expect(notes).toContain('mode: Audit')
  })
})

describe.skipIf(missing('helm'))(titled('the strict profile', 'helm'), () => {
  test('has no right on Secrets, in no namespace', async () => {
    const strict = await render({ values: { profile: 'Strict' } })
    expect(JSON.stringify(strict.filter(({ kind }) => kind.endsWith('Role')))).not.toContain('secrets')
    expect(JSON.stringify((await render()).filter(({ kind }) => kind.endsWith('Role')))).toContain('secrets')
  })

  test.each([
    ['pull secrets', { pullSecrets: { enabled: true } }, 'pullSecrets'],
    ['pull secrets of a namespace', { pullSecrets: { namespaces: ['team-a'] } }, 'pullSecrets'],
    ['keys in Secrets', { keySecrets: [{ namespace: 'trust', name: 'release' }] }, 'keySecrets'],
  ])('refuses to read %s', async (_, values, named) => {
    const strict = render({ values: { profile: 'Strict', ...values } })
    await expect(strict).rejects.toThrow(`${named}: with the profile Strict no Secret is read`)
    await expect(render({ values })).resolves.toContainEqual(expect.objectContaining({ kind: 'Deployment' }))
  })

  test('mounts a certificate for the name of its Service, made by the chart', async () => {
    const strict = await render({ values: { profile: 'Strict' }, release: 'gate', namespace: 'trust' })
    const data = Object(at(strict, ['Secret/trust/gate-sealward-serving', 'data']))
    const [certificate, authority, key] = ['tls.crt', 'ca.crt', 'tls.key'].map((name) =>
      Buffer.from(String(data[name]), 'base64').toString(),
    )
    const serving = new X509Certificate(certificate ?? '')
    expect(serving.checkHost('gate-sealward.trust.svc')).toBe('gate-sealward.trust.svc')
    expect(serving.checkHost('sealward.trust.svc')).toBeUndefined()
    expect(serving.verify(createPublicKey(authority ?? ''))).toBe(true)
    expect(serving.publicKey.equals(createPublicKey(key ?? ''))).toBe(true)
    expect(serving.publicKey.asymmetricKeyDetails).toEqual({ namedCurve: 'prime256v1' })
    const place = ['Deployment/trust/gate-sealward', 'spec', 'template', 'spec', 'containers', 0, 'args'] as const
    expect(at(strict, place)).toEqual(
      expect.arrayContaining([
        '--tls-cert=/etc/sealward/tls/tls.crt',
        '--tls-key=/etc/sealward/tls/tls.key',
        '--webhook-ca=/etc/sealward/tls/ca.crt',
      ]),
    )
  })

  test('a certificate from elsewhere takes no right on Secrets in the other profile, either', async () => {
    const given = await render({ values: { certificate: { existingSecret: 'from-elsewhere' } } })
    expect(JSON.stringify(given.filter(({ kind }) => kind.endsWith('Role')))).not.toContain('secrets')
    const args = at(given, ['Deployment/sealward', 'spec', 'template', 'spec', 'containers', 0, 'args'])
    expect(args).toContain('--webhook-ca=/etc/sealward/tls/ca.crt')
  })

  test('makes none where one is named', async () => {
    const values = { profile: 'Strict', certificate: { existingSecret: 'from-elsewhere' } }
    const strict = await render({ values })
    expect(strict.map(({ kind }) => kind)).not.toContain('Secret')
    expect(JSON.stringify(strict)).toContain('"secretName":"from-elsewhere"')
  })
})
