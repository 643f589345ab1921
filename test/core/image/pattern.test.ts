import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { CodedError, codeOf } from '#core/errors.ts'
import {
  compareSpecificity,
  literalPrefix,
  matchesPattern,
  parseImagePattern,
  segmentsOf,
} from '#core/image/pattern.ts'
import { parseReference } from '#core/image/reference.ts'

const digest = `sha256:${'a'.repeat(64)}`

function matches(pattern: string, image: string): boolean {
  return matchesPattern(parseImagePattern(pattern), parseReference(image))
}

function refusal(text: string): CodedError {
  try {
    parseImagePattern(text)
  } catch (error) {
    if (error instanceof CodedError) return error
    throw error
  }
  throw new Error(`accepted: ${text}`)
}

test('a pattern with a wildcard has no character that no name has', () => {
  for (const segment of ['[*', '*]', '[*a']) expect(refusal(`a.io/${segment}`).message).toContain('cannot be a segment')
})

test('a host of wildcards alone is less specific than one with a letter, whatever its port', () => {
  const compared = (a: string, b: string) => Math.sign(compareSpecificity(parseImagePattern(a), parseImagePattern(b)))
  expect(compared('*.a*/x', '*.*:5000/x')).toBe(1)
  expect(compared('*.b.io/x', '*.*:5000/x')).toBe(1)
  expect(compared('*.*:5000/x', '*.*/x')).toBe(1)
  expect(compared('*.*:*/x', '*.*/x')).toBe(-1)
})

test('what stands before ** is not matched again by what stands behind it', () => {
  expect(matches('a.io/a/b/**/b/z', 'a.io/a/b/z')).toBe(false)
  expect(matches('a.io/a/b/**/b/z', 'a.io/a/b/b/z')).toBe(true)
})

/** Pattern, what it matches, what it does not. */
const table: readonly (readonly [string, readonly string[], readonly string[]])[] = [
  [
    'nginx',
    ['nginx', 'nginx:1', `nginx@${digest}`, 'docker.io/library/nginx', 'index.docker.io/nginx'],
    ['nginx2', 'team/nginx', 'quay.io/library/nginx', 'docker.io/library/nginx/x'],
  ],
  ['team/*', ['team/app', 'docker.io/team/app:v1'], ['team/app/x', 'quay.io/team/app', 'teams/app', 'nginx']],
  ['nginx*', ['nginx', 'nginx-unprivileged'], ['team/nginx', 'xnginx']],
  ['docker.io/*', ['nginx', 'library/nginx'], ['team/nginx', 'quay.io/nginx']],
  ['docker.io/**', ['nginx', 'team/app', 'team/a/b'], ['quay.io/nginx']],
  ['docker.io/nginx', ['nginx'], ['docker.io/team/nginx']],
  ['index.docker.io/nginx', ['nginx'], ['quay.io/nginx']],
  ['**', ['nginx', 'quay.io/a/b/c', '[::1]:5000/a', `registry:5000/x@${digest}`, 'localhost/a'], []],
  [
    '**/nginx',
    ['nginx', 'quay.io/nginx', 'quay.io/a/b/nginx:1', 'registry:5000/nginx'],
    ['quay.io/nginx/a', 'quay.io/xnginx'],
  ],
  ['**/team/*', ['team/a', 'quay.io/x/team/a'], ['quay.io/team', 'quay.io/team/a/b']],
  ['quay.io/team/**', ['quay.io/team', 'quay.io/team/a', 'quay.io/team/a/b'], ['quay.io/teams', 'quay.io:8443/team/a']],
  ['quay.io/**/app', ['quay.io/app', 'quay.io/a/b/app'], ['quay.io/app/a', 'quay.io/a/bapp']],
  [
    'quay.io/**/a/**/b',
    ['quay.io/a/b', 'quay.io/x/a/y/z/b', 'quay.io/a/a/b/b', 'quay.io/a/b/b'],
    ['quay.io/b/a', 'quay.io/a', 'quay.io/a/b/c'],
  ],
  ['quay.io/*', ['quay.io/a'], ['quay.io/a/b', 'a']],
  ['quay.io/a*c*e', ['quay.io/ace', 'quay.io/abcde', 'quay.io/acce'], ['quay.io/aec', 'quay.io/ac', 'quay.io/a/c/e']],
  ['quay.io/a*bc*c', ['quay.io/abcc', 'quay.io/abc-c'], ['quay.io/abc', 'quay.io/acc']],
  ['quay.io/ab*ab', ['quay.io/abab', 'quay.io/ab-ab'], ['quay.io/ab', 'quay.io/aba']],
  ['Quay.IO/app', ['quay.io/app', 'QUAY.io/app'], ['quay.io/apps']],
  ['*.example.com/app', ['a.example.com/app'], ['example.com/app', 'a.b.example.com/app', 'a.example.com:5000/app']],
  ['*.*.example.com/app', ['a.b.example.com/app'], ['a.example.com/app']],
  ['reg-*.example.com/**', ['reg-1.example.com/a/b'], ['reg.example.com/a', 'xreg-1.example.com/a']],
  ['10.0.*.*/**', ['10.0.3.4/a'], ['10.1.3.4/a', '10.0.3.4:5000/a']],
  ['10.0.*.5/**', ['10.0.3.5/a'], ['10.0.3.6/a']],
  ['registry:5000/x', ['registry:5000/x'], ['registry:5001/x', 'registry:443/x', 'registry.local:5000/x']],
  ['registry:*/x', ['registry:5000/x', 'registry:443/x'], ['registry2:5000/x']],
  ['quay.io:*/x', ['quay.io/x', 'quay.io:443/x', 'quay.io:8443/x'], ['quay.io.example/x']],
  ['*:5000/x', ['registry:5000/x', 'localhost:5000/x'], ['registry:5001/x', 'a.b:5000/x']],
  ['quay.io:443/x', ['quay.io/x', 'quay.io:443/x'], ['quay.io:8443/x']],
  ['quay.io/x', ['quay.io:443/x'], ['quay.io:80/x']],
  ['*.quay.io:443/x', ['a.quay.io/x', 'a.quay.io:443/x'], ['a.quay.io:444/x']],
  ['localhost/x', ['localhost/x', 'localhost:443/x'], ['localhost:5000/x']],
  ['[::1]:5000/x', ['[::1]:5000/x'], ['[::1]/x', '[::2]:5000/x']],
  ['[2001:DB8::1]:*/x', ['[2001:db8::1]/x', '[2001:db8::1]:5000/x'], ['[2001:db8::2]/x']],
  [
    'quay.io/app:v*',
    ['quay.io/app:v1', `quay.io/app:v1@${digest}`],
    ['quay.io/app', 'quay.io/app:1', `quay.io/app@${digest}`],
  ],
  ['quay.io/app:latest', ['quay.io/app', 'quay.io/app:latest'], ['quay.io/app:v1', `quay.io/app@${digest}`]],
  ['quay.io/app:*', ['quay.io/app', 'quay.io/app:v1'], [`quay.io/app@${digest}`]],
  ['quay.io/app:V1', ['quay.io/app:V1'], ['quay.io/app:v1']],
  ['**:v1.*', ['nginx:v1.2', 'quay.io/a/b:v1.'], ['nginx:v1', 'quay.io/a/b']],
  ['nginx:1.*-alpine', ['nginx:1.27-alpine'], ['nginx:1.27']],
  ['quay.io/team/a.c', ['quay.io/team/a.c'], ['quay.io/team/abc']],
  ['quay.io/*-*', ['quay.io/a-b', 'quay.io/a--b'], ['quay.io/ab']],
  ['quay.io/a.*', ['quay.io/a.b'], ['quay.io/a']],
]

describe('patterns', () => {
  test.each(
    table.flatMap(([pattern, yes, no]) => [
      ...yes.map((image) => ({ pattern, image, answer: true, verb: 'matches' })),
      ...no.map((image) => ({ pattern, image, answer: false, verb: 'does not match' })),
    ]),
  )('$pattern $verb $image', ({ pattern, image, answer }) => {
    expect(matches(pattern, image)).toBe(answer)
  })

  test.each([
    ['', /empty/],
    ['*', /write \*\* for every image/],
    ['*:v1', /write \*\* for every image/],
    ['*/app', /write the host, as docker.io/],
    ['team*/app', /write the host/],
    ['*/*', /write the host/],
    ['/app', /segment is empty/],
    ['quay.io/', /end it with \/\*\*/],
    ['quay.io//app', /segment is empty/],
    ['quay.io/a**', /stand alone/],
    ['quay.io/***', /stand alone/],
    ['**.example.com/a', /stand alone/],
    ['**:5000/a', /stand alone/],
    ['quay.io/**/**', /one after the other/],
    ['**/**', /one after the other/],
    ['quay.io', /for all images of a host write quay.io\/\*\*/],
    ['*.quay.io', /write \*\.quay.io\/\*\*/],
    ['localhost', /write localhost\/\*\*/],
    [`quay.io/app@${digest}`, /names no digest/],
    ['quay.io/app@sha256:*', /names no digest/],
    ['quay.io/App', /lower case/],
    ['quay.io/Ap*', /lower case/],
    ['quay.io/-app', /cannot be a segment/],
    ['quay.io/a..b', /cannot be a segment/],
    ['quay.io/-*', /cannot be a segment/],
    ['quay.io/*.', /cannot be a segment/],
    ['quay.io/a..*', /cannot be a segment/],
    ['quay.io/app:', /cannot be a tag/],
    ['quay.io/app:-*', /cannot be a tag/],
    ['quay.io/app:**', /a tag has \*/],
    ['quay.io/a:b/c', /cannot be a segment/],
    ['quay.io/[ab]', /cannot be a segment/],
    ['quay.io/a?', /no such character/],
    ['quay.io/{a,b}', /no such character/],
    ['!quay.io/a', /no such character/],
    ['quay.io/a\n', /no such character/],
    ['https://quay.io/a', /segment is empty/],
    ['quay..io/a', /labels/],
    ['-*.quay.io/a', /labels/],
    ['quay.io:x/a', /port/],
    ['quay.io:50*/a', /a port is a number, or \*/],
    ['*.quay.io:0/a', /port/],
    ['REG*/a', /write the port/],
    ['FOO/a', /port/],
    ['[::*]/a', /no wildcards/],
    ['[::1/a', /bracket/],
    ['docker.io:*/a', /without a port/],
    ['Docker.io/a', /lower case/],
    ['10.*.5/a', /IPv4/],
    [`quay.io/${'a'.repeat(510)}`, /longer than 512/],
    [`quay.io/${'a*'.repeat(17)}`, /more than 16 wildcards/],
  ])('refuses %j', (text, reason) => {
    expect(refusal(text)).toMatchObject({ code: 'pattern-malformed', message: expect.stringMatching(reason) })
  })

  test('accepts as many wildcards as are allowed, and not one more', () => {
    expect(matches(`quay.io/${'a*'.repeat(16)}`, `quay.io/${'ab'.repeat(16)}`)).toBe(true)
    expect(refusal(`quay.io/${'a*'.repeat(16)}/*`).code).toBe('pattern-malformed')
  })

  test('a wildcard of the host never reaches into the path', () => {
    expect(matches('*.trusted.example/org/*', 'a.trusted.example/org/app')).toBe(true)
    expect(matches('*.trusted.example/org/*', 'evil.example/x.trusted.example/org/app')).toBe(false)
    expect(matches('*:*/org/app', 'evil.example/x/org/app')).toBe(false)
  })

  test('a pattern is no prefix', () => {
    expect(matches('quay.io/repo/img', 'quay.io/repo/img2')).toBe(false)
    expect(matches('quay.io/repo/img', 'quay.io/repo/img/x')).toBe(false)
  })

  test('keeps the text as it was written', () => {
    expect(parseImagePattern('nginx:1').text).toBe('nginx:1')
  })

  test('decides about hostile pairs at once', () => {
    const started = performance.now()
    const stars = parseImagePattern(`quay.io/${'a*'.repeat(15)}b`)
    const deep = parseImagePattern(`**/${'a*/**/'.repeat(7)}b`)
    const long = parseReference(`quay.io/${'a'.repeat(255)}`)
    const many = parseReference(`quay.io/${'a/'.repeat(127)}a`)
    for (const pattern of [stars, deep]) {
      for (const reference of [long, many]) expect(matchesPattern(pattern, reference)).toBe(false)
    }
    expect(performance.now() - started).toBeLessThan(50)
  })
})

describe('the more specific pattern', () => {
  const descending = [
    'quay.io/team/app:v1',
    'quay.io/team/app:v*',
    'quay.io/team/app:*',
    'quay.io/team/app',
    'quay.io/team/app-*-x',
    'quay.io/team/app*',
    'quay.io/team/*',
    'quay.io/team/**/app',
    'quay.io/team/**/*',
    'quay.io/team/**',
    'quay.io/te*/app',
    'quay.io/*/app',
    'quay.io/**/app',
    'quay.io/**',
    'quay.io:*/team/app',
    '*.quay.io/team/app',
    '*.io/team/app',
    '*.*/team/app',
    '**/team/app',
    '**/app',
    '**:v1',
    '**',
  ]
  test.each(descending.slice(1).map((lower, at) => [descending[at] ?? '', lower]))('%s before %s', (higher, lower) => {
    const [a, b] = [parseImagePattern(higher), parseImagePattern(lower)]
    expect(compareSpecificity(a, b)).toBeGreaterThan(0)
    expect(compareSpecificity(b, a)).toBeLessThan(0)
  })

  test('the end of a path beats ** there', () => {
    expect(compareSpecificity(parseImagePattern('quay.io/team'), parseImagePattern('quay.io/team/**'))).toBeGreaterThan(
      0,
    )
  })

  test.each([
    ['nginx', 'docker.io/library/nginx'],
    ['quay.io:443/a', 'quay.io/a'],
    ['Quay.io/a', 'quay.io/a'],
  ])('%s and %s are equal, being the same', (left, right) => {
    expect(compareSpecificity(parseImagePattern(left), parseImagePattern(right))).toBe(0)
  })
})

describe('for an index', () => {
  test.each([
    ['nginx', ['docker.io', 'library', 'nginx']],
    ['quay.io:443/team/*', ['quay.io', 'team']],
    ['quay.io/team/a*/x', ['quay.io', 'team']],
    ['quay.io:5000/**', ['quay.io:5000']],
    ['quay.io/a/**/b', ['quay.io', 'a']],
    ['*.quay.io/a', []],
    ['quay.io:*/a', []],
    ['**/a', []],
  ])('%s begins with %j', (pattern, prefix) => {
    expect(literalPrefix(parseImagePattern(pattern))).toEqual(prefix)
  })

  test.each([
    ['nginx', ['docker.io', 'library', 'nginx']],
    ['quay.io:443/a/b', ['quay.io', 'a', 'b']],
    ['quay.io:5000/a', ['quay.io:5000', 'a']],
  ])('%s is %j', (image, segments) => {
    expect(segmentsOf(parseReference(image))).toEqual(segments)
  })
})

const hostPart = fc.constantFrom('a.b', '*.b', 'a.*', '*.*', 'aa.b', 'a*.b', 'a.b:1', 'a.b:*', 'a.b:443', '*.b:1')
const pathPart = fc.constantFrom('a', 'b', 'aa', 'ab', '*', 'a*', '*b', '**', '*a*')
const patternText = fc
  .tuple(
    fc.oneof(hostPart, fc.constant('**')),
    fc.array(pathPart, { minLength: 1, maxLength: 5 }),
    fc.constantFrom('', ':v1', ':v*'),
  )
  .map(([host, path, tag]) => `${[host, ...path].join('/')}${tag}`)
  .filter((text) => !text.includes('**/**'))
const image = fc
  .tuple(
    fc.constantFrom('a.b', 'c.b', 'aa.b', 'a.b:1', 'a.b:443', 'a.b:2'),
    fc.array(fc.constantFrom('a', 'b', 'aa', 'ab', 'ba', 'aab'), { minLength: 1, maxLength: 6 }),
    fc.constantFrom('', ':v1', ':v2', `@${digest}`),
  )
  .map(([host, path, rest]) => `${host}/${path.join('/')}${rest}`)

/** The slow and obvious way: one regular expression over host, path and tag. */
function obvious(text: string, imageText: string): boolean {
  const [, body = '', tag] = /^(.*?)(?::([^/]*))?$/.exec(text) ?? []
  const [first = '', ...rest] = body.split('/')
  const path = first === '**' ? ['**', ...rest] : rest
  const any = (part: string, run: string) => part.replaceAll('.', '\\.').split('*').join(run)
  const host = first === '**' ? '[^/]*' : any(first.replace(/:443$/, '').replace(/:\*$/, ''), '[^./:]*')
  const port = first.endsWith(':*') ? '(:[0-9]+)?' : ''
  const segments = path.map((part) => (part === '**' ? '(/[^/]+)*' : `/${any(part, '[^/]*')}`)).join('')
  const reference = parseReference(imageText)
  const name = `${reference.registry.replace(/:443$/, '')}/${reference.repository}`
  if (!new RegExp(`^${host}${port}${segments}$`).test(name)) return false
  if (tag === undefined) return true
  const written = reference.tag ?? (reference.digest === undefined ? 'latest' : undefined)
  return written !== undefined && new RegExp(`^${any(tag, '.*')}$`).test(written)
}

describe('for any pattern', () => {
  test('matching agrees with one obvious regular expression', () => {
    let both = 0
    fc.assert(
      fc.property(patternText, image, (text, imageText) => {
        const answer = matches(text, imageText)
        if (answer) both++
        expect(answer).toBe(obvious(text, imageText))
      }),
      { numRuns: 5000 },
    )
    expect(both).toBeGreaterThan(100)
  })

  test('specificity is a total preorder', () => {
    fc.assert(
      fc.property(patternText, patternText, patternText, (x, y, z) => {
        const [a, b, c] = [parseImagePattern(x), parseImagePattern(y), parseImagePattern(z)]
        expect(compareSpecificity(a, a)).toBe(0)
        expect(Math.sign(compareSpecificity(a, b)) + Math.sign(compareSpecificity(b, a))).toBe(0)
        if (compareSpecificity(a, b) >= 0 && compareSpecificity(b, c) >= 0) {
          expect(compareSpecificity(a, c)).toBeGreaterThanOrEqual(0)
        }
      }),
      { numRuns: 3000 },
    )
  })

  test('what it matches begins with its literal prefix', () => {
    fc.assert(
      fc.property(patternText, image, (text, imageText) => {
        if (!matches(text, imageText)) return
        const prefix = literalPrefix(parseImagePattern(text))
        expect(segmentsOf(parseReference(imageText)).slice(0, prefix.length)).toEqual(prefix)
      }),
      { numRuns: 2000 },
    )
  })

  test('the answer to any text is a pattern or pattern-malformed', () => {
    const soup = fc.array(
      fc.constantFrom(
        'a',
        'A',
        '*',
        '**',
        '/',
        ':',
        '.',
        '[',
        ']',
        '@',
        '443',
        'docker.io',
        'localhost',
        '-',
        '\n',
        'é',
      ),
      { maxLength: 9 },
    )
    fc.assert(
      fc.property(soup, (pieces) => {
        try {
          expect(matchesPattern(parseImagePattern(pieces.join('')), parseReference('a/b'))).toBeTypeOf('boolean')
        } catch (error) {
          expect(codeOf(error)).toBe('pattern-malformed')
        }
      }),
      { numRuns: 5000 },
    )
  })
})
