// The words of a DenyList; see `schema.ts`.

import type { ObjectShape } from './shape.ts'
import { later, list, object, text } from './shape.ts'
import { fingerprint, imageDigest, line } from './text-formats.ts'

/** 300 KiB of digests: a quarter of what an object in a cluster may be. Longer lists are split. */
export const maxDigests = 4_096
/** An organisation that has lost more keys than these asks for its keys anew. */
export const maxKeys = 1_024

/** A sentence or two. */
export const maxReason = 1024

export const denyListSpec: ObjectShape = object(
  {
    digests: {
      doc: 'Images that are refused, by the digest of the image or index, or of one image in an index that is judged with it.',
      shape: list(text(imageDigest, 135), { min: 1, max: maxDigests, distinct: true }),
    },
    keys: {
      doc: 'Keys by which no signature counts, whatever attestor has them: SHA-256 of the public key (SubjectPublicKeyInfo), in hex.',
      shape: list(text(fingerprint, 64), { min: 1, max: maxKeys, distinct: true }),
    },
    identities: later('Keyless identities by which no signature counts.', 'list'),
    reason: { doc: 'Why; whoever is refused reads it.', shape: text(line, maxReason), required: true },
  },
  {
    together: [
      {
        rule: 'has(self.digests) || has(self.keys) || has(self.identities)',
        message: 'needs digests or keys',
      },
    ],
  },
)
