// Throw-away certificates for TLS tests, made by openssl. Guard the suite with `missing('openssl')`.

import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { needed } from './tools.ts'

export interface CertificateFiles {
  readonly certificate: string
  readonly key: string
}

/** `[from, to]` as openssl writes times: `20200101000000Z`. */
export type Validity = readonly [string, string]

/** A self-signed P-256 certificate for names as openssl writes them: `IP:127.0.0.1`, `DNS:registry.test`. */
export async function selfSigned(names: readonly string[], validity?: Validity): Promise<CertificateFiles> {
  const folder = await mkdtemp(join(tmpdir(), 'sealward-tls-'))
  const openssl = (...all: readonly string[]) => promisify(execFile)(needed('openssl'), all, { cwd: folder })
  const settings = ['-subj', '/CN=sealward test', '-addext', `subjectAltName=${names.join(',')}`]
  const fresh = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-keyout', 'tls.key']
  try {
    if (validity === undefined) {
      await openssl('req', '-x509', ...fresh, ...settings, '-days', '2', '-out', 'tls.crt')
    } else {
      // Only `openssl ca` sets dates in the past in every version of openssl 3.
      await writeFile(join(folder, 'index.txt'), '')
      await writeFile(join(folder, 'ca.cnf'), authority)
      await openssl('req', '-new', ...fresh, ...settings, '-out', 'tls.csr')
      const dates = ['-startdate', validity[0], '-enddate', validity[1]]
      const files = ['-config', 'ca.cnf', '-keyfile', 'tls.key', '-in', 'tls.csr', '-out', 'tls.crt']
      await openssl('ca', '-batch', '-selfsign', '-notext', '-md', 'sha256', ...dates, ...files)
    }
    const read = (name: string) => readFile(join(folder, name), 'utf8')
    return { certificate: await read('tls.crt'), key: await read('tls.key') }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

const authority = `[ca]
default_ca = it
[it]
database = index.txt
new_certs_dir = .
rand_serial = yes
policy = any
copy_extensions = copy
[any]
commonName = supplied
`
