import type { Digest } from './digest.ts'

export interface ImageReference {
  /** As it was written. */
  readonly text: string
  /** Host with port if any, normalised: `docker.io`, `127.0.0.1:5000`, `[::1]:5000`. */
  readonly registry: string
  /** Path inside the registry, normalised: `library/alpine`. */
  readonly repository: string
  readonly tag?: string
  readonly digest?: Digest
}
