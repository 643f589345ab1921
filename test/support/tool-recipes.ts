// Which real tools the suites compare us with, and where each comes from. Read by `scripts/tools.ts`, which brings
// them, and by `tools.ts`, which finds them. Nothing here runs or installs anything.

import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** A program of a Go module under `test/tools/`. What is released apart has a module apart: merged requirements would change it. */
export interface GoTool {
  readonly kind: 'go'
  /** The module's folder; that of the tool's own name where it is absent. */
  readonly module?: string
  readonly package: string
  /** What the linker writes into the program: `-X …` without quotes or blanks in the values. */
  readonly linked?: string
  readonly seconds: number
}

/** A program of a Debian package. */
export interface DebianTool {
  readonly kind: 'debian'
  readonly package: string
  readonly command: string
}

/** Kubernetes learns its own version from the linker; without, kubectl and the API server call themselves v0.0.0. */
const kubernetes = {
  kind: 'go',
  module: 'kubernetes',
  linked: ['gitVersion=v1.37.2', 'gitMajor=1', 'gitMinor=37']
    .map((value) => `-X k8s.io/component-base/version.${value}`)
    .join(' '),
} as const

/** Helm learns its own version from the linker, too; without, it calls itself v4.3. */
const helmVersion = '-X helm.sh/helm/v4/internal/version.version=v4.3.1'

/** `seconds` is the time of a build with empty caches on two cores: said before a build starts. */
export const toolRecipes = {
  cosign2: { kind: 'go', package: 'github.com/sigstore/cosign/v2/cmd/cosign', seconds: 110 },
  cosign3: { kind: 'go', package: 'github.com/sigstore/cosign/v3/cmd/cosign', seconds: 140 },
  etcd: { kind: 'go', package: 'go.etcd.io/etcd/server/v3', seconds: 20 },
  'kube-apiserver': { ...kubernetes, package: 'k8s.io/kubernetes/cmd/kube-apiserver', seconds: 200 },
  'kube-controller-manager': { ...kubernetes, package: 'k8s.io/kubernetes/cmd/kube-controller-manager', seconds: 75 },
  kubectl: { ...kubernetes, package: 'k8s.io/kubernetes/cmd/kubectl', seconds: 20 },
  helm: { kind: 'go', package: 'helm.sh/helm/v4/cmd/helm', linked: helmVersion, seconds: 93 },
  'docker-registry': { kind: 'debian', package: 'docker-registry', command: 'docker-registry' },
  skopeo: { kind: 'debian', package: 'skopeo', command: 'skopeo' },
  gpg: { kind: 'debian', package: 'gnupg', command: 'gpg' },
  openssl: { kind: 'debian', package: 'openssl', command: 'openssl' },
  curl: { kind: 'debian', package: 'curl', command: 'curl' },
  jq: { kind: 'debian', package: 'jq', command: 'jq' },
} as const satisfies Readonly<Record<string, GoTool | DebianTool>>

export type ToolName = keyof typeof toolRecipes

export const toolNames = Object.keys(toolRecipes) as readonly ToolName[]

export function isToolName(text: string): text is ToolName {
  return Object.hasOwn(toolRecipes, text)
}

/** Part of a build's key: other flags make another binary. */
export function goBuildFlags(name: ToolName): readonly string[] {
  const recipe: GoTool | DebianTool = toolRecipes[name]
  const linked = recipe.kind === 'go' && recipe.linked !== undefined ? ` ${recipe.linked}` : ''
  return ['-mod=readonly', '-trimpath', '-buildvcs=false', `-ldflags=-s -w${linked}`]
}

export function moduleFolder(name: ToolName): string {
  const recipe: GoTool | DebianTool = toolRecipes[name]
  const folder = (recipe.kind === 'go' ? recipe.module : undefined) ?? name
  return fileURLToPath(new URL(`../tools/${folder}/`, import.meta.url))
}

/** Outside the checkout, so that a fresh clone finds what an earlier one built. */
export function toolsFolder(environment: NodeJS.ProcessEnv = process.env): string {
  const own = environment['SEALWARD_TOOLS_DIR']
  const cache = own || environment['XDG_CACHE_HOME'] || join(homedir(), '.cache')
  return join(cache, 'sealward-tools')
}

/** The folder name of a build up to the Go version: `cosign2-0123456789abcdef-`. */
export function buildPrefix(name: ToolName): string {
  const key = createHash('sha256')
  for (const file of ['go.mod', 'go.sum']) key.update(readFileSync(join(moduleFolder(name), file))).update('\0')
  key.update(goBuildFlags(name).join('\0'))
  return `${name}-${key.digest('hex').slice(0, 16)}-`
}

/** The folder of one build: what goes in decides its name, so a changed pin can never find an old binary. */
export function buildFolder(name: ToolName, goVersion: string): string {
  return join(toolsFolder(), `${buildPrefix(name)}${goVersion}-${process.platform}-${process.arch}`)
}

/** Builds of exactly this module and these flags, by whichever Go; the newest name last. */
export function builtFolders(name: ToolName): readonly string[] {
  const prefix = buildPrefix(name)
  const suffix = `-${process.platform}-${process.arch}`
  try {
    const found = readdirSync(toolsFolder()).filter((entry) => entry.startsWith(prefix) && entry.endsWith(suffix))
    return found.sort().map((entry) => join(toolsFolder(), entry))
  } catch {
    return []
  }
}
