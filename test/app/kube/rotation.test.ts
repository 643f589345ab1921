// A year and more of rotations, by a clock that the test holds, and what would make an API server refuse us in it.

import { X509Certificate } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { defaultLifetimes, nextRotation, type RotationOptions, type RotationStep } from '#app/kube/rotation.ts'
import { bundleOf, type ServingState } from '#app/kube/serving-state.ts'

const start = Date.parse('2026-11-24T12:00:00Z')
const hour = 3_600_000
const day = 24 * hour

const options: RotationOptions = {
  names: ['sealward.trust.svc', 'sealward.trust.svc.cluster.local', '10.0.0.7', '2001:db8::7'],
  lifetimes: defaultLifetimes,
  isTrusted: () => true,
}

interface Moment {
  readonly at: number
  readonly step: RotationStep
  readonly state: ServingState
}

/** Every step until the end, looked for every `every` milliseconds. */
function run(until: number, every: number, given: Partial<RotationOptions> = {}, first?: Moment): readonly Moment[] {
  const moments: Moment[] = []
  let state = first?.state
  for (let at = first?.at ?? start; at < until; at += every) {
    for (;;) {
      const next = nextRotation(state, at, { ...options, ...given })
      if (next === undefined) break
      moments.push({ at, ...next })
      state = next.state
    }
  }
  return moments
}

function first(): ServingState {
  const made = nextRotation(undefined, start, options)
  if (made === undefined) throw new Error('nothing was made')
  return made.state
}

const leafOf = ({ leaf }: ServingState) => new X509Certificate(leaf.certPem)
const endOf = (pem: string) => new X509Certificate(pem).validToDate.getTime()
const authoritiesIn = (bundle: string) => bundle.match(/-----BEGIN[^-]*-----[^-]*-----END[^-]*-----\n/g) ?? []

describe('FT-04: the serving certificate in a cluster', () => {
  const moments = run(start + 3 * 365 * day, hour / 4)

  test('is renewed ten days before it ends, and its authority four months', () => {
    const [, second] = moments
    expect(second).toMatchObject({ step: 'certificate-renewed', at: start + 20 * day })
    const introduced = moments.find(({ step }) => step === 'authority-introduced')
    const left = (365 * day) / 3
    expect(Math.abs((introduced?.at ?? 0) - (start + 365 * day - left))).toBeLessThan(hour)
  })

  test('changes its authority in three steps, an overlap apart', () => {
    const steps = moments.filter(({ step }) => step.startsWith('authority'))
    expect(steps.slice(0, 3).map(({ step }) => step)).toEqual([
      'authority-introduced',
      'authority-signs',
      'authority-retired',
    ])
    for (const [index, each] of steps.entries()) {
      if (each.step === 'authority-introduced') continue
      expect(each.at - (steps[index - 1]?.at ?? 0)).toBeGreaterThanOrEqual(defaultLifetimes.overlap)
    }
    expect(steps.length).toBeGreaterThanOrEqual(9)
  })

  test('is never shown before its authority has been in the bundle for an overlap, nor after it has left', () => {
    for (const [index, { at, state, step }] of moments.entries()) {
      const issuer = authoritiesIn(bundleOf(state)).find((pem) =>
        leafOf(state).verify(new X509Certificate(pem).publicKey),
      )
      expect(issuer).toBeDefined()
      if (step === 'first-certificate') continue
      const before = moments.slice(0, index).findLast((each) => at - each.at >= defaultLifetimes.overlap)
      if (step === 'authority-signs') expect(bundleOf(before?.state ?? state)).toContain(issuer)
      // And what another replica may still show is trusted, too.
      const shownElsewhere = moments[index - 1]?.state ?? state
      if (step !== 'authority-retired')
        expect(
          authoritiesIn(bundleOf(state)).some((pem) =>
            leafOf(shownElsewhere).verify(new X509Certificate(pem).publicKey),
          ),
        ).toBe(true)
    }
  })

  test('has never ended, nor has an authority of it', () => {
    for (const [index, { state }] of moments.entries()) {
      const next = moments[index + 1]?.at ?? start + 3 * 365 * day
      expect(leafOf(state).validToDate.getTime()).toBeGreaterThan(next)
      expect(endOf(state.authority.certPem)).toBeGreaterThanOrEqual(leafOf(state).validToDate.getTime())
      expect(endOf(state.authority.certPem)).toBeGreaterThan(next)
    }
  })

  test('waits with a new authority until the configurations trust it', () => {
    const due = run(start + 300 * day, day, { isTrusted: () => false })
    expect(due.map(({ step }) => step)).toContain('authority-introduced')
    expect(due.map(({ step }) => step)).not.toContain('authority-signs')
    expect(due.at(-1)?.step).toBe('certificate-renewed')
    const asked: string[] = []
    const last = due.at(-1)
    if (last === undefined) throw new Error('nothing happened')
    const isTrusted = (certPem: string) => asked.push(certPem) > 0
    expect(run(last.at + 1, 1, { isTrusted }, last)[0]?.step).toBe('authority-signs')
    expect(asked[0]).toBe(last.state.exchange?.kind === 'coming' ? last.state.exchange.authority.certPem : '')
  })

  test('neighbour: does not wait when the old authority has ended, because nothing can get worse', () => {
    const introduced = moments.find(({ step }) => step === 'authority-introduced')
    const at = endOf(introduced?.state.authority.certPem ?? '')
    const given = { ...options, isTrusted: () => false }
    expect(nextRotation(introduced?.state, at - 1_000, given)?.step).not.toBe('authority-signs')
    expect(nextRotation(introduced?.state, at, given)?.step).toBe('authority-signs')
  })

  test('begins anew when nobody was there while the authority ended', () => {
    expect(nextRotation(first(), start + 366 * day, options)?.step).toBe('first-certificate')
  })

  test('never outlives its authority, and is not renewed over and over for that', () => {
    const lifetimes = { authority: 25 * day, leaf: 30 * day, overlap: hour }
    const short = run(start + 200 * day, hour, { lifetimes })
    for (const { state } of short) {
      expect(leafOf(state).validToDate.getTime()).toBeLessThanOrEqual(endOf(state.authority.certPem))
    }
    expect(short.length).toBeLessThan(60)
  })

  test('is renewed as early as it is told', () => {
    const lifetimes = { ...defaultLifetimes, leaf: 3 * day }
    expect(run(start + 10 * day, hour, { lifetimes }).map(({ at }) => at - start)).toEqual(
      [0, 2, 4, 6, 8].map((n) => n * day),
    )
  })
})

describe('the names in it', () => {
  test('are those by which the API server reaches us', () => {
    const leaf = leafOf(first())
    expect(leaf.checkHost('sealward.trust.svc')).toBeDefined()
    expect(leaf.checkIP('2001:db8::7')).toBeDefined()
    expect(leaf.checkHost('other.trust.svc')).toBeUndefined()
    expect(nextRotation(first(), start + day, options)).toBeUndefined()
  })

  test('are completed when one is missing, and those of another replica stay', () => {
    const names = ['hook.example.com', 'sealward.trust.svc']
    const next = nextRotation(first(), start + day, { ...options, names })
    expect(next?.step).toBe('certificate-renewed')
    const leaf = leafOf(next?.state ?? first())
    expect(leaf.checkHost('hook.example.com')).toBeDefined()
    expect(leaf.checkIP('2001:db8::7')).toBeDefined()
    expect(nextRotation(next?.state, start + day, options)).toBeUndefined()
    const later = nextRotation(next?.state, start + 22 * day, { ...options, names })
    expect(leafOf(later?.state ?? first()).checkIP('2001:db8::7')).toBeUndefined()
  })
})
