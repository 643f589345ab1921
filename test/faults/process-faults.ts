// What happens to the webhook itself: its store, its clock, its files, its process, and those who ask too much of it.

import { execFile } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import process from 'node:process'
import { DatabaseSync } from 'node:sqlite'
import { promisify } from 'node:util'
import { flood, slowClients } from './crowds.ts'
import type { Fault } from './fault.ts'
import type { World } from './world.ts'

const run = promisify(execFile)
/** The longest that an API server can be told to wait. */
const longestTimeoutMs = 30_000
const nothing = () => undefined

/** Bounds a running process. */
async function limit({ service }: World, what: string): Promise<undefined> {
  await run('prlimit', ['--pid', String(service.pid), what])
}

const storeAway = { metric: 'sealward_decision_store_up 0', log: 'the store of decision records is away' }

export const processFaults: readonly Fault[] = [
  {
    id: 'store-locked',
    fault: 'Another process holds the lock of the decision store.',
    does: 'Answers as ever. Records wait in memory, and are written afterwards.',
    signs: storeAway,
    remedy: 'End what holds the file. What has no room in memory leaves a gap mark in the record.',
    backWithin: 0,
    isHarmless: true,
    begin({ store }) {
      const other = new DatabaseSync(store)
      other.exec('PRAGMA busy_timeout = 10000; BEGIN IMMEDIATE')
      return () => void other.close()
    },
  },
  {
    id: 'disk-full',
    fault: 'The disk of the decision store is full.',
    does: 'Answers as ever. Records wait in memory, and are written afterwards.',
    signs: storeAway,
    remedy: 'Make room, or shorten `--store-keep`.',
    backWithin: 0,
    isHarmless: true,
    async begin(world) {
      // To a process, a file that may not grow looks like a disk without room.
      await limit(world, '--fsize=65536:unlimited')
      return () => limit(world, '--fsize=unlimited:unlimited')
    },
  },
  clockFault('forwards', 3_600_000),
  clockFault('back', -3_600_000),
  {
    id: 'policies-broken',
    fault: 'The policy file is overwritten with something that cannot be read.',
    does: 'Keeps the last good policies.',
    signs: { metric: 'sealward_policies_stale 1', log: 'the last good ones stay' },
    remedy: 'Mend the file; `sealward policy lint` says what is wrong with it.',
    backWithin: 0,
    isHarmless: true,
    begin({ service, policy }) {
      service.writePolicy('kind: [')
      return () => void service.writePolicy(policy)
    },
  },
  {
    id: 'certificate-renewed',
    fault: 'Certificate, key and authority of the webhook are replaced.',
    does: 'Takes them up within seconds; connections that are open stay.',
    signs: { metric: 'sealward_certificate_loads_total{outcome="loaded"} 2' },
    remedy: 'Nothing, if the API server was told of the new authority before.',
    backWithin: 0,
    isHarmless: true,
    begin({ service }) {
      service.renewCertificate()
      return nothing
    },
  },
  {
    id: 'no-descriptors',
    fault: 'The process may open no more files or connections.',
    does: 'Answers on connections that are open, and denies what it cannot ask the registry about.',
    signs: { codes: ['overloaded'] },
    remedy:
      'Raise the limit of open files. What it is at the start decides how many connections are let in, so that some files are left for registries.',
    backWithin: 5,
    isHarmless: false,
    async begin(world) {
      world.registry.answer((truth) => ({ ...truth, headers: { ...truth.headers, connection: 'close' } }))
      // Fewer than are open, so that what is closed leaves no room for another.
      await limit(world, '--nofile=1:')
      return () => {
        world.registry.answer(undefined)
        return limit(world, '--nofile=4096:')
      }
    },
  },
  {
    id: 'slow-clients',
    fault: '300 clients hold connections: without a handshake, in the middle of headers, in the middle of a body.',
    does: 'Serves the others; gives each of them up after 5 to 10 s.',
    signs: { metric: 'sealward_tls_failed_total' },
    remedy: 'Let only the API server reach the port (network policy).',
    backWithin: 0,
    isHarmless: true,
    begin: ({ service }) => slowClients(service, 100),
  },
  {
    id: 'flood',
    fault:
      '896 Pods of one namespace within 8 s, all of an image whose registry never answers; the API server waits 30 s.',
    does: 'Bounds what is judged at once; turns away the oldest of those who take most, and serves all others.',
    signs: { metric: 'sealward_admission_answers_total{path="mutate",outcome="denied",code="overloaded"}' },
    remedy: 'Look who creates them: the log names user and namespace of each.',
    backWithin: 0,
    isHarmless: true,
    begin({ service, stalledImage }) {
      const crowd = flood(service, stalledImage, longestTimeoutMs)
      return () => crowd
    },
  },
  {
    id: 'killed',
    fault: 'The process is killed (`kill -9`) and started again.',
    does: 'Nothing is left half done. The record is whole; what was answered in the last moments may be missing from it.',
    signs: {},
    remedy: 'Run two replicas: who asks during the restart is refused by the API server, and asks again.',
    backWithin: 10,
    isHarmless: true,
    async begin({ service }) {
      await service.end('SIGKILL')
      await service.start()
      return nothing
    },
  },
  {
    id: 'stopped',
    fault: 'The process is told to stop (`SIGTERM`) and started again.',
    does: 'Answers every request that has arrived, says goodbye to each connection, and writes all records.',
    signs: {},
    remedy: 'Run two replicas, as above.',
    backWithin: 10,
    isHarmless: true,
    async begin({ service }) {
      await service.end('SIGTERM')
      await service.start()
      return nothing
    },
  },
]

function clockFault(direction: 'forwards' | 'back', byMs: number): Fault {
  const set = ({ folder, service }: World, offset: number) => {
    writeFileSync(join(folder, 'clock-offset'), String(offset))
    process.kill(service.pid, 'SIGUSR2')
  }
  return {
    id: `clock-${direction}`,
    fault: `The clock is set ${direction} by an hour.`,
    does: 'Deadlines do not move. What was remembered at another time is read again.',
    signs: {},
    remedy: 'Set it right; keys with a life are judged by it as it is.',
    backWithin: 0,
    isHarmless: true,
    begin(world) {
      set(world, byMs)
      return () => void set(world, 0)
    },
  }
}
