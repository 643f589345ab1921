// Image references: what is read is written back as itself, and a digest, tag and host are what the text says they are.

import { readFileSync } from 'node:fs'
import { isDeepStrictEqual } from 'node:util'
import { formatReference, parseReference } from '#core/image/reference.ts'
import { partsOf, textOf } from '../case.ts'
import { must, reading, type Target } from '../target.ts'

const written: unknown = JSON.parse(
  readFileSync(new URL('../../vectors/references/distribution.json', import.meta.url), 'utf8'),
)

/** Every text in the vectors. */
function textsIn(value: unknown): readonly string[] {
  if (typeof value === 'string') return [value]
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(textsIn) : []
}

const ours = [
  'nginx',
  'registry.example.com/team/app:v1',
  `registry.example.com:5000/team/app:v1@sha256:${'a'.repeat(64)}`,
  '[::1]:5000/a/b',
  'LOCALHOST/a',
  'docker.io/library/nginx:1',
]

export const reference: Target = {
  name: 'reference',
  about: 'image references',
  syntax: {},
  dictionary: [
    'sha256:',
    'sha512:',
    'index.docker.io/',
    'library/',
    ':443',
    ':5000',
    'localhost',
    'xn--',
    '[::1]',
    '%2f',
    '__',
    '--',
    'latest',
    '@',
  ],
  open: () => ({
    seeds: Object.fromEntries([...new Set([...ours, ...textsIn(written)])].map((text) => [text, partsOf({ text })])),
    run: (parts) => {
      const text = textOf(parts['text'])
      const read = reading(() => parseReference(text))
      if (read.code !== undefined) return read.code
      const { text: _, ...parsed } = read.value
      const { text: __, ...reparsed } = parseReference(formatReference(parsed))
      must(isDeepStrictEqual(parsed, reparsed), 'a reference is another one when it is written out')
      must(/^[\x21-\x7e]+$/.test(text), 'a reference with invisible characters was accepted')
      must((parsed.digest === undefined) === !text.includes('@'), 'a digest was lost or invented')
      must(
        parsed.digest === undefined || text.endsWith(`@${parsed.digest}`),
        'the digest is not the one that is written',
      )
      must(parsed.tag === undefined || text.includes(`:${parsed.tag}`), 'the tag is not the one that is written')
      must(
        text.toLowerCase().includes(parsed.repository.replace(/^library\//, '')),
        'the repository is not in the text',
      )
      return Object.keys(parsed).join(' ')
    },
  }),
}
