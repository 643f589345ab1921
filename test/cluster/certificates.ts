// The certificates of a control plane on loopback, made by openssl: one authority, and what each part shows to the others.

import { execFile } from 'node:child_process'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { needed } from '../support/tools.ts'

/** Who the certificate speaks for, as Kubernetes reads it: the common name is a user, organizations are groups. */
interface Subject {
  readonly file: string
  readonly subject: string
  readonly names?: readonly string[]
}

const subjects: readonly Subject[] = [
  {
    file: 'apiserver',
    subject: '/CN=kube-apiserver',
    names: ['IP:127.0.0.1', 'DNS:localhost', 'DNS:kubernetes.default.svc'],
  },
  { file: 'admin', subject: '/O=system:masters/CN=admin' },
  { file: 'controller-manager', subject: '/CN=system:kube-controller-manager' },
]

const p256 = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']

/** Writes `ca`, `apiserver`, `admin` and `controller-manager` as `.crt` and `.key`, and `sa.key` for the tokens of service accounts. */
export async function writeCertificates(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true })
  const openssl = (...args: readonly string[]) => promisify(execFile)(needed('openssl'), args, { cwd: folder })
  const authority = ['-subj', '/CN=sealward test cluster', '-addext', 'keyUsage=critical,keyCertSign', '-days', '2']
  await openssl('req', '-x509', ...p256, '-keyout', 'ca.key', ...authority, '-out', 'ca.crt')
  await Promise.all([
    openssl('genrsa', '-out', 'sa.key', '2048'),
    ...subjects.map(async ({ file, subject, names = [] }, index) => {
      const extensions = [
        'extendedKeyUsage=serverAuth,clientAuth',
        ...names.slice(0, 1).map(() => `subjectAltName=${names.join(',')}`),
      ]
      await writeFile(join(folder, `${file}.ext`), extensions.join('\n'))
      await openssl('req', '-new', ...p256, '-keyout', `${file}.key`, '-subj', subject, '-out', `${file}.csr`)
      const signing = ['-CA', 'ca.crt', '-CAkey', 'ca.key', '-set_serial', `${index + 2}`, '-days', '2']
      await openssl('x509', '-req', '-in', `${file}.csr`, ...signing, '-extfile', `${file}.ext`, '-out', `${file}.crt`)
    }),
  ])
}
