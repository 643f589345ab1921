// A self-signed P-256 certificate for 127.0.0.1 and localhost, made by openssl, not by code of ours. Guard the suite with
// `missing('openssl')`.

import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { needed } from './tools.ts'

export interface LoopbackTls {
  /** PEM; it is its own CA. */
  readonly certificate: string
  readonly key: string
}

export async function loopbackTls(): Promise<LoopbackTls> {
  const folder = await mkdtemp(join(tmpdir(), 'sealward-tls-'))
  try {
    const [key, certificate] = [join(folder, 'tls.key'), join(folder, 'tls.crt')]
    await promisify(execFile)(needed('openssl'), [
      ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2'],
      ...['-subj', '/CN=loopback', '-addext', 'subjectAltName=IP:127.0.0.1,DNS:localhost'],
      ...['-keyout', key, '-out', certificate],
    ])
    return { certificate: await readFile(certificate, 'utf8'), key: await readFile(key, 'utf8') }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}
