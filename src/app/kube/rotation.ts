// When the serving certificate and its authority are renewed, and in which steps, so that no API server ever meets a
// certificate of an authority that it does not trust yet, or no longer:
//   1. the new authority joins the bundle; the old one goes on signing;
//   2. when every API server has had time to take up the bundle, the new one signs;
//   3. when every replica has had time to take up the certificate, the old one leaves the bundle.

import { randomBytes, X509Certificate } from 'node:crypto'
import { isIP } from 'node:net'
import { type Authority, issueLeaf, makeAuthority } from '#app/server/certificate.ts'
import type { ServingState } from './serving-state.ts'

export interface RotationOptions {
  /** Host names and addresses by which the API server reaches us. */
  readonly names: readonly string[]
  readonly lifetimes: Lifetimes
  /** Are both webhook configurations known to trust this authority, or is there none of them? */
  readonly isTrusted: (certPem: string) => boolean
}

/** Milliseconds. */
export interface Lifetimes {
  readonly authority: number
  readonly leaf: number
  /** How long both authorities are trusted before the new one signs, and again before the old one leaves. */
  readonly overlap: number
}

const day = 86_400_000

export const defaultLifetimes: Lifetimes = {
  authority: 365 * day,
  // Ten days remain when it is renewed: long enough for somebody to notice that it was not.
  leaf: 30 * day,
  // An API server takes up a bundle within seconds, a replica a certificate; one that has heard nothing of the cluster for
  // so long has not been ready for most of it.
  overlap: 3_600_000,
}

export type RotationStep =
  | 'first-certificate'
  | 'certificate-renewed'
  | 'authority-introduced'
  | 'authority-signs'
  | 'authority-retired'

export interface Rotation {
  readonly step: RotationStep
  readonly state: ServingState
}

/**
 * The next step that is due, if one is.
 *
 * @param state as it is in the cluster; `undefined` where there is none
 * @param at now, in milliseconds since the epoch
 */
export function nextRotation(
  state: ServingState | undefined,
  at: number,
  options: RotationOptions,
): Rotation | undefined {
  const { lifetimes, isTrusted } = options
  if (state === undefined) return { step: 'first-certificate', state: afresh(at, options) }
  const { authority, exchange } = state
  const isOver = endOf(authority.certPem) <= at
  const hasOverlapped = exchange !== undefined && at - exchange.since >= lifetimes.overlap
  if (exchange?.kind === 'coming' && ((hasOverlapped && isTrusted(exchange.authority.certPem)) || isOver)) {
    const { authority: next } = exchange
    const leaving = { kind: 'leaving', certPem: authority.certPem, since: at } as const
    return { step: 'authority-signs', state: { ...issued(next, namesOf(options), at, lifetimes), exchange: leaving } }
  }
  if (isOver) return { step: 'first-certificate', state: afresh(at, options) }
  if (isLeafDue(state, at, options)) return { step: 'certificate-renewed', state: renewed(state, at, options) }
  if (exchange?.kind === 'leaving' && hasOverlapped)
    return { step: 'authority-retired', state: { leaf: state.leaf, authority } }
  if (exchange === undefined && endOf(authority.certPem) - at <= lifetimes.authority / 3) {
    const coming = { kind: 'coming', authority: newAuthority(at, lifetimes), since: at } as const
    return { step: 'authority-introduced', state: { ...state, exchange: coming } }
  }
  return undefined
}

/** When the certificate that is shown ends. */
export function endOf(certPem: string): number {
  return new X509Certificate(certPem).validToDate.getTime()
}

function afresh(at: number, options: RotationOptions): ServingState {
  return issued(newAuthority(at, options.lifetimes), namesOf(options), at, options.lifetimes)
}

function newAuthority(at: number, { authority }: Lifetimes): Authority {
  return makeAuthority(`Sealward webhook CA ${randomBytes(4).toString('hex')}`, { at, lifetime: authority })
}

function issued(authority: Authority, names: readonly string[], at: number, lifetimes: Lifetimes) {
  // What outlives its authority would be refused.
  const lifetime = Math.min(lifetimes.leaf, endOf(authority.certPem) - at)
  return { authority, leaf: issueLeaf(authority, names, { at, lifetime }) }
}

/** A third of its life is left, it does not say all names, or another authority than the one that signs has signed it. */
function isLeafDue({ leaf, authority }: ServingState, at: number, options: RotationOptions): boolean {
  const certificate = new X509Certificate(leaf.certPem)
  const issuer = new X509Certificate(authority.certPem)
  const remaining = certificate.validToDate.getTime() - at
  const untilEnd = issuer.validToDate.getTime() - at
  return (
    remaining <= Math.min(options.lifetimes.leaf / 3, untilEnd - 1_000) ||
    !certificate.checkIssued(issuer) ||
    namesOf(options).some((name) => !says(certificate, name))
  )
}

/** Names that another replica has asked for stay until it is renewed for its age: in a roll-out two may differ. */
function renewed(state: ServingState, at: number, options: RotationOptions): ServingState {
  const certificate = new X509Certificate(state.leaf.certPem)
  const isOld = certificate.validToDate.getTime() - at <= options.lifetimes.leaf / 3
  const names = isOld ? namesOf(options) : [...new Set([...namesOf(options), ...namesIn(certificate)])]
  return { ...state, ...issued(state.authority, names, at, options.lifetimes) }
}

function namesOf({ names }: RotationOptions): readonly string[] {
  return names.map((name) => name.toLowerCase())
}

function says(certificate: X509Certificate, name: string): boolean {
  return (isIP(name) === 0 ? certificate.checkHost(name) : certificate.checkIP(name)) !== undefined
}

/** Of a certificate of our own, which has names and addresses that need no quoting. */
function namesIn(certificate: X509Certificate): readonly string[] {
  const entries = certificate.subjectAltName?.split(', ') ?? []
  return entries.map((entry) => entry.slice(entry.indexOf(':') + 1).toLowerCase())
}
