// The CustomResourceDefinitions of the kinds that this version acts on, as the files of `deploy/crds/`.

import { stringify } from 'yaml'
import { kinds } from '#core/policy/schema.ts'
import { definitionOf } from './crds/definition.ts'

const head = '# Made by npm run docs from the words of the policy language.\n'

/** File names with their texts. */
export function renderCrds(): Readonly<Record<string, string>> {
  const readable = Object.entries(kinds).filter(([, kind]) => kind.spec !== undefined)
  return Object.fromEntries(
    readable.map(([name, kind]) => [
      `${name.toLowerCase()}.yaml`,
      head + stringify(definitionOf(name, kind), { lineWidth: 120, aliasDuplicateObjects: false }),
    ]),
  )
}
