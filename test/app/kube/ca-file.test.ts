// The authorities in a file: read whole or not at all, and followed.

import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type CaFileChange, checkAuthorities, loadCaFile, watchCaFile } from '#app/kube/ca-file.ts'
import { issueLeaf, makeAuthority } from '#app/server/certificate.ts'
import { messageOf } from '#core/errors.ts'
import { refusal } from '../../support/coded.ts'

const validity = { at: Date.now(), lifetime: 3_600_000 }
const authority = makeAuthority('a', validity)
const other = makeAuthority('b', validity)

let folder = ''
let path = ''
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sealward-ca-'))
  path = join(folder, 'ca.crt')
})
afterEach(() => rm(folder, { recursive: true }))

test('is what stands in the file between its comments', async () => {
  await writeFile(path, `# ours\n${authority.certPem}\nand the next one\n${other.certPem}`)
  expect(await loadCaFile(path)).toBe(`${authority.certPem}${other.certPem}`)
})

test.each([
  ['hello', 'ca.crt: it holds no certificate in PEM'],
  ['', 'ca.crt: it holds no certificate in PEM'],
  ['-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----', 'ca.crt: its certificate is damaged'],
  [authority.certPem.repeat(33), 'ca.crt: it holds more than 32 certificates'],
])('is refused as %#', async (text, message) => {
  await writeFile(path, text)
  const { code, message: said } = await refusal(loadCaFile(path))
  expect(code).toBe('tls-invalid')
  expect(said).toContain(message)
})

test('must have signed what the server shows, or something that it shows with it', () => {
  const names = ['localhost']
  const { certPem } = issueLeaf(authority, names, validity)
  expect(() => checkAuthorities(other.certPem + authority.certPem, certPem, path)).not.toThrow()
  expect(() => checkAuthorities(certPem, certPem, path)).not.toThrow()
  expect(() => checkAuthorities(other.certPem, `${certPem}${other.certPem}`, path)).not.toThrow()
  expect(() => checkAuthorities(other.certPem, certPem, path)).toThrow(/none of its authorities/)
})

test('FT-04: is followed when it changes, and kept while it is no bundle', async () => {
  await writeFile(path, authority.certPem)
  const told: CaFileChange[] = []
  const stop = watchCaFile(path, await loadCaFile(path), 20, (change) => told.push(change))
  try {
    await writeFile(path, 'rubbish')
    await expect.poll(() => told.length).toBe(1)
    expect(told[0] && 'error' in told[0] && messageOf(told[0].error)).toContain('no certificate')
    await writeFile(path, other.certPem)
    await expect.poll(() => told.length).toBe(2)
    expect(told[1]).toEqual({ caBundle: other.certPem })
  } finally {
    stop()
  }
})
