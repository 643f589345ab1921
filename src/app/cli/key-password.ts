// Asks for the password of a key file, for every command that opens or makes one.

import { Writable } from 'node:stream'
import { loadPassword } from '#io/keys/password.ts'
import type { CommandContext } from './command.ts'

export interface KeyPassword {
  /** The variable that may hold it. */
  readonly variable: 'COSIGN_PASSWORD' | 'IMPORT_PASSWORD'
  /** "password for cosign.key" */
  readonly what: string
  /** For a key that is being made: typed twice. */
  readonly confirm?: boolean
}

/** From the environment, a pipe, or a person, who types it unseen. @throws CodedError `usage` */
export function askKeyPassword(asked: KeyPassword, context: CommandContext): Promise<string> {
  const output = new Writable({
    write(chunk, _encoding, done) {
      context.stderr.write(String(chunk))
      done()
    },
  })
  const { variable, what, confirm = false } = asked
  return loadPassword({ fromEnvironment: context.env[variable], variable, what, confirm, input: context.stdin, output })
}
