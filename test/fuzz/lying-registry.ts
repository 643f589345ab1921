// A registry over HTTP that holds what a case puts there, and lies as the case says: other bytes, other statuses, other
// headers, for the n-th request of a kind. It records what it sent; a second host records what reaches it.

import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Parts } from './case.ts'
import { textOf } from './case.ts'
import { json, own } from './oracle/review-answer.ts'
import { list, text } from './oracle/signed-by.ts'
import { type FilledShelf, shelve } from './shelves.ts'
import { filled } from './template.ts'

export interface LyingRegistry {
  /** `127.0.0.1:PORT` */
  readonly host: string
  /** Another address, to which nothing of the registry's credentials may go. */
  readonly elsewhere: string
  /** Holds the case from now on, and forgets what was before. */
  hold(parts: Parts): FilledShelf
  /** Every body that was sent for the case. */
  readonly sent: Uint8Array[]
  /** `Authorization` and the like that reached the other host. */
  readonly leaked: string[]
  requests(): number
  close(): Promise<void>
}

/** What one rule says of the answers to the requests that it is about. */
interface Lie {
  /** `HEAD manifests`, `blobs`, `referrers`, `token`: in the method and the path. */
  readonly about: string
  /** Of so many answers of its kind the last; 0: of all. */
  readonly nth: number
  readonly status?: number
  readonly headers: readonly (readonly [name: string, value: string])[]
  /** The name of a part, or the text itself. */
  readonly body?: string
}

const markers = /\{\{(host|elsewhere)\}\}/g

export async function startLyingRegistry(): Promise<LyingRegistry> {
  const state = {
    parts: {} as Parts,
    shelf: shelve({}),
    lies: [] as readonly Lie[],
    counts: new Map<string, number>(),
    requests: 0,
  }
  const sent: Uint8Array[] = []
  const leaked: string[] = []
  const places = { host: '', elsewhere: '' }
  const server = createServer((request, response) => {
    state.requests++
    answer(request, response, state, sent, places)
  })
  const canary = createServer((request, response) => {
    for (const name of ['authorization', 'cookie'])
      if (request.headers[name] !== undefined) leaked.push(String(request.headers[name]))
    state.requests++
    answer(request, response, state, sent, places)
  })
  places.host = await listen(server, '127.0.0.1')
  places.elsewhere = await listen(canary, '127.0.0.2')
  return {
    ...places,
    sent,
    leaked,
    hold(parts) {
      state.parts = parts
      state.shelf = shelve(parts)
      state.lies = readLies(textOf(parts['lies']))
      state.counts.clear()
      state.requests = 0
      sent.length = 0
      leaked.length = 0
      return state.shelf
    },
    requests: () => state.requests,
    close: async () => {
      for (const each of [server, canary]) {
        each.closeAllConnections()
        await new Promise((resolve) => each.close(resolve))
      }
    },
  }
}

async function listen(server: Server, address: string): Promise<string> {
  // Clients that break off are what this is about.
  server.on('clientError', (_, socket) => socket.destroy())
  await new Promise<void>((resolve) => server.listen(0, address, resolve))
  return `${address}:${(server.address() as AddressInfo).port}`
}

function readLies(written: string): readonly Lie[] {
  let value: unknown
  try {
    value = JSON.parse(written)
  } catch {
    return []
  }
  return list(value)
    .slice(0, 8)
    .map((each) => {
      const rule = json(each)
      const status = own(rule, 'status')
      const body = own(rule, 'body')
      const nth = own(rule, 'nth')
      return {
        about: text(own(rule, 'about')),
        nth: typeof nth === 'number' ? nth : 0,
        headers: Object.entries(json(own(rule, 'headers'))).flatMap(([name, value]) =>
          [value]
            .flat()
            .slice(0, 4)
            .map((one) => [name, text(one)] as const),
        ),
        ...(typeof status === 'number' && Number.isInteger(status) && status >= 200 && status <= 599 && { status }),
        ...(typeof body === 'string' && { body }),
      }
    })
}

interface State {
  readonly parts: Parts
  readonly shelf: FilledShelf
  readonly lies: readonly Lie[]
  readonly counts: Map<string, number>
}

function answer(
  request: IncomingMessage,
  response: ServerResponse,
  { parts, shelf, lies, counts }: State,
  sent: Uint8Array[],
  places: Readonly<Record<string, string>>,
): void {
  request.resume()
  response.on('error', () => {})
  const { method = '', url = '' } = request
  const path = decodeURIComponent(url.split('?', 1)[0] ?? '')
  const [kind = '', name = ''] = path.split('/').slice(-2)
  const asked = `${method} ${kind}`
  const count = (counts.get(asked) ?? 0) + 1
  counts.set(asked, count)
  const honest = honestAnswer(kind, name, shelf)
  const lie = lies.find(
    ({ about, nth }) => about !== '' && `${method} ${path}`.includes(about) && (nth === 0 || nth === count),
  )
  const body =
    lie?.body === undefined
      ? honest.body
      : Object.hasOwn(parts, lie.body)
        ? filled(parts, lie.body)
        : Buffer.from(lie.body)
  for (const [header, value] of [...honest.headers, ...(lie?.headers ?? [])]) {
    const filledIn = value.replaceAll(markers, (_, place: string) => places[place] ?? '')
    setHeader(response, header, filledIn, lie?.headers.some(([each]) => each === header) ?? false)
  }
  response.statusCode = lie?.status ?? honest.status
  sent.push(body)
  response.end(method === 'HEAD' ? undefined : body)
}

/** What no HTTP server could write is left out. */
function setHeader(response: ServerResponse, name: string, value: string, isLie: boolean): void {
  try {
    if (isLie) response.appendHeader(name, value)
    else response.setHeader(name, value)
  } catch {
    // A name or value of impossible characters: the case says nothing then.
  }
}

function honestAnswer(kind: string, name: string, shelf: FilledShelf) {
  const none = { status: 404, body: new Uint8Array(), headers: [] as (readonly [string, string])[] }
  if (kind === 'referrers') {
    return {
      status: 200,
      body: shelf.list,
      headers: [['content-type', 'application/vnd.oci.image.index.v1+json']] as const,
    }
  }
  if (kind === 'token') return { status: 200, body: Buffer.from('{"token":"t"}'), headers: [] }
  const body = shelf.byDigest.get(name) ?? (kind === 'manifests' ? shelf.byTag.get(name) : undefined)
  if (body === undefined) return none
  return { status: 200, body, headers: kind === 'manifests' ? typeOf(body) : [] }
}

function typeOf(body: Uint8Array): readonly (readonly [string, string])[] {
  const type = /"mediaType":"([\w./+-]+)"/.exec(textOf(body))?.[1]
  return [['content-type', type ?? 'application/vnd.oci.image.manifest.v1+json']]
}
