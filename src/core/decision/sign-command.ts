// The command that would cure a denial, ready to be pasted into a shell.

import type { Digest } from '#core/image/digest.ts'
import { toDigest } from '#core/image/digest.ts'
import { pinnedText } from '#core/image/pin.ts'

/**
 * @param reference normalised, or as written where it is none
 * @param options.digest what to sign; a tag may have moved since
 */
export function signCommand(
  reference: string,
  options: {
    readonly digest: string | undefined
    readonly annotations: Readonly<Record<string, string>>
    readonly recursive: boolean
  },
): string {
  const { annotations, recursive } = options
  const digest = toDigest(options.digest ?? '')
  const words = ['sealward', 'sign', '--key', 'KEY']
  if (recursive) words.push('--recursive')
  for (const [name, value] of Object.entries(annotations)) words.push('-a', `${name}=${value}`)
  words.push(digest === undefined ? reference : byDigest(reference, digest))
  return words.map(shellWord).join(' ')
}

function byDigest(reference: string, digest: Digest): string {
  const at = reference.indexOf('@')
  return pinnedText(at === -1 ? reference : reference.slice(0, at), digest, 'Digest')
}

/** As POSIX shells quote. */
function shellWord(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`
}
