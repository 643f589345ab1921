// What the Secret of the serving certificate holds: the certificate that is shown, the authority that signs, and, while one
// authority is exchanged for another, both. It is the whole state of a rotation, so that any replica goes on with it.

import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto'
import { type Authority, type Leaf, privatePem } from '#app/server/certificate.ts'
import { checkedPair } from '#app/server/tls.ts'
import { decodeBase64, encodeBase64 } from '#core/encoding/base64.ts'
import { CodedError, messageOf } from '#core/errors.ts'
import type { KubeObject } from '#io/kube/follow.ts'
import { partLabels } from './part-labels.ts'

export interface ServingState {
  readonly leaf: Leaf
  /** Who signed the leaf, or will sign the next one. */
  readonly authority: Authority
  /** One that is being introduced, or one that is leaving; since when, in milliseconds since the epoch. */
  readonly exchange?: Exchange
}

export type Exchange =
  /** Is in the bundle, and will sign once every API server trusts it. */
  | { readonly kind: 'coming'; readonly authority: Authority; readonly since: number }
  /** Still in the bundle, because another replica may show what it signed. */
  | { readonly kind: 'leaving'; readonly certPem: string; readonly since: number }

export type FoundState =
  | { readonly kind: 'good'; readonly state: ServingState }
  /** Made by the chart, for us to fill. */
  | { readonly kind: 'empty' }
  | { readonly kind: 'damaged'; readonly error: CodedError }

/** Two certificates and two keys are 3 KiB; a Secret may have 1 MiB. */
const maxValueLength = 64 * 1024

/** The authorities that clients are told to trust, the one that signs first. */
export function bundleOf({ authority, exchange }: ServingState): string {
  const other = exchange?.kind === 'coming' ? exchange.authority.certPem : exchange?.certPem
  return `${authority.certPem}${other ?? ''}`
}

/** Only what we made may be made anew. */
export function isOurs({ metadata }: KubeObject): boolean {
  const labels = metadata['labels']
  const part = 'app.kubernetes.io/part-of'
  return isRecord(labels) && Object.hasOwn(labels, part) && labels[part] === partLabels[part]
}

/** Total. */
export function readServingState(object: KubeObject): FoundState {
  try {
    const { data } = object
    if (!isRecord(data) || Object.values(data).every((value) => value === '')) return { kind: 'empty' }
    return { kind: 'good', state: stateIn(data) }
  } catch (error) {
    const coded = error instanceof CodedError ? error : invalid(messageOf(error), error)
    return { kind: 'damaged', error: coded }
  }
}

/** The `data` of the Secret, under the names that others use, too. */
export function servingData(state: ServingState): Readonly<Record<string, string>> {
  const { leaf, authority, exchange } = state
  const texts = {
    'tls.crt': leaf.certPem,
    'tls.key': leaf.keyPem,
    'ca.crt': authority.certPem,
    'ca.key': privatePem(authority.key),
    ...(exchange?.kind === 'coming' && {
      'next-ca.crt': exchange.authority.certPem,
      'next-ca.key': privatePem(exchange.authority.key),
    }),
    ...(exchange?.kind === 'leaving' && { 'last-ca.crt': exchange.certPem }),
    ...(exchange !== undefined && { since: new Date(exchange.since).toISOString() }),
  }
  return Object.fromEntries(Object.entries(texts).map(([name, text]) => [name, encodeBase64(Buffer.from(text))]))
}

/** @throws Error with the reason */
function stateIn(data: Readonly<Record<string, unknown>>): ServingState {
  const authority = authorityIn(data, 'ca')
  const leaf = { certPem: textIn(data, 'tls.crt'), keyPem: textIn(data, 'tls.key') }
  checkedPair(leaf.certPem, leaf.keyPem, { cert: 'tls.crt', key: 'tls.key' })
  const exchange = exchangeIn(data)
  const state: ServingState = { leaf, authority, ...(exchange && { exchange }) }
  const issuers = certificatesIn(bundleOf(state))
  if (!issuers.some((issuer) => isSignedBy(leaf.certPem, issuer)))
    throw invalid('tls.crt is signed by neither authority')
  return state
}

function exchangeIn(data: Readonly<Record<string, unknown>>): Exchange | undefined {
  const has = (name: string) => Object.hasOwn(data, name)
  if (!has('next-ca.crt') && !has('last-ca.crt')) return undefined
  const since = Date.parse(textIn(data, 'since'))
  if (Number.isNaN(since)) throw invalid('since is no time')
  if (has('next-ca.crt')) return { kind: 'coming', authority: authorityIn(data, 'next-ca'), since }
  return { kind: 'leaving', certPem: authorityCertificate(data, 'last-ca.crt').toString(), since }
}

function authorityIn(data: Readonly<Record<string, unknown>>, name: string): Authority {
  const certificate = authorityCertificate(data, `${name}.crt`)
  const key = privateKeyIn(data, `${name}.key`)
  if (!certificate.checkPrivateKey(key)) throw invalid(`${name}.key is not the key of ${name}.crt`)
  return { name: certificate.subject.replace(/^CN=/, ''), certPem: certificate.toString(), key }
}

function authorityCertificate(data: Readonly<Record<string, unknown>>, name: string): X509Certificate {
  const [certificate, ...more] = certificatesIn(textIn(data, name), name)
  if (certificate === undefined || more.length > 0) throw invalid(`${name} does not hold one certificate`)
  if (!certificate.ca) throw invalid(`${name} is not the certificate of an authority`)
  return certificate
}

function privateKeyIn(data: Readonly<Record<string, unknown>>, name: string): KeyObject {
  try {
    return createPrivateKey(textIn(data, name))
  } catch (error) {
    // What OpenSSL says of a key may hold parts of it.
    throw error instanceof CodedError ? error : invalid(`${name} is no private key`)
  }
}

function certificatesIn(text: string, name = 'the bundle'): readonly X509Certificate[] {
  const blocks = text.match(/-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g) ?? []
  try {
    return blocks.map((block) => new X509Certificate(block))
  } catch (error) {
    throw invalid(`${name} holds a certificate that is damaged`, error)
  }
}

function isSignedBy(certPem: string, issuer: X509Certificate): boolean {
  const certificate = new X509Certificate(certPem)
  return certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey)
}

function textIn(data: Readonly<Record<string, unknown>>, name: string): string {
  const value = Object.hasOwn(data, name) ? data[name] : undefined
  if (typeof value !== 'string' || value === '') throw invalid(`${name} is missing`)
  if (value.length > maxValueLength) throw invalid(`${name} is too large`)
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(decodeBase64(value))
  } catch (error) {
    throw invalid(`${name} is no text in base64`, error)
  }
}

function invalid(reason: string, cause?: unknown): CodedError {
  return new CodedError('tls-invalid', `the Secret of the serving certificate: ${reason}`, { cause })
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
