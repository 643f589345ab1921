import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  asArray,
  asBoolean,
  asInteger,
  asObject,
  asString,
  asStringMap,
  memberPath,
  onlyMembers,
  ownMember,
  parseStrictJson,
  parseStrictJsonBytes,
} from '#core/encoding/strict-json.ts'
import { CodedError, codeOf } from '#core/errors.ts'

function refusalOf(read: () => unknown): CodedError {
  try {
    read()
  } catch (error) {
    if (error instanceof CodedError) return error
    throw error
  }
  throw new Error('accepted')
}

describe('strict JSON', () => {
  test.each([
    ['null', null],
    [' 1.5e3 ', 1500],
    ['"a:{[\\"}]"', 'a:{[\\"}]'.replace('\\', '')],
    ['[]', []],
    ['{}', {}],
    ['{"a":{"a":[{"a":1},{"a":2}]}}', { a: { a: [{ a: 1 }, { a: 2 }] } }],
    ['{"":1," ":2}', { '': 1, ' ': 2 }],
    ['{"a\\\\":":", "b":"\\\\\\""}', { 'a\\': ':', b: '\\"' }],
    ['"\\ud83d\\udc33"', '🐳'],
    ['["\\ud83d\\udc33",null,1,true,{"a":null}]', ['🐳', null, 1, true, { a: null }]],
    ['"\\\\ud800"', '\\ud800'],
    ['{"2":1,"1":2}', { 1: 2, 2: 1 }],
  ])('reads %s', (text, value) => {
    expect(parseStrictJson(text)).toEqual(value)
  })

  test.each([
    ['nothing', ''],
    ['white space', ' \n'],
    ['something behind the value', '{} x'],
    ['a second value', '1 2'],
    ['NaN', 'NaN'],
    ['Infinity', '[-Infinity]'],
    ['a comment', '{}//'],
    ['a trailing comma', '[1,]'],
    ['single quotes', "{'a':1}"],
    ['an open string', '"a'],
    ['an open object', '{"a":1'],
    ['a raw line feed in a string', '"a\nb"'],
    ['a leading zero', '01'],
    ['a byte order mark', '\ufeff{}'],
    ['more closed than opened', '[]]'],
    ['half a surrogate pair, escaped', '"\\ud800"'],
    ['half a surrogate pair as a name', '{"a":{"\\udC00":1}}'],
    ['half a surrogate pair, raw', '"\ud800"'],
    ['the halves of a pair in the wrong order', '["\\udc33\\ud83d"]'],
  ])('refuses %s', (_, text) => {
    expect(refusalOf(() => parseStrictJson(text)).code).toBe('json-malformed')
  })

  test.each([
    ['{"a":1,"a":1}', '/a'],
    ['{"a":1,"\\u0061":2}', '/a'],
    ['{"x":[0,{"b":{}},{"b":1,"c":[],"b":2}]}', '/x/2/b'],
    ['{"a/b~":{"":1,"":2}}', '/a~1b~0/'],
    ['[["a",":"],{"a" : 1, "b":"a", "a"\n:2}]', '/1/a'],
    ['{"__proto__":1,"__proto__":2}', '/__proto__'],
    ['{"1":1,"1":2}', '/1'],
    ['{"a":{"a":1},"b":{"a":1},"b":3}', '/b'],
    ['{"a":[{"a":1,"a":2}],"a":3}', '/a/0/a'],
    ['{"a":"\\\\","a":"\\""}', '/a'],
  ])('refuses the repeated member of %s', (text, pointer) => {
    expect(refusalOf(() => parseStrictJson(text))).toMatchObject({
      code: 'json-duplicate',
      where: pointer,
      message: expect.stringContaining(pointer),
    })
  })

  test('cuts names in the place of a repeated member before they are escaped', () => {
    const where = (name: string) => refusalOf(() => parseStrictJson(`{"${name}":{"a":1,"a":2}}`)).where
    expect(where('/'.repeat(256))).toBe(`/${'~1'.repeat(256)}/a`)
    expect(where('/'.repeat(257))).toBe(`/${'~1'.repeat(256)}…/a`)
  })

  test('escapes the name of a repeated member in the message', () => {
    expect(refusalOf(() => parseStrictJson('{"\\u001b[2J":1,"\\u001b[2J":2}')).message).toContain('/\\u{1b}[2J')
  })

  test('allows 64 levels and refuses the 65th, before the rest is read', () => {
    expect(parseStrictJson('['.repeat(64) + ']'.repeat(64))).toBeInstanceOf(Array)
    expect(refusalOf(() => parseStrictJson(`${'['.repeat(65)}garbage`))).toMatchObject({
      code: 'json-too-deep',
      where: 'offset 64',
    })
    expect(refusalOf(() => parseStrictJson('{"a":'.repeat(1_000_000))).code).toBe('json-too-deep')
  })

  test('brackets in strings are no levels', () => {
    expect(parseStrictJson(`["${'['.repeat(100)}","\\"${'{'.repeat(100)}"]`)).toHaveLength(2)
  })

  test('takes another bound of depth, itself bounded', () => {
    expect(parseStrictJson('[[1]]', { maxDepth: 2 })).toEqual([[1]])
    expect(refusalOf(() => parseStrictJson('[[[1]]]', { maxDepth: 2 })).code).toBe('json-too-deep')
    const deep = `${'['.repeat(100_000)}${']'.repeat(100_000)}`
    expect(refusalOf(() => parseStrictJson(deep, { maxDepth: 1e9 })).code).toBe('json-too-deep')
  })

  test('a member called __proto__ is an ordinary member', () => {
    const object = asObject(parseStrictJson('{"__proto__":{"admin":true}}'), '')
    expect(Object.hasOwn(object, '__proto__')).toBe(true)
    expect(ownMember(object, '__proto__')).toEqual({ admin: true })
    expect(ownMember(object, 'admin')).toBeUndefined()
    expect('admin' in object).toBe(false)
  })

  test('never repeats control characters of the input in a message', () => {
    expect(refusalOf(() => parseStrictJson('\u001b[31m\u202e')).message).not.toMatch(/[\p{Cc}\p{Cf}]/u)
  })
})

describe('names that the platform misreads (nodejs/node#63785)', () => {
  // Whoever can send one text could otherwise change how the next one is read.
  test.each([
    ['{"name":1,"\\\\u006":0}', '{"name":1,"\\u0069mage":2}', 'image'],
    ['{"n":1,"im\\\\u0":0}', '{"n":1,"im\\u0061ge":2}', 'image'],
    ['{"h":[],"\\\\":0}', '{"h":1,"\\"":2}', '"'],
    ['{"h":[],"\\\\":0}', '{"h":1,"\\n" : 2}', '\n'],
  ])('after %s reads %s', (poison, text, member) => {
    const kept = [parseStrictJson(poison), JSON.parse(poison)]
    expect(Object.keys(asObject(parseStrictJson(text), ''))[1]).toBe(member)
    expect(kept).toHaveLength(2)
  })

  test('a repeated member does not hide behind them', () => {
    const kept = [JSON.parse('{"h":[],"\\\\":0}')]
    expect(refusalOf(() => parseStrictJson('{"h":1,"\\"":2,"\\"":3}'))).toMatchObject({
      code: 'json-duplicate',
      where: '/"',
    })
    expect(kept).toHaveLength(1)
  })

  test('are read right, and searched for a repeated one, in a text of any length', () => {
    const kept = [JSON.parse('{"h":[],"\\\\":0}')]
    const many = Array.from({ length: 20_000 }, (_, index) => `{"h":1,"\\"":"\\n${index}"}`)
    const value = asArray(parseStrictJson(`[${many.join(',')}]`), '')
    expect(value).toHaveLength(20_000)
    expect(value.at(-1)).toEqual({ h: 1, '"': '\n19999' })
    const twice = `[${many.join(',')},{"h":1,"\\"":2,"\\"":3}]`
    expect(refusalOf(() => parseStrictJson(twice))).toMatchObject({
      code: 'json-duplicate',
      where: '/20000/"',
    })
    expect(kept).toHaveLength(1)
  })

  test('beside them a half surrogate pair is refused, and a whole one read', () => {
    expect(refusalOf(() => parseStrictJson('{"\ud800b":1,"\\\\":2}')).code).toBe('json-malformed')
    expect(refusalOf(() => parseStrictJson('{"\\ud800b":1,"\\\\":2}')).code).toBe('json-malformed')
    expect(parseStrictJson('{"\ud83d\udc33":"\\\\n","\\\\":"\ud83d\udc33"}')).toEqual({ '🐳': '\\n', '\\': '🐳' })
  })

  test.each(['-0', '1e400', '1E-2', '0.1', '9007199254740993', '-1.5e+3', 'true', 'false', 'null', '"\\u0000"'])(
    'beside them %s is the value that it is alone',
    (text) => {
      expect(asObject(parseStrictJson(`{"\\\\":1,"v":[${text} ]}`), '')['v']).toEqual([JSON.parse(text)])
    },
  )

  test('names that have a backslash are read as they are', () => {
    const text =
      '{"C:\\\\x":{"__proto__":[1,{},[],"a\\\\",true,null,-1.5e3]},"k:{\\"name\\":\\"app\\"}":1, "\\u005c" : [ ] }'
    const value = parseStrictJson(text)
    expect(Object.keys(asObject(value, ''))).toEqual(['C:\\x', 'k:{"name":"app"}', '\\'])
    expect(JSON.stringify(value)).toBe(
      '{"C:\\\\x":{"__proto__":[1,{},[],"a\\\\",true,null,-1500]},"k:{\\"name\\":\\"app\\"}":1,"\\\\":[]}',
    )
  })
})

describe('strict JSON in bytes', () => {
  test('reads UTF-8', () => {
    expect(parseStrictJsonBytes(new TextEncoder().encode('{"ä":"🐳"}'))).toEqual({ ä: '🐳' })
  })

  test.each([
    ['a broken sequence', [0x22, 0xc3, 0x22]],
    ['an overlong sequence', [0x22, 0xc0, 0xa2, 0x22]],
    ['an encoded surrogate', [0x22, 0xed, 0xa0, 0x80, 0x22]],
    ['UTF-16', [0xff, 0xfe, 0x7b, 0x00, 0x7d, 0x00]],
    ['a byte order mark', [0xef, 0xbb, 0xbf, 0x7b, 0x7d]],
    ['no bytes', []],
    ['a zero byte at the end', [0x7b, 0x7d, 0x00]],
  ])('refuses %s', (_, bytes) => {
    expect(refusalOf(() => parseStrictJsonBytes(new Uint8Array(bytes))).code).toBe('json-malformed')
  })
})

/** A text with what it says; the platform's parser is no oracle for names with escapes. */
interface Tree {
  readonly text: string
  readonly value: unknown
  readonly duplicate: boolean
}

const name = fc.constantFrom('a', 'b', '__proto__', '1', '', '"', '\\', '\\u006', ':{', 'constructor')
const leaf = fc
  .jsonValue({ maxDepth: 0 })
  .map((value): Tree => ({ text: JSON.stringify(value), value, duplicate: false }))
const { tree } = fc.letrec<{ tree: Tree; object: Tree; array: Tree }>((tie) => ({
  tree: fc.oneof({ maxDepth: 4, withCrossShrink: true }, leaf, tie('object'), tie('array')),
  object: fc.array(fc.tuple(name, tie('tree')), { maxLength: 4 }).map((members) => ({
    text: `{ ${members.map(([key, value]) => `${JSON.stringify(key)} : ${value.text}`).join(',')}}`,
    value: Object.fromEntries(members.map(([key, { value }]) => [key, value])),
    duplicate:
      new Set(members.map(([key]) => key)).size < members.length || members.some(([, value]) => value.duplicate),
  })),
  array: fc.array(tie('tree'), { maxLength: 4 }).map((items) => ({
    text: `[${items.map((item) => item.text).join(' , ')}]`,
    value: items.map((item) => item.value),
    duplicate: items.some((item) => item.duplicate),
  })),
}))

describe('for any text', () => {
  test('exactly the trees without a repeated member are read, as they were meant', () => {
    let repeated = 0
    fc.assert(
      fc.property(tree, ({ text, value, duplicate }) => {
        if (duplicate) {
          repeated++
          expect(refusalOf(() => parseStrictJson(text))).toMatchObject({
            code: 'json-duplicate',
            where: expect.stringMatching('/'),
          })
        } else {
          expect(JSON.stringify(parseStrictJson(text))).toBe(JSON.stringify(value))
        }
      }),
      { numRuns: 3000 },
    )
    expect(repeated).toBeGreaterThan(100)
  })

  test('what the platform does not read is refused with a code, and nothing else is thrown', () => {
    const soup = fc
      .array(
        fc.constantFrom(
          '{',
          '}',
          '[',
          ']',
          '"',
          '\\',
          ':',
          ',',
          '1',
          'a',
          ' ',
          '"a"',
          '"a":',
          'null',
          '\\u00',
          '\ud800',
        ),
        {
          maxLength: 14,
        },
      )
      .map((pieces) => pieces.join(''))
    fc.assert(
      fc.property(fc.oneof(soup, fc.string({ unit: 'binary' })), (text) => {
        let value: unknown
        try {
          value = parseStrictJson(text)
        } catch (error) {
          expect(codeOf(error)).toMatch(/^json-(malformed|duplicate|too-deep)$/)
          return
        }
        const platform: unknown = JSON.parse(text)
        if (!text.includes('\\')) expect(value).toEqual(platform)
      }),
      { numRuns: 5000 },
    )
  })
})

describe('accessors', () => {
  test('give back what is of the type', () => {
    const object = { a: 1 }
    expect(asObject(object, 'x')).toBe(object)
    expect(asArray([1], 'x')).toEqual([1])
    expect(asString('', 'x')).toBe('')
    expect(asBoolean(false, 'x')).toBe(false)
    expect(asInteger(-3, 'x')).toBe(-3)
    expect(asStringMap({ a: 'b' }, 'x')).toEqual({ a: 'b' })
  })

  test.each([
    ['an object', () => asObject(null, 'spec.a'), 'spec.a: expected an object, found null'],
    ['an object, not a list', () => asObject([], 'spec.a'), 'spec.a: expected an object, found a list'],
    ['a list', () => asArray({ length: 0 }, 'spec.a'), 'spec.a: expected a list, found an object'],
    ['a string', () => asString(undefined, 'spec.a'), 'spec.a: expected a string, found nothing'],
    ['a boolean', () => asBoolean('true', 'spec.a'), 'spec.a: expected true or false, found the string "true"'],
    ['an integer', () => asInteger(1.5, 'spec.a'), 'spec.a: expected a whole number, found 1.5'],
    [
      'an exact integer',
      () => asInteger(2 ** 60, 'spec.a'),
      'spec.a: expected a whole number, found 1152921504606847000',
    ],
    ['a finite integer', () => asInteger(Number.POSITIVE_INFINITY, 'a'), 'a: expected a whole number, found Infinity'],
    ['strings in a map', () => asStringMap({ k: 1 }, 'spec.a'), 'spec.a.k: expected a string, found 1'],
    ['something at the top', () => asObject(1, ''), 'the document: expected an object, found 1'],
  ])('demand %s', (_, read, message) => {
    expect(refusalOf(read)).toMatchObject({ code: 'json-shape', message })
  })

  test('cut and escape the text that they found', () => {
    const { message } = refusalOf(() => asInteger(`\u001b${'x'.repeat(500)}`, 'a'))
    expect(message.length).toBeLessThan(120)
    expect(message).toContain('\\u{1b}xxx')
  })

  test('see own members only', () => {
    expect(ownMember({}, 'toString')).toBeUndefined()
    expect(ownMember({ toString: 1 }, 'toString')).toBe(1)
  })

  test('refuse members that are not listed, with their path', () => {
    expect(() => onlyMembers({ a: 1 }, ['a', 'b'], 'spec')).not.toThrow()
    expect(refusalOf(() => onlyMembers({ a: 1, c: 1 }, ['a', 'b'], 'spec'))).toMatchObject({
      code: 'json-shape',
      where: 'spec.c',
      message: 'spec.c: there is no such member here; known are a, b',
    })
    expect(refusalOf(() => onlyMembers(JSON.parse('{"__proto__":1}'), ['a'], '')).where).toBe('__proto__')
  })

  test('write paths that people can follow', () => {
    expect(memberPath(memberPath(memberPath('spec', 'rules'), 0), 'images')).toBe('spec.rules[0].images')
    expect(memberPath('', 'spec')).toBe('spec')
    expect(memberPath('labels', 'app.kubernetes.io/name')).toBe('labels["app.kubernetes.io/name"]')
    expect(memberPath('labels', '\n')).toBe('labels["\\u{a}"]')
  })
})
