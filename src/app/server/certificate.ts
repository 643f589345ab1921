// A certificate authority and a serving certificate for a server that was given none. Reads nothing and keeps nothing:
// who only serves forgets the authority's key, who renews keeps it.

import { createHash, createPublicKey, generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto'
import { isIP } from 'node:net'
import { printable } from '#core/encoding/printable.ts'
import { CodedError } from '#core/errors.ts'
import { bits, implicit, integer, octets, oid, sequence, set, tagged, time, utf8, yes } from './der-writer.ts'

export interface ServingCertificate {
  /** What clients are told to trust: `caBundle`, `curl --cacert`. */
  readonly caPem: string
  readonly certPem: string
  readonly keyPem: string
}

/** Who signs serving certificates. */
export interface Authority {
  /** Of its certificate; another one for each authority, so that two can stand side by side. */
  readonly name: string
  readonly certPem: string
  readonly key: KeyObject
}

export interface Leaf {
  readonly certPem: string
  readonly keyPem: string
}

/** Milliseconds since the epoch, and milliseconds. */
export interface Validity {
  readonly at: number
  readonly lifetime: number
}

const ecdsaWithSha256 = sequence(oid('1.2.840.10045.4.3.2'))
const commonName = oid('2.5.4.3')
const subjectKeyIdentifier = oid('2.5.29.14')
const keyUsage = oid('2.5.29.15')
const subjectAltName = oid('2.5.29.17')
const basicConstraints = oid('2.5.29.19')
const authorityKeyIdentifier = oid('2.5.29.35')
const extendedKeyUsage = oid('2.5.29.37')
const serverAuth = oid('1.3.6.1.5.5.7.3.1')

const hour = 3_600_000
/** Longer than any process lives: it is made anew at each start and never renewed. */
const lifetime = 5 * 365 * 24 * hour
/** RFC 1035, 2.3.4. */
const maxNameLength = 253
const maxNames = 100

/**
 * An authority and a certificate signed by it, for as long as a process may live.
 *
 * @param names host names and IP addresses that clients reach the server by
 * @param at now, in milliseconds since the epoch
 * @throws CodedError `usage` for something that is neither
 */
export function makeServingCertificate(names: readonly string[], at: number): ServingCertificate {
  const authority = makeAuthority('Sealward self-made CA', { at, lifetime })
  return { caPem: authority.certPem, ...issueLeaf(authority, names, { at, lifetime }) }
}

/** Valid an hour before `at`, because clocks differ, until `lifetime` after it. */
export function makeAuthority(name: string, { at, lifetime: life }: Validity): Authority {
  const keys = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const subject = nameOf(name)
  const made = certificate(keys.privateKey, subject, {
    subject,
    validity: sequence(time(at - hour), time(at + life)),
    publicKey: keys.publicKey,
    extensions: [
      critical(basicConstraints, sequence(yes(), integer(Buffer.from([0])))),
      // keyCertSign and cRLSign
      critical(keyUsage, bits(Buffer.from([0x06]), 1)),
      extension(subjectKeyIdentifier, octets(keyId(keys.publicKey))),
    ],
  })
  return { name, certPem: pem(made), key: keys.privateKey }
}

/**
 * P-256, because the API server opens new connections all the time and this is the cheapest handshake.
 *
 * @throws CodedError `usage` for a name that is neither a host name nor an IP address
 */
export function issueLeaf(authority: Authority, names: readonly string[], { at, lifetime: life }: Validity): Leaf {
  const altNames = alternativeNames(names)
  const keys = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const leaf = certificate(authority.key, nameOf(authority.name), {
    subject: nameOf('Sealward webhook'),
    validity: sequence(time(at - hour), time(at + life)),
    publicKey: keys.publicKey,
    extensions: [
      critical(basicConstraints, sequence()),
      // digitalSignature
      critical(keyUsage, bits(Buffer.from([0x80]), 7)),
      extension(extendedKeyUsage, sequence(serverAuth)),
      extension(subjectAltName, altNames),
      extension(subjectKeyIdentifier, octets(keyId(keys.publicKey))),
      extension(authorityKeyIdentifier, sequence(implicit(0, keyId(createPublicKey(authority.key))))),
    ],
  })
  return { certPem: pem(leaf), keyPem: privatePem(keys.privateKey) }
}

interface Subject {
  readonly subject: Buffer
  readonly validity: Buffer
  readonly publicKey: KeyObject
  readonly extensions: readonly Buffer[]
}

/** RFC 5280, 4.1. */
function certificate(signer: KeyObject, issuer: Buffer, about: Subject): Buffer {
  const serial = randomBytes(16)
  const toBeSigned = sequence(
    tagged(0, integer(Buffer.from([2]))),
    integer(serial),
    ecdsaWithSha256,
    issuer,
    about.validity,
    about.subject,
    about.publicKey.export({ type: 'spki', format: 'der' }),
    tagged(3, sequence(...about.extensions)),
  )
  return sequence(toBeSigned, ecdsaWithSha256, bits(sign('sha256', toBeSigned, signer)))
}

function extension(id: Buffer, value: Buffer): Buffer {
  return sequence(id, octets(value))
}

function critical(id: Buffer, value: Buffer): Buffer {
  return sequence(id, yes(), octets(value))
}

function nameOf(text: string): Buffer {
  return sequence(set(sequence(commonName, utf8(text))))
}

function keyId(key: KeyObject): Buffer {
  return createHash('sha256')
    .update(key.export({ type: 'spki', format: 'der' }))
    .digest()
    .subarray(0, 20)
}

function alternativeNames(names: readonly string[]): Buffer {
  if (names.length === 0 || names.length > maxNames) {
    throw new CodedError('usage', `a serving certificate needs 1 to ${maxNames} names, not ${names.length}`)
  }
  return sequence(...[...new Set(names.map((name) => name.toLowerCase()))].map(alternativeName))
}

function alternativeName(name: string): Buffer {
  const version = isIP(name)
  if (version !== 0) return implicit(7, version === 4 ? ipv4(name) : ipv6(name))
  const isHostName = /^(\*\.)?([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)*[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/.test(name)
  if (!isHostName || name.length > maxNameLength) {
    throw new CodedError('usage', `"${printable(name)}" is neither a host name nor an IP address`)
  }
  return implicit(2, Buffer.from(name, 'latin1'))
}

function ipv4(text: string): Buffer {
  return Buffer.from(text.split('.').map(Number))
}

function ipv6(text: string): Buffer {
  // The URL parser writes every form of an address in the one of RFC 5952, without dots.
  const canonical = new URL(`http://[${text.replace(/%.*$/, '')}]`).hostname.slice(1, -1)
  const [head = '', tail] = canonical.split('::')
  const left = head === '' ? [] : head.split(':')
  const right = tail === undefined || tail === '' ? [] : tail.split(':')
  const groups = [...left, ...Array<string>(8 - left.length - right.length).fill('0'), ...right]
  return Buffer.concat(groups.map((group) => Buffer.from(group.padStart(4, '0'), 'hex')))
}

export function privatePem(key: KeyObject): string {
  return String(key.export({ type: 'pkcs8', format: 'pem' }))
}

function pem(der: Buffer): string {
  const lines = der.toString('base64').replace(/.{64}(?=.)/g, '$&\n')
  return `-----BEGIN CERTIFICATE-----\n${lines}\n-----END CERTIFICATE-----\n`
}
