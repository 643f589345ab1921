import { generateKeyPairSync } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { readerTools } from '#app/policy-files.ts'
import type { Spec } from '../../support/policy-documents.ts'
import { attestor, attestorOf, keySpec, pems, read, toolsWith } from '../../support/policy-documents.ts'

function wrong(spec: Spec): readonly string[] {
  return read([attestor('release', spec)]).problems.map(({ code, path, message }) => `${code} ${path}: ${message}`)
}

function wrongKey(key: Spec): readonly string[] {
  return wrong(keySpec({ name: 'k', pem: pems.first, ...key }))
}

const at = 'spec.key.keys[0]'

describe('an attestor', () => {
  it('has keys with their life, and looks for signatures in every layout', () => {
    const found = attestorOf(
      keySpec(
        {
          name: 'old',
          pem: pems.first,
          notBefore: '2025-01-01T00:00:00Z',
          notAfter: '2026-01-01T01:00:00+01:00',
          revoked: { at: '2025-06-01T12:30:15.250Z', reason: 'Compromised' },
        },
        { name: 'new', pem: pems.second },
      ),
    )
    expect(found).toMatchObject({
      kind: 'key',
      name: 'release',
      storage: { layouts: ['Tag', 'Bundle'] },
      keys: [
        {
          name: 'old',
          pem: pems.first,
          algorithm: 'ECDSA-P256',
          notBefore: Date.UTC(2025, 0, 1),
          notAfter: Date.UTC(2026, 0, 1),
          revoked: { at: Date.UTC(2025, 5, 1, 12, 30, 15, 250), reason: 'Compromised' },
        },
        { name: 'new', pem: pems.second },
      ],
    })
    expect(found.keys[1]).not.toHaveProperty('notBefore')
    expect(found.keys[0]?.fingerprint).not.toBe(found.keys[1]?.fingerprint)
  })

  it('keeps what is written about storage', () => {
    const storage = (value: Spec) => attestorOf({ ...keySpec(), storage: value }).storage
    expect(storage({ layouts: ['Bundle'], repository: 'Registry.example.com/signatures' })).toEqual({
      layouts: ['Bundle'],
      repository: { registry: 'registry.example.com', repository: 'signatures' },
    })
    expect(storage({})).toEqual({ layouts: ['Tag', 'Bundle'] })
  })

  it('takes a key from a file, by its path and the file that names it', () => {
    const asked: string[] = []
    const tools = {
      ...toolsWith(),
      readFile: (path: string, from: string) => `${asked.push(path, from) && pems.first}`,
    }
    const result = read([attestor('release', keySpec({ name: 'k', file: '../keys/a.pub' }))], tools)
    expect(result.problems).toEqual([])
    expect(asked).toEqual(['../keys/a.pub', 'policy.yaml'])
    expect(result.attestors[0]?.revision).toBe(attestorOf(keySpec()).revision)
  })

  it('knows no files in a cluster', () => {
    const { readFile: _, ...tools } = readerTools()
    const result = read([attestor('release', keySpec({ name: 'k', file: 'a.pub' }))], tools)
    expect(result.problems).toMatchObject([
      { code: 'policy-invalid', path: `${at}.file`, message: expect.stringContaining('for policy files only') },
    ])
  })

  it('takes a key from a Secret, by its namespace, name and key', () => {
    const secrets = { 'keys/release release.pub': pems.first, 'keys/release cosign.pub': pems.second }
    const found = (secretRef: Spec) => {
      const result = read([attestor('release', keySpec({ name: 'k', secretRef }))], toolsWith({}, secrets))
      expect(result.problems).toEqual([])
      return result.attestors[0]?.revision
    }
    const ref = { namespace: 'keys', name: 'release' }
    expect(found({ ...ref, key: 'release.pub' })).toBe(attestorOf(keySpec()).revision)
    // As `cosign generate-key-pair k8s://…` calls it.
    expect(found(ref)).toBe(attestorOf(keySpec({ name: 'k', pem: pems.second })).revision)
  })

  it('knows no Secrets in files', () => {
    const secretRef = { namespace: 'keys', name: 'release' }
    expect(wrongKey({ pem: undefined, secretRef })).toEqual([
      `policy-invalid ${at}.secretRef: is a word for objects in a cluster only; in a file write pem or file`,
    ])
  })

  const wrongRef = (secretRef: Spec) =>
    read(
      [attestor('release', keySpec({ name: 'k', secretRef }))],
      toolsWith({}, { 'keys/a cosign.pub': 'hello' }),
    ).problems.map(({ code, path, message }) => `${code} ${path.replace(`${at}.`, '')}: ${message}`)

  it.each<[string, Spec, RegExp]>([
    ['without its namespace', { name: 'a' }, /^policy-invalid secretRef\.namespace: is missing$/],
    ['without its name', { namespace: 'keys' }, /^policy-invalid secretRef\.name: is missing$/],
    [
      'in a namespace that cannot be',
      { namespace: 'a/b', name: 'a' },
      /secretRef\.namespace: "a\/b" is not a namespace/,
    ],
    ['whose name is a path', { namespace: 'keys', name: '../b' }, /secretRef\.name: "\.\.\/b" is not a name/],
    [
      'by a key that no Secret has',
      { namespace: 'keys', name: 'a', key: 'a/b' },
      /secretRef\.key: "a\/b" is not a key/,
    ],
    ['that is not there', { namespace: 'keys', name: 'b' }, /^key-unavailable secretRef: no Secret keys\/b/],
    ['that holds no key', { namespace: 'keys', name: 'a' }, /^(key-malformed|pem-malformed) secretRef: /],
  ])('refuses a Secret %s', (_, secretRef, expected) => {
    expect(wrongRef(secretRef)[0]).toMatch(expected)
  })

  it.each<[string, Spec, RegExp]>([
    ['a name that is missing', { name: undefined }, /^policy-invalid .*keys\[0\]\.name: is missing$/],
    [
      'a name that is a number',
      { name: 2026 },
      /name: must be text \(one line of text\), not the number 2026; write it in quotes: "2026"/,
    ],
    ['a name of two lines', { name: 'a\nb' }, /name: must be one line of visible characters/],
    ['no key', { pem: undefined }, /keys\[0\]: needs exactly one of pem, file, secretRef$/],
    ['two keys in one', { file: 'a.pub' }, /keys\[0\]: pem and file contradict each other/],
    [
      'a Secret beside the key itself',
      { secretRef: { namespace: 'a', name: 'b' } },
      /keys\[0\]: pem and secretRef contradict each other/,
    ],
    ['text that is no key', { pem: 'hello' }, /^(key-malformed|pem-malformed) .*keys\[0\]\.pem: /],
    ['a file that is not there', { pem: undefined, file: 'nowhere.pub' }, /^file-unreadable .*keys\[0\]\.file: /],
    [
      'an instant without zone',
      { notBefore: '2026-01-01T00:00:00' },
      /notBefore: "2026-01-01T00:00:00" is not an instant/,
    ],
    ['a date alone', { notBefore: '2026-01-01' }, /notBefore: "2026-01-01" is not an instant/],
    [
      'a day that does not exist',
      { notAfter: '2026-02-29T00:00:00Z' },
      /notAfter: "2026-02-29T00:00:00Z" is not an instant/,
    ],
    ['hour 24', { notAfter: '2026-02-28T24:00:00Z' }, /is not an instant/],
    ['a leap second', { notAfter: '2016-12-31T23:59:60Z' }, /is not an instant/],
    [
      'an end before the start',
      { notBefore: '2026-01-02T00:00:00Z', notAfter: '2026-01-01T00:00:00Z' },
      /notAfter: must be later than notBefore/,
    ],
    [
      'an end at the start',
      { notBefore: '2026-01-02T00:00:00Z', notAfter: '2026-01-02T00:00:00Z' },
      /notAfter: must be later than notBefore/,
    ],
    ['a revocation without reason', { revoked: { at: '2026-01-01T00:00:00Z' } }, /revoked\.reason: is missing/],
    ['a revocation without time', { revoked: { reason: 'Compromised' } }, /revoked\.at: is missing/],
    [
      'a reason that is none',
      { revoked: { at: '2026-01-01T00:00:00Z', reason: 'Lost' } },
      /revoked\.reason: must be one of Superseded, Compromised/,
    ],
    [
      'an unknown member',
      { notafter: '2026-01-01T00:00:00Z' },
      /notafter: is not a word here; did you mean "notAfter"\?/,
    ],
  ])('refuses a key with %s', (_, key, expected) => {
    expect(wrongKey(key)).toEqual([expect.stringMatching(expected)])
  })

  it('refuses a key that is too weak, with its own code', () => {
    const { publicKey } = generateKeyPairSync('rsa', { modulusLength: 1024 })
    const pem = publicKey.export({ type: 'spki', format: 'pem' }).toString()
    expect(wrongKey({ pem })).toEqual([expect.stringMatching(/^key-weak spec\.key\.keys\[0\]\.pem: /)])
  })

  it('accepts the last day of February in a leap year', () => {
    expect(wrongKey({ notAfter: '2028-02-29T00:00:00Z' })).toEqual([])
    expect(wrongKey({ notAfter: '2100-02-29T00:00:00Z' })).toHaveLength(1)
  })

  it('refuses one key under two names, which a threshold would count twice', () => {
    expect(wrong(keySpec({ name: 'a', pem: pems.first }, { name: 'b', pem: `${pems.first}\n` }))).toEqual([
      'policy-invalid spec.key.keys[1]: is the same key as keys[0]',
    ])
    expect(wrong(keySpec({ name: 'a', pem: pems.first }, { name: 'a', pem: pems.second }))).toEqual([
      'policy-invalid spec.key.keys[1].name: keys[0] has the same name',
    ])
  })

  it.each<[string, Spec, RegExp]>([
    ['no kind', {}, /^policy-invalid spec: needs the member key$/],
    ['no keys', { key: { keys: [] } }, /keys: must not be empty/],
    ['keys that are missing', { key: {} }, /spec\.key\.keys: is missing/],
    [
      'too many keys',
      { key: { keys: Array.from({ length: 65 }, () => ({})) } },
      /has 65 entries; more than 64 are not read/,
    ],
    [
      'an unknown layout',
      { ...keySpec(), storage: { layouts: ['tag'] } },
      /layouts\[0\]: must be one of Tag, Bundle, not "tag"; did you mean "Tag"/,
    ],
    ['a layout twice', { ...keySpec(), storage: { layouts: ['Tag', 'Tag'] } }, /layouts\[1\]: is the same as \[0\]/],
    ['no layout', { ...keySpec(), storage: { layouts: [] } }, /layouts: must not be empty/],
    [
      'a repository with a tag',
      { ...keySpec(), storage: { repository: 'a.example.com/b:v1' } },
      /repository: must name a repository, without tag or digest: a\.example\.com\/b/,
    ],
    [
      'a repository that is none',
      { ...keySpec(), storage: { repository: 'https://a.example.com' } },
      /repository: "https/,
    ],
    [
      'a threshold that means nothing',
      { ...keySpec(), log: { mode: 'Ignore', threshold: 2 } },
      /log\.threshold: means nothing with mode: Ignore/,
    ],
    [
      'another threshold that means nothing',
      { ...keySpec(), timestamp: { threshold: 2 } },
      /timestamp\.threshold: means nothing with mode: Ignore/,
    ],
  ])('may not have %s', (_, spec, expected) => {
    expect(wrong(spec)).toEqual([expect.stringMatching(expected)])
  })

  it('may say the defaults of log and timestamp', () => {
    expect(wrong({ ...keySpec(), log: { mode: 'Ignore', threshold: 1 }, timestamp: {} })).toEqual([])
  })

  it('that is wrong leaves no attestor, and whoever asks for it is told', () => {
    const result = read([attestor('release', {})])
    expect(result.attestors).toEqual([])
  })
})

describe('the revision of an attestor', () => {
  const base: Spec = { name: 'k', pem: pems.first, notBefore: '2026-01-01T00:00:00Z', notAfter: '2027-01-01T00:00:00Z' }
  const revision = (key: Spec, more: Spec = {}) => attestorOf({ ...keySpec({ ...base, ...key }), ...more }).revision

  it('is sixteen hex digits, and the same for the same meaning', () => {
    expect(revision({})).toMatch(/^[0-9a-f]{16}$/)
    expect(revision({ notBefore: '2026-01-01T01:00:00+01:00' })).toBe(revision({}))
    expect(revision({}, { storage: { layouts: ['Tag', 'Bundle'] } })).toBe(revision({}))
  })

  it.each<[string, Spec, Spec]>([
    ['the key', { pem: pems.second }, {}],
    ['the name of the key', { name: 'l' }, {}],
    ['the start', { notBefore: '2026-01-01T00:00:01Z' }, {}],
    ['the end', { notAfter: undefined }, {}],
    ['a revocation', { revoked: { at: '2026-06-01T00:00:00Z', reason: 'Superseded' } }, {}],
    ['the layouts', {}, { storage: { layouts: ['Tag'] } }],
    ['the repository', {}, { storage: { repository: 'a.example.com/b' } }],
  ])('changes with %s', (_, key, more) => {
    expect(revision(key, more)).not.toBe(revision({}))
  })
})
