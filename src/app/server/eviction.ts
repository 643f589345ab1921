// Which connection goes when there are too many: never one whose request is being answered, unless it does not take what
// was answered. Behind a load balancer all connections come from one address, so what a connection does counts before where
// it comes from.

/**
 * `idle`: no request, or not even the whole of its headers. `sending`: the body is still to come. `unread`: the answer is
 * written, and the other side does not take it.
 */
export type Doing = 'handshake' | 'idle' | 'sending' | 'answering' | 'unread'

export interface Candidate {
  readonly address: string
  readonly doing: Doing
  /** Since when, in milliseconds. */
  readonly since: number
}

/** A TLS handshake takes two round trips and a few milliseconds of work. */
const honestHandshakeMs = 1_000

/** The largest answer is a few round trips long; a reader that has been silent for longer does not read. */
const honestReadMs = 1_000

/** Handshakes beyond this share of all places are a flood; below it, a newcomer is left the time for its own. */
const handshakeShare = 0.25

/** Never so few that two API servers which connect at once count as one. */
const fewHandshakes = 8

/** @param now on the clock of `since` */
export function chooseVictim<C extends Candidate>(all: readonly C[], limit: number, now: number): C | undefined {
  const handshakes = all.filter(({ doing }) => doing === 'handshake')
  const stuck = handshakes.filter(({ since }) => now - since > honestHandshakeMs)
  const flood = handshakes.length > Math.max(limit * handshakeShare, fewHandshakes) ? handshakes : []
  const idle = all.filter(({ doing }) => doing === 'idle')
  const sending = all.filter(({ doing }) => doing === 'sending')
  const unread = all.filter(({ doing, since }) => doing === 'unread' && now - since > honestReadMs)
  const goesFirst = [unread, stuck, flood, idle, sending, handshakes].find((some) => some.length > 0)
  return goesFirst === undefined ? undefined : longestOfMost(goesFirst)
}

/** The one that has done so for longest, of the address that has most of them. */
function longestOfMost<C extends Candidate>(some: readonly C[]): C | undefined {
  const counts = new Map<string, number>()
  for (const { address } of some) counts.set(address, (counts.get(address) ?? 0) + 1)
  const most = Math.max(...counts.values())
  let longest: C | undefined
  for (const each of some) {
    if (counts.get(each.address) === most && (longest === undefined || each.since < longest.since)) longest = each
  }
  return longest
}
