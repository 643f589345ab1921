// What one row of the threat list says. `rows.ts` joins them, `docs/threats.md` is made from them, and a test insists
// that each of them is tested.

export interface ThreatRow {
  /** `RG-02`: the group and a number. It never changes and is never used again. */
  readonly id: string
  readonly attack: string
  /** What has to happen instead. */
  readonly outcome: string
  /** Part of it needs a cluster, or a running installation, and is not tested here: what remains. */
  readonly remains?: string
  /** It has no complete tests yet. The list of these can only shrink. */
  readonly awaited?: true
}
