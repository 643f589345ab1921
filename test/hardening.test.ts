// In a process of its own: what it takes away is gone for good.

import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import process from 'node:process'
import { promisify } from 'node:util'
import { describe, expect, test } from 'vitest'
import { sourceFiles } from './support/source-files.ts'

const run = promisify(execFile)
const hardening = new URL('../src/hardening.ts', import.meta.url).href

/** What a process prints that evaluates the expression, or the name of the error that it throws. */
async function outcome(code: string, { hardened }: { hardened: boolean }): Promise<string> {
  const script = `
    ${hardened ? `await import(${JSON.stringify(hardening)})` : ''}
    const attempt = () => { 'use strict'; ${code} }
    try { console.log(String(attempt())) } catch (error) { console.log(error.name) }`
  const { stdout } = await run(process.execPath, ['--input-type=module', '--eval', script])
  return stdout.trim()
}

const attacks: readonly (readonly [name: string, code: string, refusal: string])[] = [
  ['eval', 'return (0, eval)("1 + 1")', 'EvalError'],
  ['Function called', 'return Function("return 2")()', 'EvalError'],
  ['Function constructed', 'return new Function("return 2")()', 'EvalError'],
  ['the constructor of a function', 'return (() => {}).constructor("return 2")()', 'EvalError'],
  ['of an async one', 'return typeof (async () => {}).constructor("return 2")', 'EvalError'],
  ['of a generator', 'return typeof (function* () {}).constructor("yield 2")', 'EvalError'],
  ['of an async generator', 'return typeof (async function* () {}).constructor("yield 2")', 'EvalError'],
  ['a member for every object', 'Object.prototype.polluted = 2; return ({}).polluted', 'TypeError'],
  ['a member for every error', 'Error.prototype.polluted = 2; return new Error().polluted', 'TypeError'],
  ['another Array.prototype.every', 'Array.prototype.every = () => true; return [1].every(() => false)', 'TypeError'],
  ['another Map.prototype.get', 'Map.prototype.get = () => 2; return new Map().get(1)', 'TypeError'],
  [
    'another String.prototype.startsWith',
    'String.prototype.startsWith = () => true; return "a".startsWith("b")',
    'TypeError',
  ],
  [
    'another Promise.prototype.then',
    'Promise.prototype.then = () => 2; return typeof Promise.prototype.then',
    'TypeError',
  ],
  ['another JSON.parse', 'JSON.parse = () => 2; return JSON.parse("1")', 'TypeError'],
]

describe('JS-01: a hardened process', () => {
  test.each(attacks)('refuses %s, which a plain one lets pass', async (_, code, refusal) => {
    const [hardened, plain] = await Promise.all([outcome(code, { hardened: true }), outcome(code, { hardened: false })])
    expect(hardened).toBe(refusal)
    expect(plain).not.toMatch(/Error$/)
  })

  test('has no __proto__ that a key could name', async () => {
    const code =
      'const a = {}; a["__proto__"] = { admin: true }; return [String(a.admin), String(({}).admin)].join(" ")'
    expect(await outcome(code, { hardened: true })).toBe('undefined undefined')
    expect(await outcome(code, { hardened: false })).toBe('true undefined')
  })

  test('neighbour: does what programs do: classes, errors with a name, functions as functions', async () => {
    const code = `
      class Named extends Error { constructor(text) { super(text); this.name = 'Named' } toString() { return 'named ' + this.message } }
      const table = { toString: () => 'table', constructor: 1 }
      return [String(new Named('a')), String(table), (() => {}) instanceof Function, /a+/.test('caat')].join(' ')`
    expect(await outcome(code, { hardened: true })).toBe('named a table true true')
  })
})

describe('the program', () => {
  const firstImport = (text: string) => /^import (?:type )?.*?'([^']+)'/m.exec(text)?.[1] ?? ''

  test('is hardened before anything else is loaded', () => {
    expect(firstImport(readFileSync('src/main.ts', 'utf8'))).toBe('#hardening.ts')
  })

  test('and so is every worker: what reads the messages of its parent', () => {
    for (const { path, text } of sourceFiles('src/**/*.ts')) {
      if (/\bparentPort\b/.test(text)) expect(firstImport(text), path).toBe('#hardening.ts')
    }
  })

  test('holds no text that becomes code', () => {
    for (const { path, text } of sourceFiles('src/**/*.ts')) {
      if (path === 'src/hardening.ts') continue
      expect(text, path).not.toMatch(/\beval\(|\bnew Function\b|(?<![.\w])Function\(|node:vm['"]/)
    }
  })
})
