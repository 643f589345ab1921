import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { allowed, allowedWithPatch, answer, denied } from '#core/admission/answer.ts'

const v1 = { apiVersion: 'admission.k8s.io/v1', uid: 'u-1' } as const
const v1beta1 = { apiVersion: 'admission.k8s.io/v1beta1', uid: 'u-1' } as const
const runes = (text: string) => [...text].length

describe('answer', () => {
  test('allows with uid, version and kind, and nothing else', () => {
    expect(answer(v1, allowed())).toEqual({
      apiVersion: 'admission.k8s.io/v1',
      kind: 'AdmissionReview',
      response: { uid: 'u-1', allowed: true },
    })
  })

  test('denies with 403 Forbidden and the whole text', () => {
    const text = 'container "app": not trusted.\n\ncode: signature-missing'
    expect(answer(v1beta1, denied('signature-missing', text))).toEqual({
      apiVersion: 'admission.k8s.io/v1beta1',
      kind: 'AdmissionReview',
      response: { uid: 'u-1', allowed: false, status: { code: 403, reason: 'Forbidden', message: text } },
    })
  })

  test('never denies without a text', () => {
    expect(answer(v1, denied('internal-error', ' \n')).response.status?.message).toBe(
      'denied by Sealward (internal-error)',
    )
  })

  test('sends a patch as base64 of JSON, with its type', () => {
    const patch = [{ op: 'replace', path: '/spec/containers/0/image', value: 'grüße@sha256:1' }] as const
    const { response } = answer(v1, allowedWithPatch(patch))
    expect(response.allowed).toBe(true)
    expect(response.patchType).toBe('JSONPatch')
    expect(JSON.parse(Buffer.from(response.patch ?? '', 'base64').toString('utf8'))).toEqual(patch)
  })

  test('sends no patch where nothing is to be patched', () => {
    expect(answer(v1, allowedWithPatch([]))).toEqual(answer(v1, allowed()))
  })

  test('sends warnings in v1 and none in v1beta1, which does not know them', () => {
    const given = allowed({ warnings: ['look here'] })
    expect(answer(v1, given).response.warnings).toEqual(['look here'])
    expect(answer(v1beta1, given).response).not.toHaveProperty('warnings')
  })

  test('turns what would make the API server drop a warning into spaces', () => {
    const warning = 'a\tb\nc\u001b[31md\u0085e\u2028f\u202eg'
    expect(answer(v1, allowed({ warnings: [warning] })).response.warnings).toEqual(['a b c [31md e f g'])
  })

  test('cuts a warning at 256 runes, not at 256 UTF-16 units', () => {
    expect(answer(v1, allowed({ warnings: ['😀'.repeat(256)] })).response.warnings).toEqual(['😀'.repeat(256)])
    const cut = answer(v1, allowed({ warnings: ['😀'.repeat(257)] })).response.warnings?.[0] ?? ''
    expect(runes(cut)).toBe(256)
    expect(cut.endsWith('😀…')).toBe(true)
  })

  test('keeps the first warnings where all would be too long', () => {
    const warnings = Array.from({ length: 20 }, (_, index) => `${index} ${'x'.repeat(250)}`)
    const kept = answer(v1, allowed({ warnings })).response.warnings ?? []
    expect(kept).toEqual(warnings.slice(0, kept.length))
    expect(kept).toHaveLength(16)
  })

  test('makes every audit annotation one that the API server keeps', () => {
    const auditAnnotations = { 'decision-id': 'a\nb', '/bad key!': 'x', '': 'y', ['k'.repeat(80)]: 'z'.repeat(2000) }
    const kept = answer(v1, allowed({ auditAnnotations })).response.auditAnnotations ?? {}
    expect(Object.keys(kept)).toEqual(['decision-id', 'bad-key', 'note', 'k'.repeat(63)])
    expect(kept['decision-id']).toBe('a b')
    expect(runes(kept['k'.repeat(63)] ?? '')).toBe(1024)
  })

  test('strips a denial of what steers a terminal but keeps its lines', () => {
    const text = 'image "\u001b]0;x\u0007" is\r\nnot\ttrusted\u202e'
    expect(answer(v1, denied('signature-missing', text)).response.status?.message).toBe(
      'image " ]0;x " is\nnot trusted',
    )
  })

  test('keeps its bounds whatever texts it is given', () => {
    const text = fc.string({ unit: 'binary', maxLength: 600 })
    fc.assert(
      fc.property(text, fc.array(text), fc.dictionary(text, text), (message, warnings, auditAnnotations) => {
        const { response } = answer(v1, denied('internal-error', message, { warnings, auditAnnotations }))
        expect(response.status?.message).not.toBe('')
        const sent = response.warnings ?? []
        expect(sent.join('')).not.toMatch(/\p{Cc}/u)
        expect(Math.max(0, ...sent.map(runes))).toBeLessThanOrEqual(256)
        expect(runes(sent.join(''))).toBeLessThanOrEqual(4096)
        for (const key of Object.keys(response.auditAnnotations ?? {})) {
          expect(key).toMatch(/^[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$/)
        }
        expect(JSON.parse(JSON.stringify(response))).toEqual(response)
      }),
    )
  })
})
