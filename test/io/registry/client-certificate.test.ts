import { createServer } from 'node:https'
import type { TLSSocket } from 'node:tls'
import { afterEach, beforeAll, describe, expect, it } from 'vitest'
import { type CertificateFiles, selfSigned } from '../../support/certificates.ts'
import { refusalCode } from '../../support/coded.ts'
import { missing, titled } from '../../support/tools.ts'
import { clientFor, closeClients, context, repository } from './fixtures.ts'

describe.skipIf(missing('openssl'))(titled('a client certificate', 'openssl'), () => {
  let own: CertificateFiles
  let user: CertificateFiles
  const closing: (() => void)[] = []
  beforeAll(async () => {
    own = await selfSigned(['IP:127.0.0.1'])
    user = await selfSigned(['DNS:user.test'])
  })
  afterEach(async () => {
    await closeClients()
    for (const close of closing.splice(0)) close()
  })

  /** Answers 404 to whoever shows the user's certificate; lets nobody else through the handshake. */
  async function startServer(): Promise<string> {
    const settings = {
      cert: own.certificate,
      key: own.key,
      ca: user.certificate,
      requestCert: true,
      rejectUnauthorized: true,
    }
    const server = createServer(settings, (request, response) => {
      response.writeHead((request.socket as TLSSocket).authorized ? 404 : 500).end()
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    closing.push(() => server.close().closeAllConnections())
    const address = server.address()
    return `127.0.0.1:${typeof address === 'object' ? address?.port : 0}`
  }
  const read = (host: string, keyedBy: string) =>
    clientFor({
      insecure: () => false,
      registryCa: new Map([[keyedBy, own.certificate]]),
      clientCertificates: new Map([[keyedBy, { cert: user.certificate, key: user.key }]]),
    }).tagged({ registry: host, repository }, 'v1', context())

  it('is shown to the host and port that it is for', async () => {
    const host = await startServer()
    expect(await read(host, host)).toBeNull()
    expect(await read(host, '127.0.0.1')).toBeNull()
  })

  it('is not shown to another port', async () => {
    const host = await startServer()
    expect(await refusalCode(read(host, '127.0.0.1:443'))).toBe('registry-unreachable')
  })

  it('is asked for in vain where there is none', async () => {
    const host = await startServer()
    const client = clientFor({ insecure: () => false, registryCa: new Map([[host, own.certificate]]) })
    const work = client.tagged({ registry: host, repository }, 'v1', context())
    expect(await refusalCode(work)).toBe('registry-unreachable')
  })
})
