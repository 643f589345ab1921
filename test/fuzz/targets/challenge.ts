// What registries say in headers: how to authenticate, and where the next page of a list is.

import { parseChallenge } from '#io/registry/challenge.ts'
import { nextPage } from '#io/registry/pages.ts'
import { type Parts, partsOf, textOf } from '../case.ts'
import { must, reading, type Target } from '../target.ts'

const link = '</v2/team/app/referrers/x?n=2>; rel="next"'

const seeds: Readonly<Record<string, Parts>> = {
  bearer: partsOf({
    header: 'Bearer realm="https://auth.example.com/token",service="registry",scope="repository:a:pull"',
    link,
  }),
  both: partsOf({ header: 'Basic realm="x", Bearer realm=https://a.example/t', link: '<?page=2>; rel=next' }),
  token68: partsOf({
    header: 'Negotiate YWJj==, Digest qop="auth,int" , nonce="a\\"b"',
    link: '<a>; rel="prev", <b>; rel="next"',
  }),
}

const current = new URL('https://registry.example.com/v2/team/app/referrers/x')

export const challenge: Target = {
  name: 'challenge',
  about: 'WWW-Authenticate and Link',
  syntax: {},
  dictionary: [
    'Bearer ',
    'Basic ',
    'realm=',
    'service=',
    'scope=',
    '"',
    '\\"',
    ',',
    ' , ',
    '=',
    'rel="next"',
    '; rel=',
    '<',
    '>',
    '//evil.example/',
    'https://',
    '..',
    '?',
  ],
  open: () => ({
    seeds,
    run: (parts) => {
      const header = textOf(parts['header'])
      const read = reading(() => parseChallenge([header]))
      const found = read.code === undefined ? read.value : undefined
      if (found?.scheme === 'bearer')
        must(header.replaceAll('\\', '').includes(found.realm.replaceAll('\\', '')), 'a realm was made up')
      const next = reading(() => nextPage([textOf(parts['link'])], current))
      if (next.code === undefined && next.value !== undefined) {
        const { origin, pathname, username } = next.value
        must(
          origin === current.origin && pathname === current.pathname && username === '',
          'a next page lies elsewhere',
        )
      }
      return `${read.code ?? found?.scheme} ${next.code ?? next.value !== undefined}`
    },
  }),
}
