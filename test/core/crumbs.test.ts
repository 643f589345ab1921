import { describe, expect, test } from 'vitest'
import { crumbCounter } from '#core/crumbs.ts'

describe('a counter of crumbs', () => {
  const firstCrumb = (pieces: number, length: number) => {
    const isCrumbled = crumbCounter()
    return Array.from({ length: pieces }, () => isCrumbled({ length })).indexOf(true)
  }

  test('looks away from the first thousand pieces', () => {
    expect(firstCrumb(1_000, 1)).toBe(-1)
    expect(firstCrumb(1_001, 1)).toBe(1_000)
  })

  test('then wants 256 bytes a piece on average', () => {
    expect(firstCrumb(5_000, 256)).toBe(-1)
    expect(firstCrumb(5_000, 255)).toBe(1_000)
  })
})
