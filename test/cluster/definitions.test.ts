// The kinds as an API server keeps them: right objects are taken and come back as they were, wrong ones are refused by
// the API server itself, and what people see of them reads well.

import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { parse, parseAllDocuments } from 'yaml'
import { messageOf } from '#core/errors.ts'
import { openKubeAccess } from '#io/kube/access.ts'
import { createKubeClient, type KubeClient } from '#io/kube/client.ts'
import { everyWord } from '../core/policy/words/every-word.ts'
import { denyList, type Json, namespace, pems, read } from '../support/policy-documents.ts'
import { missing, titled } from '../support/tools.ts'
import { type ControlPlane, clusterTools, startControlPlane } from './control-plane.ts'
import { create, installDefinitions, pathOf } from './definitions.ts'
import { wrongObjects } from './wrong-objects.ts'

type Document = { readonly [name: string]: Json | undefined }

const [release = null] = everyWord({ pem: pems.third })

/** The examples of the documentation; what stands in files there stands in the object here. */
function examples(): readonly (readonly [string, readonly Document[]])[] {
  const blocks = [...readFileSync('docs/policy.md', 'utf8').matchAll(/```yaml\n([\s\S]*?)```/g)]
  return blocks.map(([, text = ''], index) => {
    const keys = Object.values(pems)
    const inline = text.replaceAll(/file: \S+/g, () => `pem: ${JSON.stringify(keys.shift() ?? '')}`)
    return [`example ${index + 1} of docs/policy.md`, parseAllDocuments(inline).map((each) => each.toJS() as Document)]
  })
}

const good = [
  ['every word', [namespace('team', {}), ...everyWord({ pem: pems.third })] as readonly Document[]] as const,
  ...examples(),
]

describe.skipIf(missing(...clusterTools))(titled('the kinds in a real API server', ...clusterTools), () => {
  let cluster: ControlPlane
  let client: KubeClient
  beforeAll(async () => {
    cluster = await startControlPlane()
    client = createKubeClient(await openKubeAccess({ kubeconfig: cluster.kubeconfig }))
    await installDefinitions(cluster)
    for (const name of ['team', 'team-shop']) await cluster.kubectl(['create', 'namespace', name])
  })
  afterAll(() => cluster?.stop())

  const kubectl = async (...args: readonly string[]) => {
    const { code, stdout, stderr } = await cluster.kubectl(args)
    if (code !== 0) throw new Error(stderr)
    return stdout
  }

  test('are installed by a plain apply, by a second one, and by a server-side one', async () => {
    const again = await kubectl('apply', '-f', 'deploy/crds')
    expect(again.trim().split('\n')).toEqual(
      again
        .trim()
        .split('\n')
        .map((line) => line.replace(/ \S+$/, ' unchanged')),
    )
    const sides = await kubectl('apply', '--server-side', '--force-conflicts', '-f', 'deploy/crds')
    expect(sides).not.toBe('')
    const crds = JSON.parse(await kubectl('get', 'crd', '-o', 'json')) as {
      readonly items: readonly { readonly status: { readonly conditions: readonly Json[] } }[]
    }
    for (const { status } of crds.items) {
      expect(status.conditions).toContainEqual(expect.objectContaining({ type: 'Established', status: 'True' }))
      expect(status.conditions).toContainEqual(expect.objectContaining({ type: 'NamesAccepted', status: 'True' }))
      // A schema that is not structural says so here.
      expect(status.conditions).toHaveLength(2)
    }
  }, 120_000) // as kubectl needs on a machine that has much else to do

  describe('right objects', () => {
    test.each(good)('%s: read from the API server, they say what was written', async (_, documents) => {
      const stored: Json[] = []
      for (const document of documents) {
        const isNamespace = document['kind'] === 'Namespace'
        if (isNamespace) stored.push(document)
        else {
          await create(client, document)
          stored.push((await client.send({ method: 'GET', path: pathOf(document, true) })) as Json)
          await client.send({ method: 'DELETE', path: pathOf(document, true) })
        }
      }
      const before = read(documents)
      const after = read(stored)
      expect(before.problems).toEqual([])
      expect(after.problems).toEqual([])
      expect(after.revision).toBe(before.revision)
      expect(after.policies).toHaveLength(before.policies.length)
      expect(after.denyLists).toHaveLength(before.denyLists.length)
    })
  })

  describe('wrong objects', () => {
    test.each(wrongObjects)('$title', async ({ wrong, right, says }) => {
      const refusal = await create(client, wrong, { dryRun: 'All' }).then(() => 'taken', messageOf)
      for (const each of says) expect(refusal).toContain(each)
      expect(await create(client, right, { dryRun: 'All' }).then(() => 'taken', messageOf)).toBe('taken')
      const problems = (document: Json) => read([...beside(document), document]).problems.map(({ path }) => path)
      expect(problems(wrong)).not.toEqual([])
      expect(problems(right)).toEqual([])
    })

    test.each(['on', 'off', 'yes', 'no', 'true', 'False'])(
      'a plain %s is no text, whatever YAML is spoken',
      async (word) => {
        const written = (name: string) => `
apiVersion: sealward.dev/v1alpha1
kind: ClusterTrustPolicy
metadata: { name: plain }
spec:
  otherwise: Deny
  rules:
    - images: ["**"]
      require: { deny: { message: ${name} } }`
        const { code, stderr } = await cluster.kubectl(['apply', '--dry-run=server', '-f', '-'], written(word))
        expect(stderr).toContain('spec.rules[0].require.deny.message in body must be of type string: "boolean"')
        expect(code).toBe(1)
        const quoted = await cluster.kubectl(['apply', '--dry-run=server', '-f', '-'], written(`"${word}"`))
        expect(quoted.code).toBe(0)
      },
    )

    test('a member that is unknown is dropped for a client that does not ask for more, and never kept', async () => {
      const document = { ...(wrongObjects[0]?.wrong as Document), metadata: { name: 'dropped' } }
      const made = await create(client, document, { dryRun: 'All', fieldValidation: 'Warn' })
      // The mode is what the API server writes where none is written.
      expect(made['spec']).toEqual({ mode: 'Enforce', otherwise: 'Deny' })
      const merged = ['apply', '--server-side', '--dry-run=server', '-f', '-']
      const { stderr } = await cluster.kubectl(merged, JSON.stringify(document))
      expect(stderr).toContain('.spec.othrwise: field not declared in schema')
    })

    test('kubectl shows the path of what is wrong', async () => {
      const [first] = wrongObjects
      const { code, stderr } = await cluster.kubectl(['create', '-f', '-'], JSON.stringify(first?.wrong))
      expect(stderr).toContain('strict decoding error: unknown field "spec.othrwise"')
      expect(code).toBe(1)
    })
  })

  describe('what people see', () => {
    const document = parse(`
apiVersion: sealward.dev/v1alpha1
kind: ClusterTrustPolicy
metadata: { name: seen }
spec: { otherwise: Deny, mode: Audit }`) as Document

    beforeAll(async () => {
      await create(client, document)
    })

    test('short names and columns', async () => {
      const status = { phase: 'Invalid', message: 'spec.mode: is wrong' }
      await kubectl('patch', 'ctp', 'seen', '--subresource=status', '--type=merge', '-p', JSON.stringify({ status }))
      expect((await kubectl('get', 'ctp')).replaceAll(/ +/g, ' ')).toMatch(
        /^NAME MODE STATUS AGE\nseen Audit Invalid \d+s\n$/,
      )
      expect((await kubectl('get', 'ctp', '-o', 'wide')).replaceAll(/ +/g, ' ')).toMatch(
        /^NAME MODE STATUS MESSAGE AGE\nseen Audit Invalid spec\.mode: is wrong \d+s\n$/,
      )
      expect(await kubectl('get', 'att,tp', '-A')).toBe('')
      await create(client, denyList({ keys: ['a'.repeat(64)], reason: 'stolen' }))
      expect((await kubectl('get', 'deny')).replaceAll(/ +/g, ' ')).toMatch(
        /^NAME REASON STATUS AGE\nleaked stolen \d+s\n$/,
      )
      await kubectl('delete', 'deny', 'leaked')
    })

    test('all of them at once', async () => {
      expect(await kubectl('get', 'sealward', '-A', '-o', 'name')).toBe('clustertrustpolicy.sealward.dev/seen\n')
    })

    test.each([
      ['clustertrustpolicy', ['For which images in the cluster whose signatures are required.', 'spec', 'status']],
      ['clustertrustpolicy.spec', ['What it says.', 'Default: "Enforce".', 'Audit: It is only recorded']],
      ['clustertrustpolicy.spec.rules.require', ['What must hold.', 'The attestor has signed the image.', 'anyOf']],
      ['clustertrustpolicy.status', ['What became of it. Written by Sealward.', 'Outdated: wrong as written']],
      ['denylist.spec', ['Images that are refused, by the digest', 'Why; whoever is refused reads it.']],
      ['attestor.spec.key.keys', ['Any one of them speaks for the attestor.', 'The public key itself.']],
    ])('kubectl explain %s', async (path, lines) => {
      const text = (await kubectl('explain', path)).replaceAll(/\s+/g, ' ')
      for (const line of lines) expect(text).toContain(line)
      expect(text).not.toContain('<empty>')
    })
  })

  describe('status', () => {
    const document: Document = { ...(release as Document), metadata: { name: 'reported' } }
    const path = () => pathOf(document, true)
    const status = {
      phase: 'Outdated',
      message: 'spec.key: is wrong',
      observedGeneration: 2,
      inForce: { generation: 1, spec: JSON.stringify(document['spec']) },
      images: 17,
      lastError: { code: 'policy-invalid', message: 'spec.key: is wrong', at: '2026-01-01T00:00:00Z' },
      conditions: [
        {
          type: 'Ready',
          status: 'False',
          reason: 'Invalid',
          message: 'spec.key: is wrong',
          observedGeneration: 2,
          lastTransitionTime: '2026-01-01T00:00:00Z',
        },
      ],
    }
    const patch = (body: Json, at = path()) =>
      client.send({
        method: 'PATCH',
        path: at,
        query: { fieldValidation: 'Strict' },
        contentType: 'application/merge-patch+json',
        body,
      })
    const generation = (object: unknown) =>
      (object as { readonly metadata: { readonly generation: number } }).metadata.generation

    beforeAll(async () => {
      await create(client, document)
    })

    test('is kept whole, and leaves the generation alone', async () => {
      const patched = await patch({ status }, `${path()}/status`)
      expect(patched['status']).toEqual(status)
      expect(generation(patched)).toBe(1)
    })

    test('does not come with the object, and cannot be written with it', async () => {
      const forged = await patch({ spec: { log: { threshold: 1 } }, status: { ...status, phase: 'Active' } })
      expect(forged['status']).toEqual(status)
      expect(generation(forged)).toBe(1)
      const changed = await patch({ spec: { log: null }, status: null })
      expect(changed['status']).toEqual(status)
      expect(generation(changed)).toBe(2)
    })

    test('cannot change what it is the status of', async () => {
      const patched = await patch({ spec: { log: { mode: 'Ignore', threshold: 2 } } }, `${path()}/status`)
      expect((patched['spec'] as Document)['log']).toBeUndefined()
      expect(generation(patched)).toBe(2)
    })

    test.each<[string, Json, string]>([
      ['a phase that is none', { phase: 'Fine' }, 'status.phase: Unsupported value: "Fine"'],
      ['a count below zero', { images: -1 }, 'status.images'],
      ['an older one without its generation', { inForce: { generation: null } }, 'status.inForce.generation'],
      ['an error without a code', { lastError: { code: null } }, 'status.lastError.code'],
    ])('refuses %s', async (_, wrong, says) => {
      expect(await patch({ status: wrong }, `${path()}/status`).then(() => 'taken', messageOf)).toContain(says)
    })
  })
})

/** What a document needs beside itself to be read. */
function beside(document: Json): readonly Json[] {
  const { kind } = document as Document
  return kind === 'Attestor' ? [] : [release]
}
