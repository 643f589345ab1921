// Keeps connections away from where nothing from outside may send us. A host that is an address is judged before the
// connection, a name by every address that it resolves to, and the socket gets exactly those.

import type { LookupAddress, LookupAllOptions } from 'node:dns'
import type { LookupFunction } from 'node:net'
import { CodedError } from '#core/errors.ts'
import { type AddressKind, addressKind, hostKind } from './address.ts'
import type { Reach } from './message.ts'

export type Resolve = (
  hostname: string,
  options: LookupAllOptions,
  done: (error: NodeJS.ErrnoException | null, addresses: LookupAddress[]) => void,
) => void

/**
 * Hosts that are addresses or known names never reach the resolver, so they are judged here.
 *
 * @throws CodedError `address-refused`
 */
export function guardHost(url: URL, reach: Reach): void {
  const kind = hostKind(url.hostname)
  const refusal = kind === undefined ? undefined : refusalOf(kind, url.hostname, reach)
  if (refusal !== undefined) throw refusal
}

/** Judges every address of a name, and hands exactly those on to the socket: what was judged is what is connected to. */
export function guardedLookup(reach: Reach, resolve: Resolve): LookupFunction {
  return (hostname, options, done) => {
    resolve(hostname, { ...options, all: true }, (error, addresses) => {
      if (error !== null) return done(error, [])
      const refusals = addresses.map(({ address }) =>
        refusalOf(addressKind(address) ?? 'forbidden', `${hostname} (${address})`, reach),
      )
      const refusal = refusals.find((each) => each !== undefined)
      if (refusal !== undefined) return done(refusal, [])
      if (options.all) return done(null, addresses)
      const [first] = addresses
      done(null, first?.address ?? '', first?.family)
    })
  }
}

function refusalOf(kind: AddressKind, host: string, reach: Reach): CodedError | undefined {
  if (kind === 'forbidden') {
    return new CodedError('address-refused', `${host} is a link-local, multicast or metadata address`)
  }
  if (kind === 'local' && reach === 'public') {
    return new CodedError('address-refused', `${host} is a private or loopback address`)
  }
  return undefined
}
