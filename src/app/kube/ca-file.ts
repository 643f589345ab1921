// The authorities of a serving certificate that comes from files (`--webhook-ca`): what the API server is told to trust,
// followed when the file changes. With it Sealward needs no right on any Secret.

import { X509Certificate } from 'node:crypto'
import { loadPem } from '#app/server/tls.ts'
import { CodedError, messageOf } from '#core/errors.ts'

/** Both sides of an exchange of authorities, with intermediates; a whole system's store has some 150. */
const maxAuthorities = 32

/**
 * The certificates in the file, in PEM and nothing else around them.
 *
 * @throws CodedError `file-unreadable`, `input-too-large`, `tls-invalid`
 */
export async function loadCaFile(path: string): Promise<string> {
  const text = await loadPem(path)
  const blocks = text.match(/-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g) ?? []
  if (blocks.length === 0) throw invalid(path, 'it holds no certificate in PEM')
  if (blocks.length > maxAuthorities) throw invalid(path, `it holds more than ${maxAuthorities} certificates`)
  try {
    return blocks.map((block) => new X509Certificate(block).toString()).join('')
  } catch (error) {
    throw invalid(path, `its certificate is damaged: ${messageOf(error)}`, error)
  }
}

/**
 * An API server that trusts another authority refuses every Pod: that is better said at the start.
 *
 * @param chain the serving certificate and those that come with it, in PEM
 * @throws CodedError `tls-invalid` if none of the authorities is or has signed one of the chain
 */
export function checkAuthorities(caBundle: string, chain: string, path: string): void {
  const blocks = (text: string) => text.match(/-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g) ?? []
  const authorities = blocks(caBundle).map((block) => new X509Certificate(block))
  const shown = blocks(chain).map((block) => new X509Certificate(block))
  const isTrusted = shown.some((each) =>
    authorities.some((one) => each.fingerprint256 === one.fingerprint256 || isSignedBy(each, one)),
  )
  if (!isTrusted) throw invalid(path, 'none of its authorities has signed the serving certificate')
}

export type CaFileChange = { readonly caBundle: string } | { readonly error: unknown }

/**
 * Looks at the file every `everyMs` and tells each change once; what is wrong is told when it still is at the next look, and
 * the caller keeps the old one.
 *
 * @returns stops watching
 */
export function watchCaFile(
  path: string,
  first: string,
  everyMs: number,
  tell: (change: CaFileChange) => void,
): () => void {
  let told = first
  let suspected: string | undefined
  let isLooking = false
  const look = async () => {
    const change = await loadCaFile(path).then((caBundle): CaFileChange => ({ caBundle }), changeOf)
    const contents = 'caBundle' in change ? change.caBundle : messageOf(change.error)
    const isNews = contents !== told && ('caBundle' in change || contents === suspected)
    suspected = contents
    if (!isNews) return
    told = contents
    tell(change)
  }
  const timer = setInterval(() => {
    if (isLooking) return
    isLooking = true
    void look().finally(() => {
      isLooking = false
    })
  }, everyMs)
  timer.unref()
  return () => clearInterval(timer)
}

function changeOf(error: unknown): CaFileChange {
  return { error }
}

function isSignedBy(certificate: X509Certificate, issuer: X509Certificate): boolean {
  return certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey)
}

function invalid(path: string, reason: string, cause?: unknown): CodedError {
  return new CodedError('tls-invalid', `${path}: ${reason}`, { where: path, cause })
}
