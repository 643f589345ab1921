// Planted secrets, looked for in everything that comes out: answers, log, metrics, errors, records, and the terminal.

import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { createJudging } from '#app/cli/judging.ts'
import { createRecorder } from '#app/engine/recording.ts'
import { createLog } from '#app/log.ts'
import { holdPolicies } from '#app/policy-holder.ts'
import { createMetrics } from '#app/server/metrics.ts'
import { createServing } from '#app/serving.ts'
import { type Answered, judgementText, recordOf } from '#core/decision/record.ts'
import { compilePolicySet } from '#core/policy/set.ts'
import type { Mode } from '#core/policy/words.ts'
import type { CredentialLookup } from '#io/registry/credentials.ts'
import { type Attack, demanding, layerFor, pair, podOf, putClassic, startAttack } from '../../support/attack.ts'
import { runHere, tempFolder } from '../../support/cli.ts'
import { challenging, redirect } from '../../support/hostile-answers.ts'
import { arrivedAt, asServed, json, startHostileRegistry, types } from '../../support/hostile-registry.ts'
import { use } from '../../support/judging.ts'
import { matching } from '../../support/policies.ts'
import { pemOf } from '../../support/signed-evidence.ts'
import type { Handler } from '../../support/stub-registry.ts'

const markers = {
  password: 'marker-password-d41d',
  token: 'marker-token-8cd9',
  proxy: 'marker-proxy-8f00',
  query: 'marker-query-b204',
  body: 'marker-body-e980',
}
const secrets = [...Object.values(markers), Buffer.from(`alice:${markers.password}`).toString('base64')]

let attack: Attack
let out: string
beforeEach(async () => {
  const registry = await startHostileRegistry()
  const credentials: CredentialLookup = async () => ({
    credentials: [{ kind: 'basic', username: 'alice', password: markers.password }],
    problems: [],
  })
  attack = await startAttack({
    registry,
    policies: [demanding(['Tag'])],
    client: { credentials, network: { httpsProxy: `http://alice:${markers.proxy}@127.0.0.1:1`, noProxy: '' } },
  })
  putClassic(registry, attack.digest, [layerFor(attack.digest)])
  out = ''
})
afterEach(() => attack.close())

const add = (text: string) => {
  out += text
}

/** Judges as the server does, and keeps all that it says, and what would go on record. */
async function serve(image: string, mode: Mode = 'Enforce') {
  const log = createLog({ level: 'debug', destination: { write: (line) => add(line) } })
  const metrics = createMetrics()
  const policies = [{ ...demanding(['Tag']), mode }]
  const set = compilePolicySet({ policies, attestors: [], namespaces: [], revision: '1' })
  const { engine } = createJudging({ registry: attack.client })
  const recorder = createRecorder()
  const records = {
    add: (answered: Answered) => add(JSON.stringify(recordOf({ run: 'r', n: 1 }, answered, judgementText))),
    report: () => ({ state: 'writing' as const, waiting: 0, dropped: 0 }),
  }
  const handlers = createServing({ engine, policies: holdPolicies(set), log, metrics, records })
  const signal = AbortSignal.timeout(10_000)
  const request = podOf(image)
  const answer = await handlers.mutate(request, { signal, deadline: performance.now() + 10_000 })
  handlers.answered?.({ path: 'mutate', request, answer })
  const asking = { purpose: 'mutate', namespace: 'prod', uses: [use(image)], unchanged: new Set<string>() } as const
  const decision = await engine.judge(
    { ...asking, matched: matching(policies), bystanders: [], credentialScope: 'own' },
    signal,
    recorder.observe,
  )
  add(JSON.stringify([answer, decision, recorder.facts()]))
  add((await metrics.text()).body)
  return answer
}

function expectNoSecrets(text: string): void {
  for (const secret of secrets) expect(text).not.toContain(secret)
}

const head = '/v2/team/app/manifests/v1'
const denied =
  (body: string, status: number): Handler =>
  () => ({ status, body, headers: { 'www-authenticate': 'Basic realm="x"' } })
const said = () => JSON.stringify({ errors: [{ code: 'DENIED', message: `${markers.body} for ${markers.password}` }] })

describe('NW-09: secrets that a registry gives back, or that stand in settings', () => {
  test('neighbour: are used where they belong, the image is admitted, and none of them is shown', async () => {
    attack.registry.on(
      'HEAD',
      head,
      challenging(`Bearer realm="${attack.registry.url}/token"`, asServed(attack.bytes, types.manifest)),
    )
    attack.registry.on('GET', '/token', { body: json({ token: markers.token }) })
    expect(await serve(attack.tagged)).toMatchObject({ outcome: 'patched' })
    expect(arrivedAt(attack.registry)).toContain(markers.password)
    expect(arrivedAt(attack.registry)).toContain(markers.token)
    expectNoSecrets(out)
  })

  const ways: readonly (readonly [string, () => Handler, string])[] = [
    ['a body with 401', () => denied(said(), 401), 'access-denied'],
    ['a body with 403', () => denied(said(), 403), 'access-denied'],
    ['a body with 500', () => denied(markers.body, 500), 'registry-failing'],
    ['a body with 400', () => denied(said(), 400), 'registry-protocol'],
    ['the query of a redirect', () => () => redirect(`/store?X-Signature=${markers.query}`), 'registry-protocol'],
    [
      'the user part of a redirect',
      () => () => redirect(`http://alice:${markers.password}@${attack.registry.host}/x`),
      'redirect-refused',
    ],
    [
      'the query of a realm',
      () => challenging(`Bearer realm="http://other.example/t?k=${markers.query}"`, {}),
      'realm-refused',
    ],
    [
      'the user part of a realm',
      () => challenging(`Bearer realm="https://alice:${markers.password}@other.example/t"`, {}),
      'realm-refused',
    ],
    ['a malformed challenge', () => challenging(`Bearer realm="${markers.query}" "`, {}), 'registry-protocol'],
  ]

  test.each(ways)('are denied and not shown from %s', async (_way, handler, code) => {
    attack.registry.on('HEAD', head, handler())
    attack.registry.on('HEAD', '/store', { status: 400 })
    expect(await serve(attack.tagged)).toMatchObject({ outcome: 'denied', code })
    expectNoSecrets(out)
  })

  test.each([
    ['no JSON', `<p>${markers.token}</p>`],
    ['an unusable token', JSON.stringify({ token: `${markers.token} x` })],
    ['an error', JSON.stringify({ errors: [{ message: markers.token }] })],
  ])('are denied and not shown from a token answer that is %s', async (_what, body) => {
    attack.registry.on('HEAD', head, challenging(`Bearer realm="${attack.registry.url}/token"`, {}))
    attack.registry.on('GET', '/token', { body })
    expect(await serve(attack.tagged)).toMatchObject({ outcome: 'denied', code: 'token-service-failing' })
    expectNoSecrets(out)
  })

  test('are denied and not shown from a proxy that cannot be reached', async () => {
    const answer = await serve(`registry.example.com/team/app@${attack.digest}`)
    expect(answer).toMatchObject({ outcome: 'denied', code: 'registry-unreachable' })
    expectNoSecrets(out)
  })

  const pasted = ['https://alice:PASSWORD@HOST', 'alice:PASSWORD@HOST', 'https://PASSWORD@HOST']

  test.each(pasted.flatMap((text) => (['Enforce', 'Warn', 'Audit'] as const).map((mode) => [text, mode] as const)))(
    'are denied and not shown from the user part of an image name: %s, %s',
    async (text, mode) => {
      const image = `${text.replace('PASSWORD', markers.password).replace('HOST', attack.registry.host)}/team/app:v1`
      const answer = await serve(image, mode)
      if (mode === 'Enforce') expect(answer).toMatchObject({ outcome: 'denied', code: 'reference-malformed' })
      else expect(answer.outcome).toBe('allowed')
      expect(out).toContain(`***:***@${attack.registry.host}/team/app:v1`)
      expectNoSecrets(out)
    },
  )

  test('are not shown by the commands, which find them in the environment and in a docker config', async () => {
    const folder = await tempFolder()
    const auth = Buffer.from(`alice:${markers.password}`).toString('base64')
    await writeFile(join(folder.path, 'config.json'), JSON.stringify({ auths: { [attack.registry.host]: { auth } } }))
    await writeFile(join(folder.path, 'key.pub'), pemOf(pair.publicKey))
    const env = {
      DOCKER_CONFIG: folder.path,
      COSIGN_PASSWORD: markers.body,
      HTTPS_PROXY: `http://u:${markers.proxy}@127.0.0.1:1`,
    }
    const options = { cwd: folder.path, env }
    attack.registry.on('HEAD', head, challenging('Basic realm="x"', asServed(attack.bytes, types.manifest)))
    const lines = [
      `verify ${attack.tagged} --key @key.pub`,
      `verify ${attack.tagged} --key @key.pub -o json`,
      `explain ${attack.tagged} --key @key.pub`,
    ]
    for (const line of lines) {
      const ran = await runHere(line, options)
      expect(ran).toMatchObject({ code: 0 })
      expectNoSecrets(ran.stdout + ran.stderr)
    }
    expect(arrivedAt(attack.registry)).toContain(markers.password)
    attack.registry.on('HEAD', head, denied(said(), 403))
    const pastedNames = [
      `https://alice:${markers.password}@${attack.tagged}`,
      `alice:${markers.password}@${attack.tagged}`,
    ]
    const onPasted = pastedNames.flatMap((image) => [`verify ${image} --key @key.pub`, `tree ${image}`])
    for (const line of [...lines, ...onPasted, `verify registry.example.com/x:1 --key @key.pub`]) {
      const ran = await runHere(line, options)
      expect(ran.code).not.toBe(0)
      expectNoSecrets(ran.stdout + ran.stderr)
    }
    await folder.remove()
  })
})
