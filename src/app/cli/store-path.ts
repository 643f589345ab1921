// `--store` of the commands and of `serve`: one file, or a folder that holds it.

import { CodedError } from '#core/errors.ts'
import { storeFile } from '#io/store/database.ts'
import type { Args } from './command.ts'

/** @throws CodedError `usage`; @returns the file, if one was named */
export function storeOf(args: Args): string | undefined {
  const path = args.text('store')
  if (path === undefined) return undefined
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(path)) {
    throw new CodedError('usage', '--store takes a file or a folder; databases elsewhere are not supported yet')
  }
  if (path === '') throw new CodedError('usage', '--store needs a file or a folder')
  return storeFile(path)
}

/** @throws CodedError `usage` */
export function requiredStore(args: Args): string {
  const file = storeOf(args)
  if (file !== undefined) return file
  throw new CodedError('usage', 'name the store: --store FILE or FOLDER, as serve was given it')
}
