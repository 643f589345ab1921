// Where the password of a private key comes from: the environment's COSIGN_PASSWORD, a pipe, or a person at a terminal,
// who types it unseen. It keeps nothing and prints nothing but the question.

import type { Readable, Writable } from 'node:stream'
import { StringDecoder } from 'node:string_decoder'
import { CodedError } from '#core/errors.ts'

/** Standard input, as far as a password is concerned. */
export interface PasswordInput extends Readable {
  readonly isTTY?: boolean
  setRawMode?(raw: boolean): unknown
}

export interface PasswordRequest {
  /** COSIGN_PASSWORD. The empty text is a password too. */
  readonly fromEnvironment: string | undefined
  /** The variable's name, where it is another one. */
  readonly variable?: string
  /** "password for cosign.key" */
  readonly what: string
  /** Asked twice at a terminal: for a key that is being made. */
  readonly confirm: boolean
  readonly input: PasswordInput
  /** Where a person sees the question: standard error, since standard output is for results. */
  readonly output: Writable
}

/** Nobody types more; a pipe that sends more sends something else. */
const maxPasswordLength = 4096

/**
 * @throws CodedError `usage`: none given, two that differ, interrupted
 */
export async function loadPassword(request: PasswordRequest): Promise<string> {
  const { fromEnvironment, variable = 'COSIGN_PASSWORD', what, confirm, input, output } = request
  if (fromEnvironment !== undefined) return fromEnvironment
  if (input.isTTY !== true) return await readPiped(input, what, variable)
  const password = await promptPassword(`Enter the ${what}: `, input, output)
  if (confirm && (await promptPassword('Enter it again: ', input, output)) !== password) {
    throw new CodedError('usage', 'the two passwords differ')
  }
  return password
}

/** One line of a pipe. A pipe that is empty is more likely a forgotten password than the empty one. */
async function readPiped(input: PasswordInput, what: string, variable: string): Promise<string> {
  const decoder = new StringDecoder('utf8')
  let text = ''
  for await (const chunk of input) {
    text += decoder.write(Buffer.from(chunk))
    if (text.includes('\n') || text.length > maxPasswordLength) break
  }
  if (text === '') {
    throw new CodedError('usage', `no ${what}: set ${variable} (it may be empty), pipe it in, or type it at a terminal`)
  }
  const [line = ''] = text.split(/\r?\n/, 1)
  return bounded(line)
}

/**
 * Asks at a terminal without showing what is typed. Backspace, Ctrl-U and Ctrl-C do what they do elsewhere.
 *
 * @throws CodedError `usage` when interrupted by Ctrl-C, or when the terminal goes away
 */
export function promptPassword(question: string, input: PasswordInput, output: Writable): Promise<string> {
  return new Promise((resolve, reject) => {
    const decoder = new StringDecoder('utf8')
    let typed = ''
    const finish = (end: () => void) => {
      input.setRawMode?.(false)
      input.pause()
      input.off('data', read).off('end', gone).off('error', gone)
      output.write('\n')
      end()
    }
    const gone = () =>
      finish(() => reject(new CodedError('usage', 'the terminal went away before a password was typed')))
    const read = (chunk: Buffer | string) => {
      const characters = Array.from(decoder.write(Buffer.from(chunk)))
      for (const [index, character] of characters.entries()) {
        const edited = edit(typed, character)
        if (typeof edited === 'string') {
          typed = edited
          continue
        }
        const rest = characters.slice(index + 1).join('')
        finish(() => (edited.done ? resolve(typed) : reject(new CodedError('usage', 'interrupted'))))
        // What was pasted behind the line end answers the next question.
        if (rest !== '') input.unshift(Buffer.from(rest))
        return
      }
    }
    output.write(question)
    input.setRawMode?.(true)
    input.on('data', read).once('end', gone).once('error', gone)
    input.resume()
  })
}

/** What is typed so far, after one more character; or how the typing ended. */
function edit(typed: string, character: string): string | { readonly done: boolean } {
  switch (character) {
    case '\r':
    case '\n':
    case '\u0004': // Ctrl-D
      return { done: true }
    case '\u0003': // Ctrl-C, which a terminal in raw mode no longer turns into a signal
      return { done: false }
    case '\u0008':
    case '\u007f':
      return Array.from(typed).slice(0, -1).join('')
    case '\u0015': // Ctrl-U
      return ''
    default:
      return character < ' ' || typed.length >= maxPasswordLength ? typed : typed + character
  }
}

function bounded(password: string): string {
  if (password.length <= maxPasswordLength) return password
  throw new CodedError('usage', `the password has more than ${maxPasswordLength} characters`)
}
