// Which processor a process runs on: the server alone on the first, everything that loads it on the second. Where there
// is no `taskset` or only one processor, the scheduler decides, and the table says so.

import { spawnSync } from 'node:child_process'
import { availableParallelism } from 'node:os'

export type Place = 'server' | 'load' | 'anywhere'

const processors: Readonly<Record<Place, string | undefined>> = { server: '0', load: '1', anywhere: undefined }

export const canPin = availableParallelism() > 1 && spawnSync('taskset', ['-V'], { stdio: 'ignore' }).status === 0

/** Program and arguments that run the command there. */
export function placed(place: Place, program: string, args: readonly string[]): readonly [string, readonly string[]] {
  const processor = processors[place]
  return canPin && processor !== undefined ? ['taskset', ['-c', processor, program, ...args]] : [program, args]
}
