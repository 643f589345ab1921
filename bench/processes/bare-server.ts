// The yardstick of the webhook: what any webhook on this platform has to do, and nothing more. TLS, reading the body,
// the platform's JSON parser, collecting the images, an answer with a patch.

import { createServer, type ServerOptions } from 'node:https'
import type { AddressInfo } from 'node:net'
import { answerCalls } from './channel.ts'

interface Review {
  readonly request: {
    readonly uid: string
    readonly object: { readonly spec: Readonly<Record<string, readonly { readonly image: string }[] | undefined>> }
  }
}

let digest = ''
let connections = 0

function answerTo({ request }: Review, isMutating: boolean) {
  const images: string[] = []
  for (const list of ['initContainers', 'containers', 'ephemeralContainers']) {
    for (const { image } of request.object.spec[list] ?? []) images.push(image)
  }
  const patch = [{ op: 'replace', path: '/spec/containers/0/image', value: `${images[0]?.split('@')[0]}@${digest}` }]
  const encoded = Buffer.from(JSON.stringify(patch)).toString('base64')
  const patched = isMutating ? { patchType: 'JSONPatch', patch: encoded } : {}
  const response = { uid: request.uid, allowed: images.length > 0, ...patched }
  return { apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview', response }
}

/** By itself, so that a profile can tell it apart. */
function parse(text: string): Review {
  return JSON.parse(text)
}

export interface Listening {
  readonly cert: string
  readonly key: string
  /** What every image is pinned to. */
  readonly digest: string
}

function listen({ cert, key, digest: given }: Listening): Promise<number> {
  digest = given
  const options: ServerOptions = { cert, key, minVersion: 'TLSv1.3', keepAliveTimeout: 95_000 }
  const server = createServer(options, (request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const [only] = chunks
      const text = chunks.length === 1 && only !== undefined ? only.toString() : Buffer.concat(chunks).toString()
      const body = Buffer.from(JSON.stringify(answerTo(parse(text), request.url?.startsWith('/mutate') === true)))
      response.writeHead(200, { 'content-type': 'application/json', 'content-length': body.length })
      response.end(body)
    })
  })
  server.on('secureConnection', () => connections++)
  return new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port)))
}

answerCalls({ listen, connections: () => connections })
