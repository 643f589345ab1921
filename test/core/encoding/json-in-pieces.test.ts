import fc from 'fast-check'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { type PieceLimits, parseStrictJsonInPieces } from '#core/encoding/json-in-pieces.ts'
import { parseStrictJsonBytes } from '#core/encoding/strict-json.ts'
import { CodedError } from '#core/errors.ts'

const encoder = new TextEncoder()

type Outcome = { readonly json: string } | { readonly code: string; readonly where: string | undefined }

/** Written as JSON, so that the order of members is compared, too. */
function outcomeOf(read: () => unknown): Outcome {
  try {
    return { json: JSON.stringify(read()) }
  } catch (error) {
    if (!(error instanceof CodedError)) throw error
    return { code: error.code, where: error.where }
  }
}

function readInPieces(bytes: Uint8Array, limits: PieceLimits = {}): unknown {
  const steps = parseStrictJsonInPieces(bytes, limits)
  for (;;) {
    const { done, value } = steps.next()
    if (done === true) return value
  }
}

function refusalOf(text: string, limits: PieceLimits): CodedError {
  try {
    readInPieces(encoder.encode(text), limits)
  } catch (error) {
    if (error instanceof CodedError) return error
    throw error
  }
  throw new Error('accepted')
}

const anySize = Array.from({ length: 60 }, (_, index) => index + 1)

/** Whatever the size of a piece, what is read of the bytes is what is read of them as a whole. */
function expectAgreement(bytes: Uint8Array, maxDepth = 8, sizes: readonly number[] = anySize): Outcome {
  const whole = outcomeOf(() => parseStrictJsonBytes(bytes, { maxDepth }))
  for (const pieceBytes of sizes) {
    const pieces = outcomeOf(() => readInPieces(bytes, { maxDepth, pieceBytes }))
    expect(pieces, `${new TextDecoder().decode(bytes)} in pieces of ${pieceBytes}`).toEqual(whole)
  }
  return whole
}

describe('JSON in pieces of any size is read as a whole is', () => {
  test.each([
    '{}',
    ' [ ] ',
    '[[],{}]',
    '{"a":{"b":[{"c":1},{"c":2,"d":[[1,2],[3]]},"x"]},"e":null}',
    '[{"a" : 1 , "b" : [ 2 , 3 ] } , { } , [ ] ]',
    '{"1":{"a":1},"0":[1,2],"__proto__":{"b":[1,2]},"constructor":3}',
    '{"\\u0061":"\\u0062,]}","\\"":["\\\\","{,"],"\\\\":[1]}',
    '["ä,🐳","\\ud83d\\udc33",{"🐳":"€"}]',
    '[1e3,-0,0.5,true,false,null,"\\n"]',
    '{"a":[[[[[[1,2]]]]]],"b":1}',
    '"a,b"',
    ' 12 ',
    'null',
  ])('%s', (text) => {
    expect(expectAgreement(encoder.encode(text))).toHaveProperty('json')
  })

  test.each([
    ['', 'json-malformed'],
    ['  ', 'json-malformed'],
    ['[1,,2]', 'json-malformed'],
    ['[,1]', 'json-malformed'],
    ['[1,]', 'json-malformed'],
    ['[[1,2],]', 'json-malformed'],
    ['[[1,2],,3]', 'json-malformed'],
    ['[[1,2][3,4]]', 'json-malformed'],
    ['[[1,2][3,]]', 'json-malformed'],
    ['[[1,2]3,4]', 'json-malformed'],
    ['[3[1,2],4]', 'json-malformed'],
    ['["a":[1,2],4]', 'json-malformed'],
    ['{"a":1,}', 'json-malformed'],
    ['{,"a":1}', 'json-malformed'],
    ['{"a":[1,2],}', 'json-malformed'],
    ['{"a":[1,2] "b":3,"c":4}', 'json-malformed'],
    ['{"a":[1,2]:3,"c":4}', 'json-malformed'],
    ['{[1,2],"a":1}', 'json-malformed'],
    ['{"a" "b":[1,2]}', 'json-malformed'],
    ['{"a":"b":[1,2]}', 'json-malformed'],
    ['{"a":1 "b":[1,2],"c":3}', 'json-malformed'],
    ['{"a":[1,2}]', 'json-malformed'],
    ['[{"a":1,"b":2]]', 'json-malformed'],
    ['[[1,2]', 'json-malformed'],
    ['{"a":[1,2],"b', 'json-malformed'],
    ['[1,2]]', 'json-malformed'],
    ['[1,2],3', 'json-malformed'],
    ['[1,2][3,4]', 'json-malformed'],
    ['[1,2] x', 'json-malformed'],
    ['x [1,2]', 'json-malformed'],
    ['1,2', 'json-malformed'],
    [']', 'json-malformed'],
    ['"a', 'json-malformed'],
    ['["a\\"]', 'json-malformed'],
    ['["a\nb",1]', 'json-malformed'],
    ['\ufeff[1,2]', 'json-malformed'],
    ['["\\ud800",{"\\udc00":1,"b":2}]', 'json-malformed'],
    ['[[[[[[[[[1]]]]]]]]]', 'json-too-deep'],
    ['{"a":1,"b":[[[[[[[[1]]]]]]]]}', 'json-too-deep'],
    ['{"a":1,"a":2}', 'json-duplicate'],
    ['{"a":1,"b":2,"c":3,"\\u0061":4}', 'json-duplicate'],
    ['{"a":[1,2],"b":2,"a":[3,4]}', 'json-duplicate'],
    ['[1,{"x":[{"a":1,"b":2},{"b":[1,2],"c":3,"b":4}]}]', 'json-duplicate'],
    ['{"x/~":{"a":1,"b":2,"a":3}}', 'json-duplicate'],
    [`{"${'/'.repeat(300)}":{"a":1,"b":2,"a":3}}`, 'json-duplicate'],
    ['{"__proto__":1,"b":2,"__proto__":3}', 'json-duplicate'],
  ])('refuses %s', (text, code) => {
    expect(expectAgreement(encoder.encode(text))).toMatchObject({ code })
  })

  test.each([
    ['the depth before anything else', '{"a":1,"a":"\\ud800",]} [[[[[[[[[[', 'json-too-deep'],
    ['the depth before a word that is none', '[1,x,2,[[[[[[[[[', 'json-too-deep'],
    ['the grammar before what is there twice', '{"a":1,"b":2,"a":"\\ud800",}', 'json-malformed'],
    ['what is there twice before half of a character', '{"b":"\\ud800","a":1,"a":2}', 'json-duplicate'],
    ['the first of those that are there twice', '{"b":1,"a":{"c":1,"c":2},"b":2}', 'json-duplicate'],
    ['the first of those, in order of the text', '{"9":1,"8":2,"9":{"a":1,"a":2},"8":4}', 'json-duplicate'],
  ])('of several faults tells %s', (_, text, code) => {
    expect(expectAgreement(encoder.encode(text))).toMatchObject({ code })
  })

  test.each([
    ['a broken sequence', [0x5b, 0x22, 0xc3, 0x22, 0x5d]],
    ['an encoded surrogate', [0x5b, 0x22, 0xed, 0xa0, 0x80, 0x22, 0x5d]],
    ['a lonely rest of a character', [0x5b, 0x22, 0xe2, 0x82, 0xac, 0x80, 0x22, 0x5d]],
    ['a character that is cut off', [0x5b, 0x22, 0x22, 0x5d, 0xf0, 0x9f, 0x90]],
    ['bytes that are no text, behind what is too deep', [...encoder.encode('[[[[[[[[[['), 0xff]],
  ])('refuses %s', (_, bytes) => {
    expect(expectAgreement(new Uint8Array(bytes))).toMatchObject({ code: 'json-malformed', where: undefined })
  })
})

const name = fc.constantFrom('a', 'b', 'c', '__proto__', '1', '0', '', '"', '\\', '\\u006', ':{', ',', 'ä')
const space = fc.constantFrom('', '', ' ', '\n\t')
const leaf = fc.oneof(
  fc.jsonValue({ maxDepth: 0 }).map((value) => JSON.stringify(value)),
  fc.constantFrom('"\\ud800"', '"\\u0061"', '"🐳,"', '"]"', '"{"'),
)
const { text: tree } = fc.letrec<{ text: string; object: string; list: string }>((tie) => ({
  text: fc.oneof({ maxDepth: 5, withCrossShrink: true }, leaf, tie('object'), tie('list')),
  object: fc
    .tuple(fc.array(fc.tuple(name, space, tie('text')), { maxLength: 5 }), space)
    .map(
      ([members, gap]) =>
        `{${gap}${members.map(([key, s, t]) => `${JSON.stringify(key)}${s}:${s}${t}`).join(`,${gap}`)}}`,
    ),
  list: fc
    .tuple(fc.array(tie('text'), { maxLength: 5 }), space)
    .map(([items, gap]) => `[${items.join(`${gap},`)}${gap}]`),
}))

/** Something put in, taken out or repeated at one place. */
const damaged = fc
  .tuple(
    tree,
    fc.nat(),
    fc.nat(3),
    fc.constantFrom('', ',', '[', ']', '{', '}', '"', ':', '\\', ' ', 'null', '1', '"a":1,'),
  )
  .map(([text, place, length, instead]) => {
    const at = place % (text.length + 1)
    return text.slice(0, at) + instead + text.slice(at + length)
  })

describe('for any text, in pieces of any size', () => {
  test('the same is read, or refused at the same place', () => {
    const seen = new Map<string, number>()
    fc.assert(
      fc.property(fc.oneof(tree, damaged), fc.nat(50), (text, size) => {
        const outcome = expectAgreement(encoder.encode(text), 4, [1, 2, 3, 5 + size])
        const kind = 'code' in outcome ? outcome.code : 'read'
        seen.set(kind, (seen.get(kind) ?? 0) + 1)
      }),
      { numRuns: 1_000 },
    )
    for (const kind of ['read', 'json-malformed', 'json-duplicate', 'json-too-deep']) {
      expect(seen.get(kind) ?? 0, kind).toBeGreaterThan(20)
    }
  })

  test('any bytes are read, or refused, alike', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => void expectAgreement(bytes)),
      { numRuns: 500 },
    )
  })
})

/** Reads it, and says after each step how much has been looked at, and how much was parsed in it. */
function stepsOf(text: string, limits: PieceLimits): readonly { readonly looked: number; readonly parsed: number }[] {
  const parse = vi.spyOn(JSON, 'parse')
  const steps: { looked: number; parsed: number }[] = []
  let before = 0
  for (const at of parseStrictJsonInPieces(encoder.encode(text), limits)) {
    const parsed = parse.mock.calls.reduce((sum, [piece]) => sum + piece.length, 0)
    steps.push({ looked: at < before ? at : at - before, parsed })
    parse.mockClear()
    before = at
  }
  return steps
}

const repeat = (count: number, piece: (index: number) => string) =>
  Array.from({ length: count }, (_, at) => piece(at)).join(',')

describe('one step', () => {
  afterEach(() => vi.restoreAllMocks())

  const nest = (depth: number, beside: string) => `${`[${beside},`.repeat(depth)}1${']'.repeat(depth)}`

  test.each([
    ['a list of words', `[${repeat(4_000, () => '0')}]`],
    ['a list of objects', `[${repeat(500, (at) => `{"name":"c${at}","image":"a"}`)}]`],
    ['an object of many members', `{${repeat(1_000, (at) => `"${at}k":0`)}}`],
    [
      'lists that become deeper and deeper',
      nest(
        60,
        repeat(40, () => '12'),
      ),
    ],
    [
      'lists inside each other, many times',
      `[${repeat(60, () => `${'['.repeat(60)}${repeat(20, () => '1')}${']'.repeat(60)}`)}]`,
    ],
    ['objects inside each other', `${`{"a":1,"b":`.repeat(60)}1${`,"c":2}`.repeat(60)}`],
  ])('of %s looks at no more than a piece, and parses no more than two', (_, text) => {
    const pieceBytes = 200
    const steps = stepsOf(text, { pieceBytes })
    // A piece is read in brackets of its own; what stands before an inner container, in four bytes more.
    const brackets = 64 * 6
    for (const { looked, parsed } of steps) {
      expect(looked).toBeLessThanOrEqual(pieceBytes + 3)
      expect(parsed).toBeLessThanOrEqual(2 * pieceBytes + brackets)
    }
    expect(steps.length).toBeLessThan(2 * (text.length / pieceBytes + 1) + 2)
    expect(steps.reduce((sum, { parsed }) => sum + parsed, 0)).toBeLessThan(text.length * (1 + brackets / pieceBytes))
  })

  test('is some thousand bytes where nothing else is asked for', () => {
    const steps = stepsOf(`[${repeat(60_000, () => '0')}]`, {})
    expect(Math.max(...steps.map(({ parsed }) => parsed))).toBeLessThan(40_000)
    expect(steps.length).toBeGreaterThan(8)
  })

  test('of a string takes its length, and what follows is read in pieces again', () => {
    const text = `[1,"${'x'.repeat(1_000)}",${repeat(500, () => '2')}]`
    const parsed = stepsOf(text, { pieceBytes: 100 }).map((step) => step.parsed)
    expect(Math.max(...parsed)).toBeGreaterThan(1_000)
    expect(parsed.filter((length) => length > 210)).toHaveLength(1)
  })
})

describe('the members of one object', () => {
  const members = (count: number) => repeat(count, (at) => `"${at}":${at}`)

  test.each([1, 10, 50])('are bounded in pieces of %i bytes', (pieceBytes) => {
    const limits = { maxMembers: 20, pieceBytes }
    expect(readInPieces(encoder.encode(`{"a":{${members(20)}}}`), limits)).toEqual({
      a: JSON.parse(`{${members(20)}}`),
    })
    expect(refusalOf(`{"a":{${members(21)},"b":1}}`, limits)).toMatchObject({ code: 'input-too-large' })
  })

  test('are not those of all objects together, nor the elements of a list', () => {
    const text = `[${repeat(30, () => `{${members(5)}}`)}]`
    expect(readInPieces(encoder.encode(text), { maxMembers: 20, pieceBytes: 10 })).toHaveLength(30)
  })

  test('are 30,000 where nothing else is asked for', () => {
    expect(Object.keys(readInPieces(encoder.encode(`{${members(30_000)}}`)) as object)).toHaveLength(30_000)
    const { code, where, message } = refusalOf(`[0,{"a/b":{${members(30_001)}}}]`, {})
    expect({ code, where }).toEqual({ code: 'input-too-large', where: '/1/a~1b' })
    expect(message).toContain('more than 30000 members')
  })
})

describe('a string', () => {
  const longest = 2 * 1024 * 1024

  test.each([
    ['plain', 'x'],
    ['escaped', '\\n'],
  ])('that is %s may have 2 MiB as it is written', (_, unit) => {
    const text = unit.repeat(longest / unit.length)
    expect(readInPieces(encoder.encode(`[0,"${text}"]`))).toEqual([0, JSON.parse(`"${text}"`)])
    expect(refusalOf(`[0,"${text}${unit}"]`, {})).toMatchObject({ code: 'input-too-large', where: 'offset 3' })
    expect(refusalOf(`{"${text}${unit}":1}`, {})).toMatchObject({ code: 'input-too-large', where: 'offset 1' })
  })

  test('is not what several of them are together', () => {
    const half = 'x'.repeat(longest / 2)
    expect(readInPieces(encoder.encode(JSON.stringify([half, half, half])))).toEqual([half, half, half])
  })
})

describe('the values of all objects and lists', () => {
  const lists = (count: number) => `[${repeat(count, () => '[1,{}]')}]`

  test.each([1, 10, 50])('are bounded in pieces of %i bytes', (pieceBytes) => {
    // Of each: its own bracket, the one inside, and two commas; and one of the outer bracket instead of the last comma.
    expect(readInPieces(encoder.encode(lists(10)), { maxValues: 40, pieceBytes })).toHaveLength(10)
    expect(refusalOf(lists(11), { maxValues: 40, pieceBytes })).toMatchObject({ code: 'input-too-large' })
  })

  test('do not count what strings hold', () => {
    const text = `["${'[,{'.repeat(50)}","b"]`
    expect(readInPieces(encoder.encode(text), { maxValues: 2, pieceBytes: 10 })).toHaveLength(2)
  })

  test('are 300,000 where nothing else is asked for', () => {
    expect(readInPieces(encoder.encode(`[${repeat(300_000, () => '0')}]`))).toHaveLength(300_000)
    expect(refusalOf(`[${repeat(300_001, () => '0')}]`, {}).message).toContain('more than 300000 values')
  })
})
