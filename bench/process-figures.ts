// What the kernel says about a process: processor time of all its threads, and memory. `NaN` where there is no /proc.

import { readdirSync, readFileSync } from 'node:fs'

/** User and system time of all threads so far, in microseconds. */
export function cpuMicroseconds(pid: number): number {
  try {
    const threads = readdirSync(`/proc/${pid}/task`)
    // In nanoseconds, while `stat` counts in hundredths of a second.
    const times = threads.map((thread) =>
      Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'utf8').split(' ')[0]),
    )
    return times.reduce((sum, time) => sum + time, 0) / 1_000
  } catch {
    return Number.NaN
  }
}

/** Resident memory, in MiB. */
export function residentMiB(pid: number): number {
  return statusMiB(pid, 'VmRSS')
}

/** The most that it has been so far. */
export function peakResidentMiB(pid: number): number {
  return statusMiB(pid, 'VmHWM')
}

function statusMiB(pid: number, name: string): number {
  try {
    const [, kib] = new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? []
    return Number(kib ?? Number.NaN) / 1_024
  } catch {
    return Number.NaN
  }
}
