// What is wrong with a store, named up to a bound: of ten thousand changed entries nobody reads the last.

export interface ChainFinding {
  /**
   * `changed`, `missing`, `unreadable`: an entry. `outside`: one that the chain does not cover. `judgement`: one that
   * entries name. `anchor`: where the chain begins. `head`: not what was noted elsewhere. `file`: the database itself.
   * `log`: what was written last and is not in the database yet.
   */
  readonly kind: 'changed' | 'missing' | 'unreadable' | 'outside' | 'judgement' | 'anchor' | 'head' | 'file' | 'log'
  readonly seq?: number
  readonly id?: string
  readonly message: string
}

const maxNamed = 50

export class Findings {
  readonly named: ChainFinding[] = []
  count = 0

  add(finding: ChainFinding): void {
    this.count += 1
    if (this.named.length < maxNamed) this.named.push(finding)
  }

  get isFull(): boolean {
    return this.named.length >= maxNamed
  }

  missing(from: number, to: number): void {
    const message = from === to ? `entry ${from} is missing` : `entries ${from} to ${to} are missing`
    this.add({ kind: 'missing', seq: from, message })
  }
}
