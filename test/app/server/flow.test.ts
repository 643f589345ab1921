import { describe, expect, test } from 'vitest'
import { weightOfImages } from '#app/server/flow.ts'
import { podRequest } from '../../support/pods.ts'

const names = (count: number) => Array.from({ length: count }, (_, index) => `r.example.com/app${index}`)
const image = 4 * 1024

const kind = { group: '', version: 'v1', kind: 'Pod' }
const pod = (spec: unknown) => weightOfImages({ ...podRequest([]), kind, object: { spec } })

describe('AD-16: the weight of a request', () => {
  test('grows with its images', () => {
    expect(weightOfImages(podRequest(names(17)))).toBe(17 * image)
    expect(weightOfImages(podRequest(names(1_400)))).toBe(1_400 * image)
  })

  test('neighbour: is nothing for as many as real objects have', () => {
    expect(weightOfImages(podRequest(names(16)))).toBe(0)
  })

  test('counts every list that may hold images', () => {
    const some = names(6).map((text) => ({ image: text }))
    const volumes = names(6).map((reference) => ({ image: { reference } }))
    expect(pod({ containers: some, initContainers: some, ephemeralContainers: some })).toBe(18 * image)
    expect(pod({ containers: some, initContainers: some, volumes })).toBe(18 * image)
    expect(pod({ containers: some, initContainers: some, volumes: names(6).map(() => ({ secret: {} })) })).toBe(0)
  })

  test('counts the templates of kinds that nobody knows', () => {
    const spec = { template: { spec: { containers: names(17).map((text) => ({ image: text })) } } }
    const unknown = { group: 'example.com', version: 'v1', kind: 'Fleet' }
    expect(weightOfImages({ ...podRequest([]), kind: unknown, object: { spec } })).toBe(17 * image)
  })

  test('leaves room for the largest object beside nobody', () => {
    expect(weightOfImages(podRequest(names(9_000)))).toBe(16 * 1024 * 1024)
  })

  test.each([null, 'text', [], { spec: null }, { spec: { containers: 'many' } }])('is nothing for %j', (object) => {
    expect(weightOfImages({ ...podRequest([]), object })).toBe(0)
  })
})
