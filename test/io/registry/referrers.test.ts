import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { fallbackTag, parseDigest } from '#core/image/digest.ts'
import { refusal, refusalCode } from '../../support/coded.ts'
import { type Reply, type StubRegistry, startStubRegistry } from '../../support/stub-registry.ts'
import { at, clientFor, closeClients, context, descriptorOf, digestOf, index, indexType, manifest } from './fixtures.ts'

let stub: StubRegistry
beforeEach(async () => {
  stub = await startStubRegistry()
})
afterEach(async () => {
  await closeClients()
  await stub.close()
})

const image = digestOf('image')
const api = `/v2/team/app/referrers/${image}`
const fallback = `/v2/team/app/manifests/${fallbackTag(image)}`
const first = descriptorOf(manifest({ annotations: { n: '1' } }), { artifactType: 'application/x.one' })
const second = descriptorOf(manifest({ annotations: { n: '2' } }), { annotations: { a: 'b' } })
const list = (...entries: readonly unknown[]): Reply => ({
  headers: { 'content-type': indexType },
  body: index(...entries),
})
const find = (client = clientFor()) => client.referrers(at(stub), image, context())

describe('the referrers API', () => {
  it('lists what refers to a digest', async () => {
    stub.on('GET', api, list(first, second))
    expect(await find()).toEqual([first, second])
    expect(stub.seen()).toEqual([`GET ${api}`])
  })

  it('is read to its last page, each referrer once', async () => {
    stub.on('GET', api, ({ path }) =>
      path.includes('last=1')
        ? list(first, second)
        : { ...list(first), headers: { 'content-type': indexType, link: `<${api}?last=1>; rel="next"` } },
    )
    expect(await find()).toEqual([first, second])
  })

  it('is read for twenty pages, not for one more', async () => {
    let last = 20
    stub.on('GET', api, ({ path }) => {
      const page = Number(new URL(path, stub.url).searchParams.get('page') ?? 1)
      const link = { link: `<?page=${page + 1}>; rel=next` }
      return { ...list(first), headers: { 'content-type': indexType, ...(page < last && link) } }
    })
    expect(await find()).toEqual([first])
    last = 21
    expect(await refusalCode(find())).toBe('too-many-signatures')
    expect(stub.requests).toHaveLength(40)
  })

  it.each([
    ['in a circle', () => `${api}?`, true],
    ['on another host', () => `http://localhost:${stub.host.split(':')[1]}${api}?p=2`, false],
    ['in another repository', () => `/v2/team/other/referrers/${image}?p=2`, false],
    ['of another digest', () => `/v2/team/app/referrers/${digestOf('x')}?p=2`, false],
    ['with a user name', () => `http://u@${stub.host}${api}?p=2`, false],
    ['with a password', () => `http://:p@${stub.host}${api}?p=2`, false],
  ])('is not followed %s', async (_what, next, again) => {
    stub.on('GET', '*', { ...list(first), headers: { 'content-type': indexType, link: `<${next()}>; rel="next"` } })
    expect(await refusalCode(find())).toBe('registry-protocol')
    expect(stub.requests.length).toBeLessThanOrEqual(again ? 2 : 1)
  })

  it.each([
    ['no JSON', 'x', 'manifest-malformed'],
    ['an image manifest', manifest().toString(), 'manifest-unsupported'],
  ])('that answers %s is not "no referrers"', async (_what, body, code) => {
    stub.on('GET', api, { headers: { 'content-type': indexType }, body })
    expect(await refusalCode(find())).toBe(code)
  })

  it.each([
    ['null entries', [null]],
    ['a garbage digest', [{ ...first, digest: 'sha256:x' }]],
  ])('that answers %s is not "no referrers", and hides nothing beside it', async (_what, bad) => {
    stub.on('GET', api, list(...bad))
    expect(await find()).toEqual([{ malformed: expect.stringContaining('manifests[0]') }])
    stub.on('GET', api, list(...bad, first))
    expect(await find()).toEqual([first, { malformed: expect.stringContaining('manifests[0]') }])
  })

  it('tells of malformed entries only so many', async () => {
    stub.on('GET', api, list(...Array.from({ length: 5_000 }, () => null), first))
    expect(await find()).toHaveLength(17)
  })

  it('that answers a page for people is not "no referrers"', async () => {
    stub.on('GET', api, { headers: { 'content-type': 'text/html' }, body: index(first) })
    expect(await refusalCode(find())).toBe('registry-protocol')
  })

  it('that lists thousands is refused', async () => {
    const many = Array.from({ length: 2001 }, (_, at) => ({ ...first, digest: digestOf(String(at)) }))
    stub.on('GET', api, list(...many))
    expect(await refusalCode(find())).toBe('too-many-signatures')
    stub.on('GET', api, list(...many.slice(1)))
    expect(await find()).toHaveLength(2000)
  })

  it.each([
    [401, 'access-denied'],
    [403, 'access-denied'],
    [429, 'registry-throttled'],
    [500, 'registry-failing'],
    [400, 'registry-protocol'],
  ])('that answers %i does not lead to the fallback tag', async (status, code) => {
    stub.on('GET', api, { status })
    stub.on('GET', fallback, list(first))
    expect(await refusalCode(find())).toBe(code)
    expect(stub.seen()).not.toContain(`GET ${fallback}`)
  })
})

describe('the fallback tag', () => {
  it.each([404, 405, 501])('is read where there is no API (%i)', async (status) => {
    stub.on('GET', api, { status, body: '404 page not found' })
    stub.on('GET', fallback, list(first))
    expect(await find()).toEqual([first])
  })

  it('is read where the API knows of nothing, too', async () => {
    stub.on('GET', api, list())
    stub.on('GET', fallback, list(first))
    expect(await find()).toEqual([first])
  })

  it('that is not there either means: none', async () => {
    stub.on('GET', api, list())
    expect(await find()).toEqual([])
    expect(stub.seen()).toEqual([`GET ${api}`, `GET ${fallback}`])
  })

  it.each([
    ['another digest', '/v2/team/app/referrers/*', 'team/app'],
    ['another repository', '/v2/elsewhere/x/referrers/*', 'elsewhere/x'],
  ])('does not take the place of the API that answered 404 for %s', async (_what, route, repository) => {
    const other = parseDigest(`sha512:${'0'.repeat(128)}`)
    stub.on('GET', route, { status: 404, body: '404 page not found' })
    stub.on('GET', api, list(first))
    const client = clientFor()
    expect(await client.referrers(at(stub, repository), other, context())).toEqual([])
    expect(stub.seen()).toContain(`GET /v2/${repository}/referrers/${other}`)
    expect(await find(client)).toEqual([first])
  })

  it('that is no index is not "no referrers"', async () => {
    stub.on('GET', fallback, { body: manifest() })
    const error = await refusal(find())
    expect(error.code).toBe('manifest-unsupported')
  })

  it('that fails is not "no referrers"', async () => {
    stub.on('GET', api, list())
    stub.on('GET', fallback, { status: 503 })
    expect(await refusalCode(find())).toBe('registry-failing')
  })
})
