// A user name and a password before the host of what should have been an image name. No image has them, and such a text is
// refused; but it was pasted from somewhere, the password is a true one, and the text goes into messages, logs and records.

/** In place of the user part. It is one itself, so that whoever reads the text again refuses it for the same reason. */
const shown = '***:***'

/** More than any image name has: of longer texts nothing is shown that stands before an `@`. */
const longestName = 4096

/** The text without its user part, for everything that is shown or kept. A valid reference stays as it is. */
export function withoutUserPart(text: string): string {
  const end = endOfUserPart(text)
  if (end < 0) return text
  const scheme = /^[A-Za-z]+:\/\//.exec(text)?.[0] ?? ''
  return `${scheme}${shown}${text.slice(end)}`
}

/**
 * The offset of the `@` that ends a user part; -1 if there is none. Since a password may hold a `/` or an `@` itself, every
 * `@` is one that begins no digest, and has a path after it, or a scheme or `name:` before it, if that is no host with its
 * port. What is left are slips such as `app@v1` and `host:5000/app@v1`.
 */
export function endOfUserPart(text: string): number {
  let at = text.lastIndexOf('@')
  if (text.length > longestName) return at
  const colon = text.indexOf(':')
  const slash = text.indexOf('/')
  const scheme = text.indexOf('//')
  const lastSlash = text.lastIndexOf('/')
  for (; at >= 0; at = at === 0 ? -1 : text.lastIndexOf('@', at - 1)) {
    const hasScheme = scheme >= 0 && scheme < at
    const hasName = colon >= 0 && colon < at && (slash < 0 || at < slash || isNoPort(text.slice(colon + 1, slash)))
    if ((at < lastSlash || hasScheme || hasName) && !beginsDigest(text.slice(at + 1))) return at
  }
  return -1
}

/** Between a host and its path stands `5000`; what ends a user part before the path is found by itself. */
function isNoPort(text: string): boolean {
  return /[^0-9]/.test(text) && !text.includes('@')
}

/** No host is called so. */
function beginsDigest(text: string): boolean {
  return /^sha[0-9]+:/.test(text)
}
