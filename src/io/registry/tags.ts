// Which tags a repository has (distribution specification, "Listing Tags").

import { asArray, asObject, asString, ownMember, parseStrictJsonBytes } from '#core/encoding/strict-json.ts'
import { CodedError, messageOf } from '#core/errors.ts'
import { showUrl } from '#io/http/failure.ts'
import { apiUrl } from './endpoint.ts'
import { readPages } from './pages.ts'
import type { Reading } from './pull.ts'
import type { Followed } from './redirect.ts'
import { isSuccess, unexpectedStatus } from './status.ts'

/** A tag has at most 128 characters; a thousand of them with commas and quotes stay below this. */
const maxPageBytes = 1024 * 1024
const pageSize = '1000'

/** @throws CodedError `image-not-found`, `registry-protocol`, `too-many-signatures` for too many pages, and what a session throws */
export async function fetchTags(reading: Reading): Promise<readonly string[]> {
  const { session, endpoint, context } = reading
  const url = apiUrl(endpoint, 'tags', 'list')
  url.searchParams.set('n', pageSize)
  const pages = await readPages(url, async (page) => {
    const answer = await session.call(
      endpoint,
      { method: 'GET', url: page, maxBytes: maxPageBytes, actions: 'pull' },
      context,
    )
    if (isSuccess(answer.response)) return answer
    if (answer.response.status !== 404) throw unexpectedStatus(answer, 'the list of tags')
    const { registry, repository } = endpoint.at
    throw new CodedError('image-not-found', `${registry} says that there is no repository ${repository}`, {
      where: `${registry}/${repository}`,
    })
  })
  return [...new Set(pages.flatMap(readPage))]
}

function readPage(page: Followed): readonly string[] {
  try {
    const tags = ownMember(asObject(parseStrictJsonBytes(page.response.body), ''), 'tags')
    // Registries written in Go say null for a list without entries.
    return tags === null || tags === undefined
      ? []
      : asArray(tags, 'tags').map((tag, at) => asString(tag, `tags[${at}]`))
  } catch (error) {
    throw new CodedError(
      'registry-protocol',
      `${page.url.host} sent a list of tags that is none: ${messageOf(error)}`,
      {
        where: showUrl(page.url),
        cause: error,
      },
    )
  }
}
