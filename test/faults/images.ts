// Images of which it is known whether somebody signed them: some that are asked for again and again, and new ones.

import type { BenchImage, BenchKey } from '../../bench/signed-images.ts'
import { newKey, signedImage } from '../../bench/signed-images.ts'
import type { FaultyRegistry } from './registry.ts'

export interface TestImage extends BenchImage {
  readonly isSigned: boolean
}

/** One Pod to be asked about, and the truth about its image. */
export interface Shot {
  readonly image: string
  readonly digest: string
  readonly isSigned: boolean
  readonly isTagged: boolean
}

export interface Images {
  readonly key: BenchKey
  /** Signed and unsigned, by tag and by digest, known and new, in turn. */
  next(): Shot
  /** Of an image that nobody has asked for. */
  fresh(isSigned: boolean, isTagged: boolean): Shot
}

/** A strange key signs half of what the right one did not sign: its layers are there, and do not count. */
export function imagesIn(registry: FaultyRegistry): Images {
  const [key, stranger] = [newKey(), newKey()]
  let made = 0
  let shots = 0
  const make = (isSigned: boolean): TestImage => {
    made++
    const keys = isSigned ? [key] : made % 2 === 0 ? [stranger] : []
    const image = { ...signedImage(`shop/app-${made}`, 'v1', { keys }), isSigned }
    registry.put(image)
    return image
  }
  const known = { signed: [0, 1, 2].map(() => make(true)), unsigned: [0, 1, 2].map(() => make(false)) }
  const shotAt = ({ repository, tag, digest, isSigned }: TestImage, isTagged: boolean): Shot => {
    const name = `${registry.host}/${repository}`
    return { image: isTagged ? `${name}:${tag}` : `${name}@${digest}`, digest, isSigned, isTagged }
  }
  const fresh = (isSigned: boolean, isTagged: boolean) => shotAt(make(isSigned), isTagged)
  return {
    key,
    fresh,
    next() {
      const shot = shots++
      const [isSigned, isTagged, isFresh] = [shot % 2 === 0, shot % 4 < 2, shot % 8 < 4]
      if (isFresh) return fresh(isSigned, isTagged)
      const some = isSigned ? known.signed : known.unsigned
      const image = some[shot % some.length]
      if (image === undefined) throw new Error('there are no known images')
      return shotAt(image, isTagged)
    },
  }
}
