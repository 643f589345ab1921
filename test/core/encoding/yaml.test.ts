import fc from 'fast-check'
import { describe, expect, it, vi } from 'vitest'
import { Parser } from 'yaml'
import { maxDepth, maxDocumentLength, maxDocuments, parseYamlDocuments } from '#core/encoding/yaml.ts'

function values(text: string): readonly unknown[] {
  const documents = parseYamlDocuments(text)
  expect(documents.flatMap(({ problems }) => problems)).toEqual([])
  return documents.map(({ value }) => value)
}

function problems(text: string): readonly string[] {
  return parseYamlDocuments(text).flatMap((document) =>
    document.problems.map(({ line, message }) => `${line}: ${message}`),
  )
}

describe('YAML', () => {
  it('reads several documents and knows empty ones', () => {
    expect(values('a: 1\n---\n---\n- b\n- null\n---\n# nothing\n')).toEqual([
      { a: 1 },
      undefined,
      ['b', null],
      undefined,
    ])
  })

  it('reads JSON as it stands, tabs and escapes included', () => {
    expect(values('{\n\t"a": ["\\ud83d\\ude00", 1.5e3, true, null],\n\t"b/c": {}\n}')).toEqual([
      { a: ['😀', 1500, true, null], 'b/c': {} },
    ])
  })

  it('keeps instants as text', () => {
    expect(values('at: 2026-01-01T00:00:00Z')).toEqual([{ at: '2026-01-01T00:00:00Z' }])
  })

  it('says of a name that is no text that alone, whatever hangs on it', () => {
    expect(problems('&x 1: a')).toEqual(['1: a member name must be text; write it in quotes'])
    expect(problems('1: &x a')).toEqual(['1: a member name must be text; write it in quotes'])
    expect(problems('"1": &x a')).toEqual(['1: anchors (&name) are not read'])
    expect(parseYamlDocuments('1: a\nb: c').map(({ value }) => value)).toEqual([{ b: 'c' }])
  })

  it.each([
    ['an alias', 'a: &x 1\nb: *x', /^1: anchors|2: aliases/],
    ['an alias of nothing', 'b: *x', /^1: aliases/],
    ['a comment without a space before it', 'a: "x"#y', /^1: /],
    ['an anchor', 'a: &x 1', /^1: anchors/],
    ['a tag', 'a: 1\nb: !!str 5', /^2: tags/],
    ['a tag on a name', '!!str a: 1', /^1: anchors and tags/],
    ['an anchor on a name', '&x a: 1', /^1: anchors and tags/],
    ['an unknown tag', 'b: !foo 5', /^1: tags/],
    ['a non-specific tag', 'b: ! 5', /^1: tags/],
    ['a tag on a collection', 'b: !!map {}', /^1: tags/],
    ['a merge key', 'a:\n  <<: {b: 1}', /^2: merge keys/],
    ['a directive', '%YAML 1.1\n---\na: 1', /^1: directives/],
    ['a duplicate', 'a: 1\nb: 2\na: 3', /^3: this member stands here twice/],
    ['a duplicate in JSON', '{"a": 1, "a": 1}', /^1: this member stands here twice/],
    ['a number as a name', '1: a', /^1: a member name must be text/],
    ['a list as a name', '? [a]\n: b', /^1: a member name must be text/],
    ['an alias as a name', 'a: &x k\n*x : 1', /^\d: a(nchors|liases)/],
    ['__proto__', '__proto__: {admin: true}', /^1: no member has this name/],
    ['a control character', 'a: x\u0007y', /^1: a control character/],
    ['a lone quote', 'a: "x', /^1: Missing closing/],
    ['bad indentation', 'a: 1\n b: 2', /^\d: /],
  ])('refuses %s', (_, text, expected) => {
    expect(problems(text).join('\n')).toMatch(expected)
  })

  it.each(['yes', 'Yes', 'YES', 'no', 'on', 'Off', 'y', 'N'])(
    'refuses plain %s, which YAML 1.1 takes for a boolean',
    (word) => {
      expect(problems(`a: ${word}`)).toEqual([expect.stringMatching(/^1: kubectl reads .* as a boolean/)])
      expect(problems(`${word}: a`)).toEqual([expect.stringMatching(/^1: kubectl reads .* as a boolean/)])
      expect(values(`a: "${word}"`)).toEqual([{ a: word }])
    },
  )

  it.each(['017', '0o17', '0x1f', '1_000', '0b11', '+1', '.5', '1.', '.inf', '.NaN', '1e999'])(
    'refuses plain %s, which readers take for different values',
    (word) => {
      expect(problems(`a: ${word}`)).toHaveLength(1)
      expect(values(`a: '${word}'`)).toEqual([{ a: word }])
    },
  )

  it('knows the line of a path, or of the nearest thing that is there', () => {
    const [, document] = parseYamlDocuments('x: 1\n---\na:\n  b:\n    - c: 1\n      d: 2\n    - 3\n')
    expect(document?.lineOf([])).toBe(3)
    expect(document?.lineOf(['a', 'b', 0, 'd'])).toBe(6)
    expect(document?.lineOf(['a', 'b', 1])).toBe(7)
    expect(document?.lineOf(['a', 'b', 0, 'missing'])).toBe(5)
  })

  it.each([
    ['# c\n\n---\n# d\na: 1\n...\n# e\n---\n\nb:\n  c: 1\n', [5, 10]],
    ['\ufeff# x\na: 1\n---\nb: 1', [2, 4]],
    ['--- {a: 1,\n c: 2}\n---\n# t\nb: 3', [1, 5]],
    ['a: 1\r\n---\r\nb: 3\r\n', [1, 3]],
    ['a: |\n  ---x\n  z\n---\nd: 1\nb: 1', [1, 6]],
  ])('counts lines over comments, markers and line ends: %j', (text, lines) => {
    const [first, second] = parseYamlDocuments(text)
    expect([first?.lineOf(['a']), second?.lineOf(['b'])]).toEqual(lines)
  })

  it('counts members inside each other as levels, and what is inside of a name too', () => {
    const tooDeep = [`1: nested deeper than ${maxDepth} levels`]
    const members = (levels: number) => `${'{a: '.repeat(levels)}1${'}'.repeat(levels)}`
    expect(values(members(maxDepth))).toHaveLength(1)
    expect(problems(members(maxDepth + 1))).toEqual(tooDeep)
    expect(problems(`? ${'['.repeat(maxDepth)}${']'.repeat(maxDepth)}\n: b`)).toEqual(tooDeep)
  })

  it('refuses what is nested too deep, without a stack that grows', () => {
    const nested = (levels: number) => `${'['.repeat(levels)}${']'.repeat(levels)}`
    expect(values(nested(maxDepth))).toHaveLength(1)
    expect(problems(nested(maxDepth + 1))).toEqual([`1: nested deeper than ${maxDepth} levels`])
    expect(problems('['.repeat(200_000))).toEqual([`1: nested deeper than ${maxDepth} levels`])
    expect(problems('{a: '.repeat(20_000))).toEqual([`1: nested deeper than ${maxDepth} levels`])
  })

  it('refuses documents that are too long, and too many of them', () => {
    const long = (length: number) => `a: "${'x'.repeat(length)}"`
    expect(values(long(maxDocumentLength - 100))).toHaveLength(1)
    expect(problems(long(maxDocumentLength))).toEqual([expect.stringMatching(/^1: a document of more than/)])
    expect(problems('---\n'.repeat(maxDocuments + 10))).toEqual([expect.stringMatching(/: more than \d+ documents$/)])
  })

  it('keeps the documents before one that is refused', () => {
    const documents = parseYamlDocuments(`a: 1\n---\nb: 1\n---\n${'['.repeat(maxDepth + 1)}`)
    expect(documents.map(({ value, problems }) => [value, problems.length])).toEqual([
      [{ a: 1 }, 0],
      [undefined, 1],
    ])
  })

  it('says so where the library fails, and keeps what it had read', () => {
    const parse = vi.spyOn(Parser.prototype, 'parse').mockImplementation(function* parsed(this: Parser, text) {
      parse.mockRestore()
      yield* this.parse(text)
      throw new Error('no such token')
    })
    const documents = parseYamlDocuments('a: 1\n---\nb: 2\n')
    expect(documents.map(({ value }) => value)).toEqual([{ a: 1 }, undefined])
    expect(documents[1]?.problems).toEqual([{ line: 1, path: [], message: 'the YAML reader gave up: no such token' }])
  })

  it.each(['0x', '0o', '0b', '1e', 'v1', '1.2.3', '-x', '+', 'yess', 'non'])('reads plain %s as text', (word) => {
    expect(values(`a: ${word}`)).toEqual([{ a: word }])
  })

  it('never throws', () => {
    const yamlish = fc.string({ unit: fc.constantFrom(...'ab:- \n[]{}"\'&*!|>%#?,\t0<'), maxLength: 200 })
    fc.assert(
      fc.property(fc.oneof(yamlish, fc.string({ unit: 'binary' })), (text) => {
        for (const document of parseYamlDocuments(text)) expect(document.lineOf(['a', 0])).toBeGreaterThan(0)
      }),
      { numRuns: 300 },
    )
  })

  it('reads what JSON says, for any JSON without ambiguous numbers', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 5 }), (value) => {
        const text = JSON.stringify({ value })
        fc.pre(!text.includes('"__proto__"') && !/[\u007f-\u009f\u2028\u2029\ufeff\ufffe\uffff]/.test(text))
        expect(values(text)).toEqual([JSON.parse(text)])
      }),
    )
  })
})
