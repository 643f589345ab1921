// A process that may write nowhere, or may open nothing more.

import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { promisify } from 'node:util'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { slowClients } from '../../faults/crowds.ts'
import { faults } from '../../faults/faults.ts'
import type { Stream } from '../../faults/load.ts'
import { startStream } from '../../faults/load.ts'
import type { Outcome } from '../../faults/run.ts'
import { runFault } from '../../faults/run.ts'
import type { World } from '../../faults/world.ts'
import { startWorld } from '../../faults/world.ts'
import { program } from '../../support/cli.ts'

const run = promisify(execFile)

/** Patient: a machine that runs all other tests beside this one is no fault of the webhook. */
const timeoutMs = 60_000
const streamOf = ({ service, images }: World): Stream =>
  startStream(service, () => images.next(), { perSecond: 10, timeoutMs })

async function outcomeOf(id: string): Promise<Outcome> {
  const fault = faults.find((each) => each.id === id)
  if (fault === undefined) throw new Error(`there is no fault ${id}`)
  return runFault(fault, { perSecond: 5, faultMs: 2_000, calmMs: 1_000, timeoutMs })
}

describe.concurrent('FT-06: a process that may open no more files', () => {
  test('denies what it cannot ask about, and is well again within seconds', async () => {
    const outcome = await outcomeOf('no-descriptors')
    expect(outcome).toMatchObject({ wrong: [], lost: [], untrue: [] })
    expect(outcome.undetermined).toBeGreaterThan(0)
  }, 180_000)
})

describe.concurrent('FT-06: a process that may open few files', () => {
  test('neighbour: keeps some for registries, however many strangers connect', async () => {
    const world = await startWorld({ openFiles: 400 })
    const stream = streamOf(world)
    try {
      const end = await slowClients(world.service, 100)
      await expect.poll(() => stream.answered.length, { timeout: 30_000 }).toBeGreaterThan(16)
      await stream.stop()
      end()
      expect(stream.answered.filter(({ kind }) => kind !== 'right')).toEqual([])
      expect(await world.metrics()).toMatch(/^sealward_connections_evicted_total\{doing="[a-z]+"\} [1-9]/m)
    } finally {
      await world.close()
    }
  }, 120_000)
})

describe.concurrent('FT-06: a full disk', () => {
  test('neighbour: keeps nobody from an answer, and no answer from the record', async () => {
    const { wrong, lost, untrue, undetermined } = await outcomeOf('disk-full')
    expect({ wrong, lost, untrue, undetermined }).toEqual({ wrong: [], lost: [], untrue: [], undetermined: 0 })
  }, 180_000)
})

describe('FT-06: on a read-only root', () => {
  let world: World | undefined
  let folder: string
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'sealward-read-only-'))
  })
  afterEach(async () => {
    await world?.close()
    world = undefined
    rmSync(folder, { recursive: true })
  })
  /** Node refuses every write, whoever the user is. */
  const readOnly = ['--permission', '--allow-fs-read=*', '--allow-worker']

  test('neighbour: serves as ever, because it writes nothing', async () => {
    world = await startWorld({ nodeFlags: readOnly, hasStore: false })
    const stream = streamOf(world)
    await expect.poll(() => stream.answered.length, { timeout: 15_000 }).toBeGreaterThan(16)
    await stream.stop()
    expect(stream.answered.filter(({ kind }) => kind !== 'right')).toEqual([])
  }, 60_000)

  test('says so where it is told to write', async () => {
    const policy = join(folder, 'policy.yaml')
    writeFileSync(
      policy,
      'apiVersion: sealward.dev/v1alpha1\nkind: ClusterTrustPolicy\nmetadata: { name: a }\nspec: { otherwise: Deny }\n',
    )
    const words = ['serve', '--policy', policy, '--listen', '127.0.0.1:0', '--tls-ca-out', join(folder, 'ca.pem')]
    const failed = await run(process.execPath, [...readOnly, program, ...words]).catch((error) => error)
    expect(failed).toMatchObject({ code: 2, stderr: expect.stringContaining('code: file-unwritable') })
  }, 60_000)
})
