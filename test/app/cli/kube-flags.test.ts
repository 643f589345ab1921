// What `serve` may be told about its cluster: every wrong word is a usage error before anything is asked, beside one that is right.

import { describe, expect, test } from 'vitest'
import type { Args } from '#app/cli/command.ts'
import { kubeFlags, webhookNames } from '#app/cli/kube-flags.ts'
import { parseCommandLine } from '#app/cli/parse.ts'
import { command } from '#app/cli/serve.ts'

async function argsOf(line: string): Promise<Args> {
  const parsed = await parseCommandLine(['serve', ...line.split(' ').filter((word) => word !== '')])
  if (parsed.kind !== 'run' || parsed.spec.name !== command.name) throw new Error(`not run: ${line}`)
  return parsed.args
}

describe('flags of a cluster', () => {
  test('are none without --kube', async () => {
    expect(kubeFlags(await argsOf('--policy a'))).toBeUndefined()
  })

  test('have their defaults', async () => {
    expect(kubeFlags(await argsOf('--kube'))).toEqual({
      kubeconfig: undefined,
      name: 'sealward',
      namespace: undefined,
      endpoint: undefined,
      timeoutSeconds: 10,
      ca: undefined,
      pullSecrets: false,
    })
  })

  test.each([
    ['--kube-name gate', { name: 'gate' }],
    ['--kube-namespace trust', { namespace: 'trust' }],
    ['--kubeconfig admin', { kubeconfig: 'admin' }],
    ['--webhook-url https://127.0.0.1:8443', { endpoint: { kind: 'url', url: 'https://127.0.0.1:8443' } }],
    [
      '--webhook-url https://hooks.example.com/seal/',
      { endpoint: { kind: 'url', url: 'https://hooks.example.com/seal' } },
    ],
    ['--webhook-port 8443', { endpoint: { kind: 'service', port: 8443 } }],
    ['--webhook-timeout 30', { timeoutSeconds: 30 }],
    ['--tls-cert a --tls-key b --webhook-ca c', { ca: 'c' }],
    ['--pull-secrets', { pullSecrets: true }],
  ])('%s is taken', async (line, expected) => {
    expect(kubeFlags(await argsOf(`--kube ${line}`))).toMatchObject(expected)
  })

  test.each([
    ['--kube-name Gate'],
    ['--kube-namespace a.b'],
    ['--webhook-url http://127.0.0.1:8443'],
    ['--webhook-url 127.0.0.1:8443'],
    ['--webhook-url https://user@127.0.0.1:8443'],
    ['--webhook-url https://127.0.0.1:8443/?a=b'],
    ['--webhook-url https://127.0.0.1:8443 --webhook-port 443'],
    ['--webhook-port 0'],
    ['--webhook-port 65536'],
    ['--webhook-timeout 0'],
    ['--webhook-timeout 31'],
    ['--webhook-timeout 10s'],
    ['--webhook-ca c'],
    ['--tls-cert a --tls-key b'],
  ])('%s is refused', async (line) => {
    const args = await argsOf(`--kube ${line}`)
    expect(() => kubeFlags(args)).toThrow(expect.objectContaining({ code: 'usage' }))
  })

  test.each([
    ['--kubeconfig a'],
    ['--kube-name a'],
    ['--kube-namespace a'],
    ['--webhook-url https://a'],
    ['--webhook-port 1'],
    ['--webhook-timeout 1'],
    ['--webhook-ca a'],
    ['--pull-secrets'],
  ])('%s is refused without --kube', async (line) => {
    const args = await argsOf(`--policy a ${line}`)
    expect(() => kubeFlags(args)).toThrow('add --kube')
  })
})

describe('the names of the certificate', () => {
  test('are those of the Service', () => {
    expect(webhookNames({ kind: 'service', port: 443 }, 'gate', 'trust')).toEqual([
      'gate.trust.svc',
      'gate.trust.svc.cluster.local',
    ])
  })

  test.each([
    ['https://127.0.0.1:8443', '127.0.0.1'],
    ['https://[::1]:8443', '::1'],
    ['https://hooks.example.com', 'hooks.example.com'],
  ])('of %s are what its host is', (url, name) => {
    expect(webhookNames({ kind: 'url', url }, 'gate', 'trust')).toEqual([name])
  })
})
