// Bounded room that namespaces share: where it is full, the least recently used of the namespace that takes most leaves. So
// nobody who may make Pods in one namespace pushes out what others use.

export interface Lodger {
  readonly namespace: string
  /** It has been put out. */
  leave(): void
}

export interface RoomLimits {
  readonly lodgers: number
  readonly bytes: number
}

interface Share {
  /** By size, the least recently used first. */
  readonly lodgers: Map<Lodger, number>
  bytes: number
}

/** What one takes besides what it holds: a connection and its buffers. */
const bytesEach = 16 * 1024

export class SharedRoom {
  readonly #limits: RoomLimits
  readonly #shares = new Map<string, Share>()
  #lodgers = 0
  #bytes = 0

  constructor(limits: RoomLimits) {
    this.#limits = limits
  }

  /** Comes in, is used, or has become larger or smaller; others may have to leave. */
  keep(lodger: Lodger, bytes: number): void {
    this.remove(lodger)
    const share = this.#shares.get(lodger.namespace) ?? { lodgers: new Map<Lodger, number>(), bytes: 0 }
    this.#shares.set(lodger.namespace, share)
    share.lodgers.set(lodger, bytes + bytesEach)
    share.bytes += bytes + bytesEach
    this.#bytes += bytes + bytesEach
    this.#lodgers += 1
    while (this.#lodgers > this.#limits.lodgers || this.#bytes > this.#limits.bytes) this.#putOut()
  }

  remove(lodger: Lodger): void {
    const share = this.#shares.get(lodger.namespace)
    const bytes = share?.lodgers.get(lodger)
    if (share === undefined || bytes === undefined) return
    share.lodgers.delete(lodger)
    share.bytes -= bytes
    if (share.lodgers.size === 0) this.#shares.delete(lodger.namespace)
    this.#bytes -= bytes
    this.#lodgers -= 1
  }

  #putOut(): void {
    let most: Share | undefined
    for (const share of this.#shares.values()) if (most === undefined || share.bytes > most.bytes) most = share
    for (const lodger of most?.lodgers.keys() ?? []) {
      this.remove(lodger)
      lodger.leave()
      return
    }
  }
}
