// Documents for the tests of policies, and reading them with real keys. Keys are made anew in every run.

import { generateKeyPairSync } from 'node:crypto'
import { readerTools } from '#app/policy-files.ts'
import { CodedError } from '#core/errors.ts'
import type { ReadOptions, ReadResult } from '#core/policy/read.ts'
import { readDocuments } from '#core/policy/read.ts'
import type { ReaderTools, SecretRef } from '#core/policy/read-attestor.ts'
import type { Attestor, Policy } from '#core/policy/words.ts'

export type Json = null | boolean | number | string | readonly Json[] | { readonly [name: string]: Json | undefined }
export type Spec = { readonly [name: string]: Json | undefined }

export const apiVersion = 'sealward.dev/v1alpha1'

function newPem(): string {
  const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' })
  return publicKey.export({ type: 'spki', format: 'pem' }).toString()
}

export const pems = { first: newPem(), second: newPem(), third: newPem(), fourth: newPem() }

/** Files by name, as `file:` asks for them; with Secrets by `namespace/name key`, as `secretRef:` does in a cluster. */
export function toolsWith(
  files: Readonly<Record<string, string>> = {},
  secrets?: Readonly<Record<string, string>>,
): ReaderTools {
  const readFile = (path: string): string => {
    const text = files[path]
    if (text === undefined) throw new CodedError('file-unreadable', `no file "${path}"`)
    return text
  }
  return { ...readerTools(), readFile, ...(secrets && { readSecret: (ref: SecretRef) => secretIn(secrets, ref) }) }
}

function secretIn(secrets: Readonly<Record<string, string>>, { namespace, name, key }: SecretRef): string {
  const text = secrets[`${namespace}/${name} ${key}`]
  if (text === undefined) throw new CodedError('key-unavailable', `no Secret ${namespace}/${name} with "${key}"`)
  return text
}

export function read(documents: string | readonly Json[], tools = toolsWith(), options: ReadOptions = {}): ReadResult {
  const text =
    typeof documents === 'string' ? documents : documents.map((each) => JSON.stringify(each, null, 1)).join('\n---\n')
  return readDocuments([{ name: 'policy.yaml', text }], tools, options)
}

export function attestor(name = 'release', spec: Spec = keySpec()): Json {
  return { apiVersion, kind: 'Attestor', metadata: { name }, spec }
}

export function keySpec(...keys: readonly Spec[]): Spec {
  return { key: { keys: keys.length > 0 ? keys : [{ name: 'k', pem: pems.first }] } }
}

export const signedByRelease: Spec = { signature: { attestor: 'release' } }

export function rule(images: readonly string[], require: Json = signedByRelease, more: Spec = {}): Spec {
  return { images, require, ...more }
}

export function clusterPolicy(spec: Spec, name = 'production'): Json {
  return { apiVersion, kind: 'ClusterTrustPolicy', metadata: { name }, spec }
}

export function denyList(spec: Spec, name = 'leaked'): Json {
  return { apiVersion, kind: 'DenyList', metadata: { name }, spec: { reason: 'leaked', ...spec } }
}

export function teamPolicy(spec: Spec, namespace = 'team', name = 'ours'): Json {
  return { apiVersion, kind: 'TrustPolicy', metadata: { name, namespace }, spec }
}

export function namespace(name: string, labels: Readonly<Record<string, string>>): Json {
  return { apiVersion: 'v1', kind: 'Namespace', metadata: { name, labels } }
}

export const someRules = [rule(['registry.example.com/team/**'])]

/** The only policy of documents that must be right, beside the attestor `release`. */
export function policyOf(spec: Spec): Policy {
  const result = read([attestor(), clusterPolicy(spec)])
  const [policy] = result.policies
  if (policy === undefined || result.problems.length > 0) throw new Error(JSON.stringify(result.problems, null, 1))
  return policy
}

export function attestorOf(spec: Spec): Attestor {
  const result = read([attestor('release', spec)])
  const [found] = result.attestors
  if (found === undefined || result.problems.length > 0) throw new Error(JSON.stringify(result.problems, null, 1))
  return found
}

/** `path: message` of everything wrong. */
export function problemsOf(documents: string | readonly Json[]): readonly string[] {
  return read(documents).problems.map(({ path, message }) => `${path}: ${message}`)
}
