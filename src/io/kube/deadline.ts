// When a request to the API server has to be given up: its own time is over, or whoever asked does not wait any longer.

export class Deadline {
  readonly #ending = new AbortController()
  readonly #asking: AbortSignal | undefined
  #timer: NodeJS.Timeout | undefined

  /** @param asking of whoever waits for the answer */
  constructor(asking?: AbortSignal) {
    this.#asking = asking
    if (asking?.aborted) this.#stop()
    else asking?.addEventListener('abort', this.#stop)
  }

  get signal(): AbortSignal {
    return this.#ending.signal
  }

  /** From now on; in place of what was set before. */
  within(ms: number, why: string): void {
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => this.#ending.abort(new Error(why)), ms)
  }

  /** For work that hears of no signal. */
  async race<T>(work: Promise<T>): Promise<T> {
    const { signal } = this
    signal.throwIfAborted()
    const over = Promise.withResolvers<never>()
    const stop = () => over.reject(signal.reason)
    signal.addEventListener('abort', stop)
    try {
      return await Promise.race([work, over.promise])
    } finally {
      signal.removeEventListener('abort', stop)
    }
  }

  /** Nothing of it is left. */
  end(): void {
    clearTimeout(this.#timer)
    this.#asking?.removeEventListener('abort', this.#stop)
  }

  readonly #stop = (): void => this.#ending.abort(this.#asking?.reason)
}
