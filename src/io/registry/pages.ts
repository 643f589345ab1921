// Lists that come in pages (`Link: <…>; rel="next"`, RFC 8288): bounded, never leaving the place that was asked.

import { CodedError } from '#core/errors.ts'
import { showUrl } from '#io/http/failure.ts'
import { allHeaders } from '#io/http/message.ts'
import type { Followed } from './redirect.ts'

/** With pages of a hundred entries and more, beyond what any image or repository that is looked after collects. */
export const maxPages = 20

/**
 * Reads pages until one names no next.
 *
 * @throws CodedError `registry-protocol` for a next page elsewhere or one that was there already; `too-many-signatures`
 *   after `maxPages`
 */
export async function readPages(
  first: URL,
  read: (url: URL) => Promise<Followed | undefined>,
): Promise<readonly Followed[]> {
  const pages: Followed[] = []
  const seen = new Set<string>()
  for (let url: URL | undefined = first; url !== undefined; ) {
    if (seen.has(url.href))
      throw new CodedError('registry-protocol', `${url.host} lists pages in a circle`, { where: showUrl(url) })
    if (pages.length === maxPages) {
      throw new CodedError('too-many-signatures', `${url.host} has more than ${maxPages} pages of this list`, {
        where: showUrl(url),
      })
    }
    seen.add(url.href)
    const page = await read(url)
    if (page === undefined) return pages
    pages.push(page)
    url = nextPage(allHeaders(page.response, 'link'), url)
  }
  return pages
}

/** @throws CodedError `registry-protocol` */
export function nextPage(links: readonly string[], current: URL): URL | undefined {
  const target = links.map(nextTarget).find((each) => each !== undefined)
  if (target === undefined) return undefined
  const next = URL.canParse(target, current.href) ? new URL(target, current) : undefined
  if (
    next !== undefined &&
    next.origin === current.origin &&
    next.pathname === current.pathname &&
    next.username === '' &&
    next.password === ''
  )
    return next
  throw new CodedError('registry-protocol', `${current.host} names a next page that is not of the same list`, {
    where: showUrl(current),
  })
}

function nextTarget(header: string): string | undefined {
  if (header.length > 8 * 1024) return undefined
  // The parameters of one link reach to the comma before the next `<`; no registry quotes a comma in `rel`.
  for (const match of header.matchAll(/<([^<>]*)>([^<>]*)/g)) {
    const [, target, parameters = ''] = match
    if (/;\s*rel\s*=\s*("([^"]*\s)?next(\s[^"]*)?"|next(?=[\s;,]|$))/i.test(parameters)) return target
  }
  return undefined
}
