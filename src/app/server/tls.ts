// The certificate that the server shows: from files, which are read again when they change, from somebody who renews it, or
// made by itself.

import { createPrivateKey, X509Certificate } from 'node:crypto'
import { readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { createSecureContext } from 'node:tls'
import { errorFields, type Log } from '#app/log.ts'
import { CodedError, messageOf } from '#core/errors.ts'
import { unreadableFile } from '#core/unreadable-file.ts'
import { makeServingCertificate } from './certificate.ts'

export type TlsOptions =
  /** PEM files: the certificate with its chain, and its key. */
  | { readonly kind: 'files'; readonly cert: string; readonly key: string }
  /** Host names and IP addresses for a certificate of our own; its authority is written to `caOut`. */
  | { readonly kind: 'self-made'; readonly names: readonly string[]; readonly caOut?: string }
  /** Somebody who renews it: the first one, and those that come after it. */
  | { readonly kind: 'live'; readonly first: LivePair; readonly watch: (tell: (pair: LivePair) => void) => () => void }

/** In PEM: the certificate with its chain, and its key. */
export interface LivePair {
  readonly cert: string
  readonly key: string
}

/** What changes while the server runs. */
export type ChangingTls = Exclude<TlsOptions, { kind: 'self-made' }>
type TlsFiles = Extract<TlsOptions, { kind: 'files' }>

export interface TlsPair {
  readonly cert: string
  readonly key: string
  /** Of a self-made certificate only. */
  readonly caPem?: string
  /** Milliseconds since the epoch. */
  readonly expiresAt: number
}

/** A chain of ten large certificates is a fiftieth of this. */
const maxFileBytes = 1024 * 1024

/**
 * @param at now, in milliseconds since the epoch
 * @throws CodedError `file-unreadable`, `file-unwritable`, `input-too-large`, `tls-invalid`, `usage`
 */
export async function loadTls(options: TlsOptions, at: number): Promise<TlsPair> {
  if (options.kind === 'files') return loadFiles(options)
  if (options.kind === 'live') return checkedPair(options.first.cert, options.first.key)
  const made = makeServingCertificate(options.names, at)
  if (options.caOut !== undefined) await replaceFile(options.caOut, made.caPem)
  return { ...checkedPair(made.certPem, made.keyPem), caPem: made.caPem }
}

/** What watching tells: a new pair that TLS can use, or a change that is not one. */
export type TlsChange = { readonly pair: TlsPair } | { readonly error: unknown }

/** @returns stops watching */
export function watchTls(
  options: ChangingTls,
  current: TlsPair,
  everyMs: number,
  tell: (change: TlsChange) => void,
): () => void {
  if (options.kind === 'files') return watchFiles(options, current, everyMs, tell)
  return options.watch((pair) => tell(changeTo(pair)))
}

function changeTo({ cert, key }: LivePair): TlsChange {
  try {
    return { pair: checkedPair(cert, key) }
  } catch (error) {
    return { error }
  }
}

/**
 * Looks at the files every `everyMs` and tells each change once. What is no pair is told when it still is none at the
 * next look, and the caller keeps the old one: both files never change in one moment. Compares contents, not times: a
 * secret volume swaps links.
 */
function watchFiles(
  options: TlsFiles,
  current: TlsPair,
  everyMs: number,
  tell: (change: TlsChange) => void,
): () => void {
  let told = `${current.cert}${current.key}`
  let suspected: string | undefined
  let isLooking = false
  const look = async () => {
    const { contents, change } = await changeOf(options, told)
    if (change === undefined || 'pair' in change || contents === suspected) {
      suspected = undefined
      told = contents
      if (change !== undefined) tell(change)
    } else {
      suspected = contents
    }
  }
  const timer = setInterval(() => {
    if (isLooking) return
    isLooking = true
    look()
      .catch((error) => tell({ error }))
      .finally(() => {
        isLooking = false
      })
  }, everyMs)
  timer.unref()
  return () => clearInterval(timer)
}

/** Says how long a certificate still lives, where that is worth a line. */
export function warnOfExpiry(pair: TlsPair, at: number, log: Log): void {
  const days = Math.floor((pair.expiresAt - at) / 86_400_000)
  const fields = { expires: new Date(pair.expiresAt).toISOString() }
  if (days < 0) log.error('the serving certificate has expired: the API server will not talk to us', fields)
  else if (days < 7) log.warn('the serving certificate expires soon', fields)
}

/** The change as a line of the log. */
export function logTlsChange(change: TlsChange, log: Log): void {
  if ('error' in change)
    log.error('kept the old serving certificate: what came instead is no pair', errorFields(change.error))
  else log.info('took a new serving certificate', { expires: new Date(change.pair.expiresAt).toISOString() })
}

async function loadFiles(options: TlsFiles): Promise<TlsPair> {
  const [cert, key] = await Promise.all([loadPem(options.cert), loadPem(options.key)])
  return checkedPair(cert, key, options)
}

/** What the files hold now, and what that changes; an error stands for contents, too. Never rejects. */
async function changeOf(options: TlsFiles, told: string): Promise<{ contents: string; change?: TlsChange }> {
  let contents: string | undefined
  try {
    const [cert, key] = await Promise.all([loadPem(options.cert), loadPem(options.key)])
    contents = `${cert}${key}`
    return contents === told ? { contents } : { contents, change: { pair: checkedPair(cert, key, options) } }
  } catch (error) {
    contents ??= messageOf(error)
    return contents === told ? { contents } : { contents, change: { error } }
  }
}

/** @param from what the two are called to the one who has to mend them */
export function checkedPair(cert: string, key: string, from = { cert: 'the certificate', key: 'the key' }): TlsPair {
  const leaf = readBlock(from.cert, cert, certificateBlock, () => new X509Certificate(cert))
  // `createSecureContext` takes an empty text for an absent one, as a file is for a moment while it is written.
  const privateKey = readBlock(from.key, key, privateKeyBlock, () => createPrivateKey(key))
  if (!leaf.checkPrivateKey(privateKey)) throw invalid(from.key, `it is not the key of the certificate in ${from.cert}`)
  try {
    createSecureContext({ cert, key })
  } catch (error) {
    throw invalid(from.cert, messageOf(error), error)
  }
  const expiresAt = leaf.validToDate.getTime()
  if (Number.isNaN(expiresAt)) throw invalid(from.cert, 'the certificate ends at a time that is none')
  return { cert, key, expiresAt }
}

interface PemBlock {
  readonly label: RegExp
  readonly what: string
}

const certificateBlock: PemBlock = { label: /-----BEGIN (TRUSTED |X509 )?CERTIFICATE-----/, what: 'certificate' }
const privateKeyBlock: PemBlock = { label: /-----BEGIN ([A-Z]+ )?PRIVATE KEY-----/, what: 'private key' }

/** OpenSSL would say of all that is wrong "no start line", or the like. */
function readBlock<T>(from: string, text: string, { label, what }: PemBlock, read: () => T): T {
  if (!label.test(text)) throw invalid(from, `it holds no ${what} in PEM`)
  if (text.includes('-----BEGIN ENCRYPTED PRIVATE KEY-----') || /^Proc-Type: 4,ENCRYPTED/m.test(text))
    throw invalid(from, 'its private key is encrypted, and nobody is there to type the password')
  try {
    return read()
  } catch (error) {
    throw invalid(from, `its ${what} is damaged: ${messageOf(error)}`, error)
  }
}

function invalid(from: string, reason: string, cause?: unknown): CodedError {
  return new CodedError('tls-invalid', `${from}: ${reason}`, { where: from, cause })
}

/** @throws CodedError `file-unreadable`, `input-too-large` */
export async function loadPem(path: string): Promise<string> {
  try {
    const { size } = await stat(path)
    if (size <= maxFileBytes) return await readFile(path, 'utf8')
  } catch (error) {
    throw unreadableFile(path, error)
  }
  throw new CodedError('input-too-large', `${path} is larger than ${maxFileBytes} bytes`, { where: path })
}

/** Whole or not at all: somebody may be waiting for the file to appear. */
export async function replaceFile(path: string, text: string): Promise<void> {
  const draft = `${path}.${process.pid}.tmp`
  try {
    await writeFile(draft, text, { mode: 0o644 })
    await rename(draft, path)
  } catch (error) {
    await rm(draft, { force: true }).catch(() => undefined)
    throw new CodedError('file-unwritable', `cannot write ${path}: ${messageOf(error)}`, { where: path, cause: error })
  }
}
