// What refers to a digest (distribution specification, "Listing Referrers"): by the referrers API, and by the index under
// the fallback tag where there is no API or the API knows of nothing. Judges no referrer.

import type { MalformedEntry, Referrer } from '#core/decision/question.ts'
import { CodedError } from '#core/errors.ts'
import { type Digest, fallbackTag } from '#core/image/digest.ts'
import { maxManifestBytes, ociIndexType, parseReferrersIndex } from '#core/image/manifest.ts'
import { showUrl } from '#io/http/failure.ts'
import { mediaTypeOf } from './content.ts'
import { apiUrl } from './endpoint.ts'
import { readPages } from './pages.ts'
import { fetchTagged, type Reading } from './pull.ts'
import type { Followed } from './redirect.ts'
import { isSuccess, unexpectedStatus } from './status.ts'

/** Signatures, attestations and reports of years; the caps on what is read of each stand with the formats. */
const maxReferrers = 2_000
/** One says that the list is not whole; more are for whoever mends it. */
const malformedTold = 16

type Listed = Referrer | MalformedEntry

/**
 * All referrers of a digest, each once, and what is malformed between them; empty where there are none.
 *
 * That a registry has no API is not remembered. It answers the same to a digest that it does not know, which anybody may
 * put into a Pod, and the memory would hide the signatures of the images beside it.
 *
 * @throws CodedError `manifest-malformed` and its kin for a broken list, `too-many-signatures`, `registry-protocol`,
 *   and what a session throws
 */
export async function fetchReferrers(reading: Reading, digest: Digest): Promise<readonly Listed[]> {
  const listed = await askApi(reading, digest)
  return listed.length > 0 ? listed : readFallback(reading, digest)
}

/** Empty where the registry has no such API. */
async function askApi(reading: Reading, digest: Digest): Promise<readonly Listed[]> {
  const { session, endpoint, context } = reading
  const url = apiUrl(endpoint, 'referrers', digest)
  const pages = await readPages(url, async (page) => {
    const call = {
      method: 'GET',
      url: page,
      headers: { accept: ociIndexType },
      maxBytes: maxManifestBytes,
      actions: 'pull',
    } as const
    const answer = await session.call(endpoint, call, context)
    if (isSuccess(answer.response)) return answer
    if (page !== url || !lacksApi(answer)) throw unexpectedStatus(answer, `the referrers of ${digest}`)
    return undefined
  })
  return distinct(pages.flatMap(readPage), url)
}

function lacksApi(answer: Followed): boolean {
  return [404, 405, 501].includes(answer.response.status)
}

function readPage(page: Followed): readonly Listed[] {
  const mediaType = mediaTypeOf(page)
  if (mediaType !== '' && mediaType !== ociIndexType && mediaType !== 'application/json') {
    throw new CodedError('registry-protocol', `${page.url.host} lists referrers as something that is no index`, {
      where: showUrl(page.url),
    })
  }
  return parseReferrersIndex(page.response.body)
}

/** The index that clients keep for registries without the API. */
export async function readFallback(reading: Reading, digest: Digest): Promise<readonly Listed[]> {
  const fetched = await fetchTagged(reading, fallbackTag(digest))
  return fetched === null ? [] : distinct(parseReferrersIndex(fetched.bytes), apiUrl(reading.endpoint, 'manifests'))
}

function distinct(entries: readonly Listed[], url: URL): readonly Listed[] {
  const byDigest = new Map<Digest, Referrer>()
  const malformed: MalformedEntry[] = []
  for (const each of entries) {
    if ('malformed' in each) malformed.push(each)
    else if (!byDigest.has(each.digest)) byDigest.set(each.digest, each)
  }
  if (byDigest.size <= maxReferrers) return [...byDigest.values(), ...malformed.slice(0, malformedTold)]
  throw new CodedError(
    'too-many-signatures',
    `${url.host} lists ${byDigest.size} referrers; at most ${maxReferrers} are read`,
    {
      where: showUrl(url),
    },
  )
}
