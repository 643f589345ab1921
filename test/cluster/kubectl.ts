// Runs the real kubectl as somebody, and gives back what a person would see.

import { execFile } from 'node:child_process'
import { dirname } from 'node:path'
import process from 'node:process'
import { needed } from '../support/tools.ts'

export interface Told {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

/** @param input what is written to its standard input; `undefined` for none */
export type Kubectl = (args: readonly string[], input?: string) => Promise<Told>

/** One call takes 0.1 s; a busy machine with two cores took 2. */
const deadline = 60_000

export function kubectlFor(kubeconfig: string): Kubectl {
  const env = { PATH: process.env['PATH'] ?? '', HOME: dirname(kubeconfig), KUBECONFIG: kubeconfig }
  return (args, input) =>
    new Promise((resolve) => {
      const options = { env, timeout: deadline, maxBuffer: 64 * 1024 * 1024 }
      const child = execFile(needed('kubectl'), args, options, (error, stdout, stderr) => {
        const code = error === null ? 0 : typeof error.code === 'number' ? error.code : 255
        resolve({ code, stdout, stderr })
      })
      child.stdin?.end(input ?? '')
    })
}
