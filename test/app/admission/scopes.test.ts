// Which policies an object falls under, where somebody would like it to be none.

import { describe, expect, test } from 'vitest'
import { nameGlob } from '#core/policy/read-match.ts'
import { defaultExempt } from '#core/policy/set.ts'
import { admission, bad, good, pod, release } from '../../support/admission.ts'
import { anything, policy, rule, signed as signedBy } from '../../support/policies.ts'

const unsigned = { containers: [{ name: 'main', image: bad }] }
const signed = { containers: [{ name: 'main', image: good }] }
const lax = (parts = {}) => policy('lax', [rule(anything)], parts)

describe('AD-09: a tenant writes policies for its own namespace', () => {
  test.each([
    ['that accepts anything', lax({ namespace: 'prod' })],
    ['that accepts what it does not name', policy('ours', [], { namespace: 'prod', otherwise: 'Accept' })],
    ['that only warns', lax({ namespace: 'prod', mode: 'Warn' })],
    [
      'that never pins and admits what cannot be told',
      lax({ namespace: 'prod', pin: 'InsecureNever', whenUndetermined: 'InsecureAdmit' }),
    ],
    ['with a more specific pattern', policy('ours', [rule(anything, { images: [bad] })], { namespace: 'prod' })],
  ])('%s: what the cluster demands stays', async (_, theirs) => {
    const { mutated } = admission([release(), theirs])
    expect(await mutated(pod(unsigned))).toMatch(/^denied signature-missing/)
  })

  test('the strictest of two that overlap wins, in whichever order they come', async () => {
    for (const policies of [
      [release(), lax()],
      [lax(), release()],
    ]) {
      expect(await admission(policies).mutated(pod(unsigned))).toMatch(/^denied signature-missing/)
    }
  })

  test('a policy of another namespace says nothing here', async () => {
    const elsewhere = policy('theirs', [rule(signedBy('other'))], { namespace: 'elsewhere' })
    expect(await admission([elsewhere]).mutated(pod(unsigned))).toBe('allowed')
    expect(await admission([release(), elsewhere]).mutated(pod(unsigned))).toMatch(/^denied signature-missing/)
  })

  test('neighbour: it may demand more, and an image that fulfils both is pinned', async () => {
    const more = (by: string) => policy('ours', [rule(signedBy(by))], { namespace: 'prod' })
    expect(await admission([release(), more('release')]).mutated(pod(signed))).toBe('patched')
    expect(await admission([release(), more('other')]).mutated(pod(signed))).toMatch(/^denied signature-by-stranger/)
  })
})

describe('AD-10: a policy selects namespaces by label', () => {
  const bySelector = release({
    match: { excludeNamespaces: [], namespaceSelector: { matchLabels: { signed: 'required' }, matchExpressions: [] } },
  })
  const labelled = (labels: Record<string, string>) => ({ namespaces: [{ name: 'prod', labels }] })

  test('whose labels nobody knows: denied, and said so', async () => {
    for (const spec of [unsigned, signed]) {
      expect(await admission([bySelector]).mutated(pod(spec))).toMatch(/^denied namespace-labels-unknown/)
    }
  })

  test('and the namespace has the label: denied', async () => {
    const { mutated } = admission([bySelector], labelled({ signed: 'required' }))
    expect(await mutated(pod(unsigned))).toMatch(/^denied signature-missing/)
  })

  test('labels that the object gives itself do not count as those of its namespace', async () => {
    const { mutated } = admission([bySelector], labelled({ signed: 'required' }))
    expect(await mutated(pod(unsigned, {}, { labels: { signed: 'no' } }))).toMatch(/^denied signature-missing/)
  })

  test('the name of a namespace, which no tenant can change, selects as well', async () => {
    const byName = release({
      match: {
        excludeNamespaces: [],
        namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'prod' }, matchExpressions: [] },
      },
    })
    const known = labelled({ 'kubernetes.io/metadata.name': 'prod' })
    expect(await admission([byName], known).mutated(pod(unsigned))).toMatch(/^denied signature-missing/)
  })

  test('neighbour: a namespace that is known to lack the label is left alone', async () => {
    const { mutated, seen } = admission([bySelector], labelled({ signed: 'no' }))
    expect(await mutated(pod(unsigned))).toBe('allowed')
    expect(seen).toMatchObject([{ leftAlone: 'no-policy' }])
  })
})

describe('PC-06: an image that no rule covers', () => {
  const other = (parts = {}) =>
    policy('production', [rule(signedBy('release'), { images: ['other.example/**'] })], parts)

  test('is denied, where no policy says otherwise', async () => {
    for (const spec of [unsigned, signed]) {
      expect(await admission([other()]).mutated(pod(spec))).toMatch(/^denied no-rule/)
      expect(await admission([other(), lax({ mode: 'Audit' })]).mutated(pod(spec))).toMatch(/^denied no-rule/)
    }
  })

  test('is denied though one of two policies accepts it', async () => {
    const policies = [other(), policy('open', [], { otherwise: 'Accept' })]
    expect(await admission(policies).mutated(pod(unsigned))).toMatch(/^denied no-rule/)
  })

  test('neighbour: is let pass by a policy that accepts it, which is said', async () => {
    const { mutate } = admission([other({ otherwise: 'Accept' })])
    const verdicts = expect.stringContaining('accepted')
    expect(await mutate(pod(unsigned))).toMatchObject({ outcome: 'allowed', auditAnnotations: { verdicts } })
  })
})

describe('AD-11: a namespace that is exempt, so that the cluster can start', () => {
  test.each([
    'kube-system2',
    'x-kube-system',
    'Kube-System',
    'kube-system ',
    'kube',
    'sealward-system',
    'sealward.',
    '',
  ])('%j is none: denied', async (namespace) => {
    expect(await admission().mutated(pod(unsigned, { namespace }))).toMatch(/^denied signature-missing/)
  })

  test.each(defaultExempt)('%s is judged all the same by a policy that names it', async (namespace) => {
    const named = release({ match: { excludeNamespaces: [], namespaces: [nameGlob(namespace)] } })
    expect(await admission([named]).mutated(pod(unsigned, { namespace }))).toMatch(/^denied signature-missing/)
  })

  test('an object that says it is of such a namespace is judged by where it is sent', async () => {
    const said = await admission().mutated(pod(unsigned, { namespace: 'prod' }, { namespace: 'kube-system' }))
    expect(said).toMatch(/^denied signature-missing/)
  })

  test.each(defaultExempt)('neighbour: in %s an unsigned Pod starts, and is counted', async (namespace) => {
    const { mutated, seen } = admission()
    expect(await mutated(pod(unsigned, { namespace }))).toBe('allowed')
    expect(seen).toMatchObject([{ leftAlone: 'no-policy' }])
  })
})
