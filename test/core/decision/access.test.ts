// Who is told what is remembered: only credentials that may read the image, or that named it by a tag just now.

import { describe, expect, test } from 'vitest'
import { accessProof } from '#core/decision/access.ts'
import type { Knowledge } from '#core/decision/inquiry.ts'
import { Inquiry } from '#core/decision/inquiry.ts'
import { parseReference } from '#core/image/reference.ts'
import { digestOf } from '../../support/memory-registry.ts'
import { toyKnowledge } from '../../support/toy-knowledge.ts'

const digest = digestOf('1')
const byTag = parseReference('registry.example.com/team/app:v1')
const byDigest = parseReference(`registry.example.com/team/app@${digest}`)
const asked = [{ kind: 'access', at: { registry: 'registry.example.com', repository: 'team/app' }, digest }]

function inquiry(parts: Partial<Knowledge> = {}): Inquiry {
  return new Inquiry(
    { ...toyKnowledge(digest, {}), about: () => undefined, mayRead: () => false, ...parts },
    { formats: [], now: 0, bystanders: [], images: 1 },
  )
}

describe('accessProof', () => {
  test.each(['repository', 'image'] as const)('is given by a tag that was resolved in this request: %s', (needed) => {
    const asking = inquiry()
    expect(accessProof(byTag, digest, needed, asking)).toEqual({ known: true, value: true })
    expect(asking.openQuestions()).toEqual([])
  })

  test('is given for the repository by having read anything there lately', () => {
    const asking = inquiry({ mayRead: ({ repository }) => repository === 'team/app' })
    expect(accessProof(byDigest, digest, 'repository', asking)).toEqual({ known: true, value: true })
    expect(asking.openQuestions()).toEqual([])
  })

  test('is asked for where nothing was read there lately', () => {
    const asking = inquiry({ mayRead: ({ repository }) => repository === 'team/other' })
    expect(accessProof(byDigest, digest, 'repository', asking)).toBeUndefined()
    expect(asking.openQuestions()).toEqual(asked)
  })

  test('is asked for where the image itself has to be readable, whatever was read there', () => {
    const asking = inquiry({ mayRead: () => true })
    expect(accessProof(byDigest, digest, 'image', asking)).toBeUndefined()
    expect(asking.openQuestions()).toEqual(asked)
  })

  test('is what the registry answered', () => {
    const refused = { known: false, code: 'access-denied', detail: 'no' } as const
    const asking = inquiry({ about: () => refused })
    expect(accessProof(byDigest, digest, 'image', asking)).toEqual(refused)
  })
})
