// Values of the chart, by their paths: `image.tag` is the member `tag` of `image`.

/** What can be set by itself. */
export function leaves(value: unknown, path = ''): readonly string[] {
  const isBranch = typeof value === 'object' && value !== null && !Array.isArray(value) && Object.keys(value).length > 0
  if (!isBranch) return [path]
  return Object.entries(value).flatMap(([name, member]) => leaves(member, path === '' ? name : `${path}.${name}`))
}

/** Those beside it, with this one set. */
export function setting(path: string, set: unknown, beside: object): object {
  const [name = '', ...rest] = path.split('.')
  const members: Readonly<Record<string, unknown>> = { ...beside }
  const below = members[name]
  const inner = typeof below === 'object' && below !== null && !Array.isArray(below) ? below : {}
  return { ...members, [name]: rest.length === 0 ? set : setting(rest.join('.'), set, inner) }
}
