// AdmissionReviews through the whole way: TLS, HTTP, parsing, judging, answering. Whatever the body, a review that can be
// answered is answered by its uid, and nothing that nobody signed is let in.

import { Agent, request as send } from 'node:https'
import { type Parts, textOf } from '../case.ts'
import {
  imagesAsked,
  json,
  own,
  type ReadableReview,
  readableReview,
  type WrittenImage,
} from '../oracle/review-answer.ts'
import { list, plainJson, text } from '../oracle/signed-by.ts'
import { reviewSeeds, reviewWords } from '../review-seeds.ts'
import { must, type Target } from '../target.ts'
import { startWebhook, type WebhookServer } from '../webhook-server.ts'

export const review: Target = {
  name: 'review',
  about: 'AdmissionReviews through the running webhook',
  syntax: { body: 'json', path: 'text' },
  dictionary: reviewWords,
  open: async () => {
    const server = await startWebhook()
    const agent = new Agent({ keepAlive: true, maxSockets: 1 })
    return {
      seeds: reviewSeeds,
      run: async (parts) => judgeAnswer(parts, await post(server, agent, parts), server),
      close: async () => {
        agent.destroy()
        await server.close()
      },
    }
  },
}

interface Answer {
  readonly status: number
  readonly body: Buffer
}

/** Clients cannot send any path; the wire is another target's. */
const pathOf = (parts: Parts) =>
  `/${textOf(parts['path'])
    .replace(/[^\x21-\x7e]|^\//g, '')
    .slice(0, 2_000)}`

function post(server: WebhookServer, agent: Agent, parts: Parts): Promise<Answer> {
  const body = Buffer.from(parts['body'] ?? new Uint8Array())
  const headers = { 'content-type': 'application/json', 'content-length': String(body.length) }
  const options = {
    host: '127.0.0.1',
    port: server.port,
    ca: server.caPem,
    method: 'POST',
    path: pathOf(parts),
    headers,
    agent,
  }
  return new Promise((resolve, reject) => {
    const request = send(options, (response) => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.once('error', reject)
      response.once('end', () => resolve({ status: response.statusCode ?? 0, body: Buffer.concat(chunks) }))
    })
    request.once('error', reject)
    request.end(body)
  })
}

function judgeAnswer(parts: Parts, { status, body }: Answer, server: WebhookServer): string {
  must(status !== 500, 'the server answered 500', () => body.toString('utf8'))
  const errors = server.errors()
  must(errors.length === 0, 'the server logged a defect of its own', () => errors.join('\n').slice(0, 1_500))
  const [path] = pathOf(parts).split('?', 1)
  if (path !== '/mutate' && path !== '/validate') return `${status} elsewhere`
  const asked = readableReview(parts['body'] ?? new Uint8Array())
  const answer = plainJson(body)
  must(answer !== undefined, 'an answer is no JSON')
  if (asked === undefined) {
    must(status >= 400 && typeof answer['code'] === 'string', 'a body was answered that is no readable review', () =>
      body.toString(),
    )
    return `${status} ${answer['code']}`
  }
  must(status === 200, 'a review with a readable uid got no answer', () => `${status} ${body.toString('utf8')}`)
  return judgeResponse(asked, json(answer['response']), answer, { goodDigest: server.goodDigest, path })
}

type Json = Readonly<Record<string, unknown>>

function judgeResponse(
  asked: ReadableReview,
  response: Json,
  answer: Json,
  about: { goodDigest: string; path: string },
): string {
  must(own(response, 'uid') === asked.uid, 'the answer carries another uid than the review')
  must(
    answer['apiVersion'] === asked.apiVersion && answer['kind'] === 'AdmissionReview',
    'the answer is of another kind',
  )
  const message = text(own(json(own(response, 'status')), 'message'))
  must(!message.includes('internal-error'), 'a review ended in an internal error', () => message)
  must(!/[\p{Cc}\p{Cs}]/u.test(message.replaceAll('\n', '')), 'a message holds what steers a terminal')
  const allowed = own(response, 'allowed')
  if (allowed === false) return `denied ${/code: ([a-z-]+)/.exec(message)?.[1]}`
  must(allowed === true, 'the answer neither allows nor denies')
  const images = patched(imagesAsked(asked.request), response, about).filter(({ stoodBefore }) => !stoodBefore)
  for (const { image, pointer } of images) {
    must(isGood(image, about.goodDigest), 'an image was let in that nobody signed', () => `${pointer} ${image}`)
    if (about.path === '/mutate')
      must(image.endsWith(`@${about.goodDigest}`), 'a signed image was let in without being pinned')
  }
  return `allowed ${images.length > 0} ${own(response, 'patch') !== undefined}`
}

/** The images as they are after the patch. Whoever pins one vouches for it, wherever it stood before. */
function patched(images: readonly WrittenImage[], response: Json, { path }: { path: string }): readonly WrittenImage[] {
  const patch = own(response, 'patch')
  if (patch === undefined) return images
  must(path === '/mutate' && own(response, 'patchType') === 'JSONPatch', 'a patch came from where none may come')
  const operations = list(JSON.parse(Buffer.from(String(patch), 'base64').toString('utf8'))).map(json)
  const places = new Map(images.map((each) => [each.pointer, each]))
  for (const { op, path: pointer, value } of operations) {
    const place = places.get(String(pointer))
    must(op === 'replace' && place !== undefined, 'a patch changes something else than an image', () => String(pointer))
    places.set(place.pointer, { ...place, image: String(value), stoodBefore: false })
  }
  return [...places.values()]
}

/** Every spelling of the one signed image. */
function isGood(image: string, digest: string): boolean {
  const [name = '', pin] = image.split('@')
  if (pin !== undefined && pin !== digest) return false
  const spelled = /^registry\.example\.com(?::443)?\/team\/app(:[\w.-]+)?$/.exec(
    name.replace(/^[^/]*/, (host) => host.toLowerCase()),
  )
  return spelled !== null && (pin !== undefined || spelled[1] === ':v1')
}
