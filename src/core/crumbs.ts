// Bodies that come in many small pieces, from a client or from a registry. Each piece costs a callback, however little is in
// it, so a bound of bytes alone lets a sender of one-byte chunks keep the event loop from everybody else.

/** A real sender is through with most bodies by then, whatever its network makes of them. */
const unlooked = 1_000

/** TLS sends records of a KiB and more, and cuts only the last one of what was written short. */
const honestPieceBytes = 256

/** Is told of each piece of one body. @returns whether its sender is crumbling it */
export function crumbCounter(): (piece: { readonly length: number }) => boolean {
  let pieces = 0
  let bytes = 0
  return ({ length }) => {
    pieces += 1
    bytes += length
    return pieces > unlooked && bytes < pieces * honestPieceBytes
  }
}
