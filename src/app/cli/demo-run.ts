// Runs the demo: registry, images, webhook, scenario; then stays for a person to try.

import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Played } from '#app/demo/play.ts'
import { play } from '#app/demo/play.ts'
import { createPost } from '#app/demo/post.ts'
import { startDemoRegistry } from '#app/demo/registry.ts'
import { demoCases, reviewOf } from '#app/demo/scenario.ts'
import { verdictTable } from '#app/demo/table.ts'
import type { DemoHands, DemoWorld } from '#app/demo/world.ts'
import { buildWorld } from '#app/demo/world.ts'
import { createLog } from '#app/log.ts'
import { readerTools } from '#app/policy-files.ts'
import { holdPolicies } from '#app/policy-holder.ts'
import { createMetrics } from '#app/server/metrics.ts'
import type { RunningServer } from '#app/server/server.ts'
import { startServer } from '#app/server/server.ts'
import { createServing } from '#app/serving.ts'
import { signImage } from '#app/sign.ts'
import { readDocuments } from '#core/policy/read.ts'
import { compilePolicySet } from '#core/policy/set.ts'
import type { RegistryClient } from '#io/registry/client.ts'
import { createRegistryClient } from '#io/registry/client.ts'
import type { CommandContext, Run, Stream } from './command.ts'
import { createJudging } from './judging.ts'
import type { ListenAddress } from './listen-address.ts'
import { listenAddress, namesFor } from './listen-address.ts'
import { ownCredentials } from './registry-flags.ts'
import { styled } from './style.ts'

/** Pushing and signing five small images on this machine takes a second. */
const setUpMs = 60_000

export const run: Run = async (args, context) => {
  const address = listenAddress(args.text('listen') ?? '')
  const once = args.flag('once')
  const stopped = context.stopped()
  const { stdout } = context
  const registry = await startDemoRegistry({})
  const client = createRegistryClient({ version: context.version, insecure: (host) => host.startsWith('127.0.0.1:') })
  const folder = await mkdtemp(join(tmpdir(), 'sealward-demo-'))
  try {
    stdout.line(`A registry on ${registry.host} (in memory, for demo and tests only), five images in it.`)
    const world = await buildWorld(registry.host, await silentHost(), handsOn(client))
    const server = await startWebhook(world, client, address)
    stdout.line(`The webhook on ${server.url}, over TLS, enforcing one policy. What a cluster would send it:\n`)
    const post = createPost(server.url, server.caPem ?? '')
    const played = await play(demoCases(world), post.send).finally(() => post.close())
    const expected = tellVerdicts(played, world, stdout)
    if (!once) {
      await invite({ world, server, folder }, context)
      await untilAborted(stopped)
    }
    await server.close()
    return expected ? 0 : 1
  } finally {
    await Promise.all([registry.close(), client.close(), rm(folder, { recursive: true, force: true })])
  }
}

function tellVerdicts(played: readonly Played[], world: DemoWorld, stdout: Stream): boolean {
  const paint = {
    good: (text: string) => styled(stdout, 'green', text),
    bad: (text: string) => styled(stdout, 'red', text),
    faint: (text: string) => styled(stdout, 'dim', text),
  }
  for (const line of verdictTable(played, world.host, paint)) stdout.line(line)
  const shown = played.find(({ code }) => code === 'signature-by-stranger')
  if (shown !== undefined) stdout.line(`\nA denial in full:\n\n${indent(shown.message)}`)
  const wrong = played.filter(({ asExpected }) => !asExpected)
  for (const each of wrong) stdout.line(`\nNot as expected: ${each.case.title}\n${indent(each.message || 'admitted')}`)
  stdout.line(
    wrong.length === 0
      ? `\n${paint.good('✓')} All ${played.length} verdicts are the expected ones.`
      : `\n${paint.bad('✗')} ${wrong.length} of ${played.length} verdicts are not the expected ones.`,
  )
  return wrong.length === 0
}

async function startWebhook(world: DemoWorld, client: RegistryClient, address: ListenAddress): Promise<RunningServer> {
  const read = readDocuments([{ name: 'demo.yaml', text: world.policy }], readerTools())
  const policies = holdPolicies(compilePolicySet(read))
  // The terminal is for the story; what the log would say stands in the table.
  const log = createLog({ level: 'silent' })
  const metrics = createMetrics()
  const { engine } = createJudging({ registry: client })
  const handlers = createServing({ engine, policies, log, metrics })
  const tls = { kind: 'self-made', names: namesFor(address) } as const
  return startServer({ ...address, tls, handlers, log, metrics })
}

function handsOn(client: RegistryClient): DemoHands {
  const context = { signal: AbortSignal.timeout(setUpMs), scope: ownCredentials }
  return {
    pushBlob: (at, bytes, mediaType) => client.putBlob(at, bytes, mediaType, context),
    pushManifest: (at, tag, bytes, mediaType) => client.putManifest(at, tag, { bytes, mediaType }, context),
    sign: async ({ at, digest }, signer, format) => {
      const image = { ...at, digest, text: digest }
      const quiet = { pushing: () => {}, warn: () => {} }
      const tools = { registry: client, context, now: Date.now, random: Math.random, ...quiet }
      await signImage({ image, signer, format, annotations: {}, recursive: false }, tools)
    },
  }
}

/** Writes what `curl` needs and says how to use it. */
async function invite(
  { world, server, folder }: { world: DemoWorld; server: RunningServer; folder: string },
  { stdout }: CommandContext,
): Promise<void> {
  const cases = demoCases(world)
  const files = { 'ca.pem': server.caPem ?? '', 'policy.yaml': world.policy, 'release.pub': world.releaseKey }
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text)
  for (const [name, title] of [
    ['signed', 'signed'],
    ['unsigned', 'nobody signed it'],
  ] as const) {
    const found = cases.find((each) => each.title === title)
    if (found !== undefined)
      await writeFile(join(folder, `${name}.json`), JSON.stringify(reviewOf(found, 'by-hand'), null, 2))
  }
  const image = `${world.host}/shop/app`
  const post = (file: string) =>
    `curl -s --cacert ${folder}/ca.pem -H 'content-type: application/json' -d @${folder}/${file} ${server.url}/mutate`
  stdout.line(`
Try it by hand, in another terminal (the files lie in ${folder}):

  ${post('unsigned.json')}
  ${post('signed.json')}

In the checkout also:

  npm run -s sealward -- verify --key ${folder}/release.pub ${image}:signed ${image}:unsigned
  npm run -s sealward -- explain --policy ${folder}/policy.yaml ${image}:stranger

Ctrl-C ends it.`)
}

/** A port of this machine on which nobody listens. */
function silentHost(): Promise<string> {
  return new Promise((resolve, reject) => {
    const server = createServer().once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      server.close(() => resolve(`127.0.0.1:${typeof address === 'object' ? (address?.port ?? 1) : 1}`))
    })
  })
}

function untilAborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve()
    signal.addEventListener('abort', () => resolve(), { once: true })
  })
}

function indent(text: string): string {
  return text.replaceAll(/^(?=.)/gm, '  ')
}
