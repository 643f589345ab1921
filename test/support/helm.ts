// Runs the real Helm on our chart. Guard suites with `missing('helm')`.

import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { type Manifest, toManifests } from './manifests.ts'
import { needed } from './tools.ts'

export interface HelmCall {
  readonly args: readonly string[]
  /** Written into a file of values. */
  readonly values?: object | undefined
  readonly kubeconfig?: string | undefined
}

export interface HelmTold {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

/** Rendering takes 0.2 s. An installation waits for nothing; a busy machine with two cores took 5. */
const deadline = 60_000

/** What no test is about: there is no default for the image. */
export const someImage = { image: { repository: 'registry.example.com/sealward' } }

export function helm({ args, values, kubeconfig }: HelmCall): Promise<HelmTold> {
  const home = mkdtempSync(join(tmpdir(), 'sealward-helm-'))
  const file = join(home, 'values.json')
  writeFileSync(file, JSON.stringify(values ?? {}))
  const env = {
    PATH: process.env['PATH'] ?? '',
    HOME: home,
    ...(kubeconfig !== undefined && { KUBECONFIG: kubeconfig }),
  }
  const all = values === undefined ? args : [...args, '--values', file]
  return new Promise((resolve) => {
    const options = { env, timeout: deadline, maxBuffer: 64 * 1024 * 1024 }
    execFile(needed('helm'), all, options, (error, stdout, stderr) => {
      rmSync(home, { recursive: true, force: true })
      resolve({ code: error === null ? 0 : typeof error.code === 'number' ? error.code : 255, stdout, stderr })
    })
  })
}

export interface Rendering {
  readonly values?: object
  readonly release?: string
  readonly namespace?: string
  /** With the definitions of the kinds. */
  readonly crds?: boolean
}

/** What `helm template` prints, word for word. @throws Error with what Helm says where it refuses */
export async function renderText(rendering: Rendering = {}): Promise<string> {
  const { values = {}, release = 'sealward', namespace = 'sealward', crds = false } = rendering
  const more = crds ? ['--include-crds'] : []
  const args = ['template', release, 'deploy/chart', '--namespace', namespace, '--kube-version', 'v1.37.2', ...more]
  const told = await helm({ args, values: { ...someImage, ...values } })
  if (told.code !== 0) throw new Error(told.stderr)
  return told.stdout
}

export async function render(rendering: Rendering = {}): Promise<readonly Manifest[]> {
  return toManifests(await renderText(rendering))
}
