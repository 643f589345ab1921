// Image patterns against a matcher that tries everything, on texts short enough for it; and their time on long ones.

import { compareSpecificity, matchesPattern, parseImagePattern } from '#core/image/pattern.ts'
import { parseReference } from '#core/image/reference.ts'
import { partsOf, textOf } from '../case.ts'
import { globFits, segmentsFit } from '../oracle/pattern-match.ts'
import { must, reading, type Target } from '../target.ts'

const pairs: readonly (readonly [pattern: string, image: string])[] = [
  ['**', 'nginx'],
  ['registry.example.com/**', 'registry.example.com/team/app:v1'],
  ['registry.example.com/team-*/app', 'registry.example.com/team-a/app'],
  ['*.example.com/**/app:v*', 'a.example.com/x/y/app:v1.2'],
  ['localhost:*/a*b*c/**/d', 'localhost:5000/aabbcc/x/d'],
  ['**/a/**/b', 'registry.example.com/a/a/b/b'],
  ['docker.io/library/*', 'nginx:1'],
  ['registry.example.com/*a*a*a*a*a*a*a*a', `registry.example.com/${'a'.repeat(200)}`],
  ['a.example.com/*ab*cd*', 'a.example.com/cdab'],
  ['a.example.com/*a*b*c*', 'a.example.com/abc'],
  ['reg*try.exa*ple.com:443/*', 'registry.example.com/app'],
]

/** Longer texts take the oracle more time than the product. */
const shortEnough = 48

export const pattern: Target = {
  name: 'pattern',
  about: 'image patterns, and what they match',
  syntax: {},
  dictionary: [
    '*',
    '**',
    '**/',
    '/**',
    ':*',
    ':443',
    '*.',
    'a*',
    'registry.example.com',
    'docker.io/',
    'library/',
    'app',
    'aa',
  ],
  open: () => ({
    seeds: Object.fromEntries(pairs.map(([text, image]) => [`${text} ${image}`, partsOf({ text, image })])),
    run: (parts) => {
      const [text, image] = [textOf(parts['text']), textOf(parts['image'])]
      const read = reading(() => parseImagePattern(text))
      const asked = reading(() => parseReference(image))
      if (read.code !== undefined || asked.code !== undefined) return `${read.code ?? ''} ${asked.code ?? ''}`
      must(compareSpecificity(read.value, read.value) === 0, 'a pattern is not as specific as itself')
      const matches = matchesPattern(read.value, asked.value)
      if (text.length + image.length > shortEnough) return `long ${matches}`
      const { registry, repository, tag, digest } = asked.value
      const expected = fits(text, { registry, repository, tag: tag ?? (digest === undefined ? 'latest' : undefined) })
      if (expected !== undefined) {
        must(
          matches === expected,
          'a pattern matches otherwise than by trying everything',
          () => `${text} ${image} ${matches}`,
        )
      }
      return `short ${matches} ${expected}`
    },
  }),
}

interface Asked {
  readonly registry: string
  readonly repository: string
  readonly tag: string | undefined
}

/** By the documentation, for patterns that name a host by a dot, a port or `**`; `undefined` for the others. */
function fits(text: string, { registry, repository, tag }: Asked): boolean | undefined {
  const slash = text.lastIndexOf('/')
  const colon = text.indexOf(':', slash + 1)
  const wantedTag = colon < 0 ? undefined : text.slice(colon + 1)
  const [first = '', ...path] = (colon < 0 ? text : text.slice(0, colon)).split('/')
  if (wantedTag !== undefined && (tag === undefined || !globFits(wantedTag, tag))) return false
  const segments = repository.split('/')
  if (first === '**') return segmentsFit([first, ...path], segments)
  if (path.length === 0 || !/^[^:]*[.][^:]*(?::(?:\*|[0-9]+))?$/.test(first) || /docker|[A-Z]/.test(first))
    return undefined
  return hostFits(first, registry) && segmentsFit(path, segments)
}

function hostFits(pattern: string, registry: string): boolean {
  const [name = '', port = '443'] = pattern.split(':')
  const [host = '', hostPort = '443'] = registry.split(':')
  const [wanted, labels] = [name.split('.'), host.split('.')]
  const isPort = port === '*' || Number(port) === Number(hostPort)
  return isPort && wanted.length === labels.length && wanted.every((label, at) => globFits(label, labels[at] ?? ''))
}
