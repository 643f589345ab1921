// Key files, both ways: what cosign seals we open, what we seal cosign opens; and OpenSSL as the judge of signatures.

import { scryptSync } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { xsalsa20poly1305 } from '@noble/ciphers/salsa.js'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { checkSignature } from '#signature/keys/check.ts'
import { exportPkcs8, generateKey, importPrivateKey, keyKinds, type PrivateKey } from '#signature/keys/private-key.ts'
import { readPublicKey } from '#signature/keys/public-key.ts'
import { openPrivateKey, sealPrivateKey } from '#signature/keys/sealed-key.ts'
import { createSigner } from '#signature/keys/signer.ts'
import { type Cosign, createCosign, execute, type Line } from '../support/cosign.ts'
import { missing, needed, titled } from '../support/tools.ts'

const lines: readonly Line[] = ['cosign2', 'cosign3']
/** scrypt costs each run of cosign 0.1 to 0.5 s, more where machines are busy. */
const patience = 90_000

describe.skipIf(missing('cosign2', 'cosign3'))(
  titled('key files and the real cosign', 'cosign2', 'cosign3'),
  { timeout: patience },
  () => {
    test.each(['', 'correct horse', 'пароль 🔑'])('both ways with the password %j', async (password) => {
      const cosign = await createCosign(password)
      try {
        for (const line of lines) {
          await cosign.must(line, 'generate-key-pair', '--output-key-prefix', line)
          const sealed = await readFile(cosign.path(`${line}.key`), 'utf8')
          const key = await openPrivateKey(sealed, password)
          expect(key.publicKey.pem).toBe(await readFile(cosign.path(`${line}.pub`), 'utf8'))
          await expect(openPrivateKey(sealed, `${password}x`)).rejects.toMatchObject({ code: 'key-password-wrong' })
        }
        // Every kind once is enough; each run of cosign derives a key from the password.
        for (const kind of password === '' ? keyKinds : (['ecdsa-p256'] as const)) {
          const key = await generateKey(kind)
          await cosign.file('ours.key', await sealPrivateKey(exportPkcs8(key), password))
          for (const line of lines) {
            const shown = await cosign.must(line, 'public-key', '--key', 'ours.key')
            expect(shown.stdout.trim()).toBe(key.publicKey.pem.trim())
          }
        }
      } finally {
        await cosign.close()
      }
    })

    test.each([32768, 65536, 131072])('both open a key sealed with N = %i, under both PEM labels', async (n) => {
      const cosign = await createCosign('x')
      try {
        const key = await generateKey('ecdsa-p256')
        for (const label of ['ENCRYPTED SIGSTORE PRIVATE KEY', 'ENCRYPTED COSIGN PRIVATE KEY']) {
          const pem = sealWith(n, label, exportPkcs8(key))
          expect((await openPrivateKey(pem, 'x')).publicKey).toEqual(key.publicKey)
          await cosign.file('n.key', pem)
          for (const line of lines) {
            expect((await cosign.must(line, 'public-key', '--key', 'n.key')).stdout.trim()).toBe(
              key.publicKey.pem.trim(),
            )
          }
        }
      } finally {
        await cosign.close()
      }
    })

    test('both refuse N = 16384', async () => {
      const cosign = await createCosign('x')
      try {
        const pem = sealWith(16384, 'ENCRYPTED SIGSTORE PRIVATE KEY', exportPkcs8(await generateKey('ecdsa-p256')))
        await expect(openPrivateKey(pem, 'x')).rejects.toMatchObject({ code: 'key-unsupported' })
        await cosign.file('n.key', pem)
        for (const line of lines) expect((await cosign.run(line, 'public-key', '--key', 'n.key')).status).not.toBe(0)
      } finally {
        await cosign.close()
      }
    })
  },
)

/** The format once more, apart from the code under test. */
function sealWith(n: number, label: string, pkcs8: Uint8Array): string {
  const [salt, nonce] = [Buffer.alloc(32, 1), Buffer.alloc(24, 2)]
  const key = scryptSync('x', salt, 32, { N: n, r: 8, p: 1, maxmem: 256 * 1024 * 1024 })
  const ciphertext = Buffer.from(xsalsa20poly1305(key, nonce).encrypt(pkcs8)).toString('base64')
  const kdf = { name: 'scrypt', params: { N: n, r: 8, p: 1 }, salt: salt.toString('base64') }
  const json = JSON.stringify({ kdf, cipher: { name: 'nacl/secretbox', nonce: nonce.toString('base64') }, ciphertext })
  const lines64 =
    Buffer.from(json)
      .toString('base64')
      .match(/.{1,64}/g) ?? []
  return [`-----BEGIN ${label}-----`, ...lines64, `-----END ${label}-----`, ''].join('\n')
}

describe.skipIf(missing('openssl'))(titled('signatures and OpenSSL', 'openssl'), () => {
  let work: Cosign
  beforeAll(async () => {
    work = await createCosign('')
  })
  afterAll(() => work?.close())

  const openssl = async (...args: string[]) => {
    const ran = await execute(needed('openssl'), args, work.folder, {})
    if (ran.status !== 0) throw new Error(ran.stderr)
    return ran.stdout
  }
  /** Ed25519 is signed whole; the others over the digest. */
  const mode = (kind: string) => (kind === 'ed25519' ? ['-rawin'] : ['-rawin', '-digest', 'sha256'])
  const p521 = async (): Promise<PrivateKey> =>
    importPrivateKey(await openssl('genpkey', '-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-521'))

  test.each([...keyKinds, 'ecdsa-p521' as const])('OpenSSL verifies ours and we verify its, with %s', async (kind) => {
    const key = kind === 'ecdsa-p521' ? await p521() : await generateKey(kind)
    const bytes = new TextEncoder().encode('what is signed')
    await work.file('data', bytes)
    await work.file('key.pem', key.object.export({ format: 'pem', type: 'pkcs8' }))
    await work.file('pub.pem', key.publicKey.pem)
    await work.file('ours.sig', await createSigner(key).sign(bytes))
    const verify = ['pkeyutl', '-verify', '-pubin', '-inkey', 'pub.pem', '-in', 'data', ...mode(kind)]
    expect(await openssl(...verify, '-sigfile', 'ours.sig')).toContain('Verified Successfully')
    await openssl('pkeyutl', '-sign', '-inkey', 'key.pem', '-in', 'data', ...mode(kind), '-out', 'theirs.sig')
    const theirs = await readFile(work.path('theirs.sig'))
    expect(await checkSignature(key.publicKey, bytes, theirs)).toBe('valid')
    const changed = new TextEncoder().encode('what is signeD')
    expect(await checkSignature(key.publicKey, changed, theirs)).toMatchObject({ code: 'signature-wrong-key' })
  })

  test('private keys that OpenSSL writes are imported: SEC1, PKCS#1, PKCS#8, with a password', async () => {
    const sec1 = await openssl('ecparam', '-name', 'prime256v1', '-genkey')
    expect(importPrivateKey(sec1).publicKey.algorithm).toBe('ECDSA-P256')
    const pkcs1 = await openssl('genrsa', '-traditional', '2048')
    expect(pkcs1).toContain('BEGIN RSA PRIVATE KEY')
    expect(importPrivateKey(pkcs1).publicKey.algorithm).toBe('RSA')
    const locked = await openssl('genpkey', '-algorithm', 'ed25519', '-aes256', '-pass', 'pass:secret')
    expect(importPrivateKey(locked, 'secret').publicKey.algorithm).toBe('Ed25519')
    for (const wrong of ['Secret', '', undefined]) {
      expect(() => importPrivateKey(locked, wrong)).toThrow(expect.objectContaining({ code: 'key-password-wrong' }))
    }
  })

  test.each([
    ['explicit curve parameters', ['ec', '-pubout', '-param_enc', 'explicit'], 'key-unsupported'],
    ['a compressed point', ['ec', '-pubout', '-conv_form', 'compressed'], 'key-unsupported'],
  ])('one key has one form: %s are refused, and the remedy in the message works', async (_what, args, code) => {
    await work.file('ec.pem', await openssl('ecparam', '-name', 'prime256v1', '-genkey', '-noout'))
    const odd = await openssl(...args, '-in', 'ec.pem')
    await work.file('odd.pem', odd)
    expect(() => readPublicKey(odd)).toThrow(expect.objectContaining({ code }))
    const remedy = [
      'ec',
      '-pubin',
      '-in',
      'odd.pem',
      '-pubout',
      '-param_enc',
      'named_curve',
      '-conv_form',
      'uncompressed',
    ]
    expect(() => readPublicKey(odd)).toThrow('-pubout -param_enc named_curve -conv_form uncompressed')
    expect(readPublicKey(await openssl(...remedy)).pem).toBe(await openssl('ec', '-in', 'ec.pem', '-pubout'))
  })

  test.each([
    [['genpkey', '-algorithm', 'ed448'], 'key-unsupported'],
    [['genpkey', '-algorithm', 'x25519'], 'key-unsupported'],
    [['genpkey', '-algorithm', 'rsa-pss', '-pkeyopt', 'rsa_keygen_bits:2048'], 'key-unsupported'],
    [['ecparam', '-name', 'secp256k1', '-genkey', '-noout'], 'key-unsupported'],
    [['genpkey', '-algorithm', 'rsa', '-pkeyopt', 'rsa_keygen_bits:1024'], 'key-weak'],
    [
      ['genpkey', '-algorithm', 'rsa', '-pkeyopt', 'rsa_keygen_bits:2048', '-pkeyopt', 'rsa_keygen_pubexp:3'],
      'key-weak',
    ],
  ])('a key of %j is refused with %s, as public and as private key', async (args, code) => {
    const pem = await openssl(...args)
    await work.file('refused.pem', pem)
    const pub = await openssl('pkey', '-in', 'refused.pem', '-pubout')
    expect(() => readPublicKey(pub)).toThrow(expect.objectContaining({ code }))
    expect(() => importPrivateKey(pem)).toThrow(expect.objectContaining({ code }))
  })
})
