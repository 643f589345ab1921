// `InsecureAdmit` on a server: a registry that is away is an outage, a crowd that somebody brought along is none.

import { afterEach, beforeEach, expect, test } from 'vitest'
import { admission, bad, release } from '../../support/admission.ts'
import { exchange, reviewOf, start, type TestServer } from '../server/harness.ts'

let server: TestServer

/** Judges two requests at a time, and asks a registry that never answers. */
beforeEach(async () => {
  const { registry, mutate } = admission([release({ whenUndetermined: 'InsecureAdmit' })])
  registry.before = () => new Promise(() => {})
  server = await start({ mutate: (request, { signal }) => mutate(request, signal) }, { judged: 2, momentMs: 10 })
})
afterEach(() => server.close())

async function admit(...images: readonly string[]): Promise<{ allowed: boolean; text: string }> {
  const containers = images.map((image, index) => ({ name: `c${index}`, image }))
  const review = reviewOf('u', { object: { spec: { containers } } })
  const { text } = await exchange(server, { path: '/mutate?timeout=2s', body: JSON.stringify(review) })
  return { allowed: JSON.parse(text).response.allowed, text }
}

test('neighbour: who waits for the registry until the deadline is admitted, with a warning', async () => {
  expect(await admit(bad)).toEqual({ allowed: true, text: expect.stringContaining('is let in UNVERIFIED') })
})

test('who had to leave for the crowd is denied, though the policy admits in an outage', async () => {
  const crowd = await Promise.all([bad, bad, bad].map((image) => admit(image)))
  expect(crowd.map(({ allowed }) => allowed).sort()).toEqual([false, true, true])
  expect(crowd.find(({ allowed }) => !allowed)?.text).toContain('code: overloaded')
})

test('who brings more images than honest objects have is denied, though the policy admits in an outage', async () => {
  const others = Array.from({ length: 40 }, (_, index) => `${bad}${index}`)
  expect(await admit(bad, ...others)).toEqual({
    allowed: false,
    text: expect.stringContaining('code: registry-timeout'),
  })
})
