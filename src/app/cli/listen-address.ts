// Reads `--listen HOST:PORT`.

import { isIP } from 'node:net'
import { printable } from '#core/encoding/printable.ts'
import { CodedError } from '#core/errors.ts'

export interface ListenAddress {
  readonly host: string
  /** 0: any free one. */
  readonly port: number
}

/** @throws CodedError `usage` */
export function listenAddress(text: string): ListenAddress {
  const [, bracketed, plain, digits = ''] = /^(?:\[([0-9A-Fa-f:.]+)\]|([^\s:[\]]+)):(\d{1,5})$/.exec(text) ?? []
  const host = bracketed ?? plain
  const port = Number(digits)
  if (host !== undefined && port <= 65_535) return { host, port }
  throw new CodedError(
    'usage',
    `--listen ${printable(text, 100)}: write HOST:PORT, such as 127.0.0.1:8443 or [::]:8443`,
  )
}

/** The names that a certificate of our own for this address should have. */
export function namesFor({ host }: ListenAddress): readonly string[] {
  const isEverywhere = host === '0.0.0.0' || host === '::'
  return [
    ...new Set([
      'localhost',
      '127.0.0.1',
      ...(isEverywhere || isIP(host) === 6 ? ['::1'] : []),
      ...(isEverywhere ? [] : [host]),
    ]),
  ]
}
