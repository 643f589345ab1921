// Sealed private keys and their passwords: only the one password opens a key, to what was sealed, and nothing in the file
// chooses how much memory or time is spent.

import { createHash, createPrivateKey, createPublicKey, scryptSync } from 'node:crypto'
import { xsalsa20poly1305 } from '@noble/ciphers/salsa.js'
import { isSealedKey, openPrivateKey } from '#signature/keys/sealed-key.ts'
import { bytesOf, type Parts, partsOf, textOf } from '../case.ts'
import { json, own } from '../oracle/review-answer.ts'
import { plainJson } from '../oracle/signed-by.ts'
import { must, readingLater, type Target } from '../target.ts'

const drawn = (name: string, length: number) =>
  createHash('sha512').update(`a sealed key of the fuzzer: ${name}`).digest().subarray(0, length)

/** Ed25519, PKCS#8 (RFC 8410), of a secret that is drawn from nothing but a name. */
const pkcs8 = Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), drawn('secret', 32)])
const fingerprint = createHash('sha256')
  .update(
    createPublicKey(createPrivateKey({ key: pkcs8, format: 'der', type: 'pkcs8' })).export({
      format: 'der',
      type: 'spki',
    }),
  )
  .digest('hex')

/** The least of what is read: there are many cases. */
const [n, r, p] = [32_768, 8, 1]
const [salt, nonce] = [drawn('salt', 32), drawn('nonce', 24)]

function sealed(password: string): string {
  const key = scryptSync(password, salt, 32, { N: n, r, p, maxmem: 64 * 1024 * 1024 })
  const box = xsalsa20poly1305(key, nonce).encrypt(pkcs8)
  return JSON.stringify({
    kdf: { name: 'scrypt', params: { N: n, r, p }, salt: salt.toString('base64') },
    cipher: { name: 'nacl/secretbox', nonce: nonce.toString('base64') },
    ciphertext: Buffer.from(box).toString('base64'),
  })
}

const passwords = ['', 'a password', 'пароль']
const label = 'ENCRYPTED SIGSTORE PRIVATE KEY'
const opened = passwords.map((password, at) => [
  `password ${at + 1}`,
  partsOf({ json: sealed(password), label, password }),
])
const dear = sealed('').replace(`"N":${n}`, '"N":262144')
const seeds: Readonly<Record<string, Parts>> = {
  ...Object.fromEntries(opened),
  'a greater cost': partsOf({ json: dear, label, password: '' }),
}

export const sealedKey: Target = {
  name: 'sealed-key',
  about: 'sealed private keys and their passwords',
  syntax: { json: 'json', label: 'text', password: 'text' },
  dictionary: [
    'N',
    'r',
    'p',
    'scrypt',
    'nacl/secretbox',
    'salt',
    'nonce',
    'ciphertext',
    '131072',
    '1048576',
    'ENCRYPTED COSIGN PRIVATE KEY',
    'PRIVATE KEY',
    ...passwords,
  ],
  isSlow: true,
  open: () => ({ seeds, run: judgeSealed }),
}

function isCheap(written: string): boolean {
  const params = json(own(json(own(plainJson(bytesOf(written)) ?? {}, 'kdf')), 'params'))
  const cost = own(params, 'N')
  return typeof cost === 'number' && cost <= 131_072 && own(params, 'r') === r && own(params, 'p') === p
}

async function judgeSealed(parts: Parts): Promise<string> {
  const [written, label, password] = [textOf(parts['json']), textOf(parts['label']), textOf(parts['password'])]
  const pem = `-----BEGIN ${label}-----\n${Buffer.from(written).toString('base64')}\n-----END ${label}-----\n`
  const opened = await readingLater(() => openPrivateKey(pem, password))
  // To say that a password is wrong, it must have been tried.
  if (opened.code === undefined || opened.code === 'key-password-wrong')
    must(isCheap(written), 'a file chose how much is spent on opening it', () => written.slice(0, 300))
  if (opened.code !== undefined) return opened.code
  must(isSealedKey(pem), 'a sealed key was opened that is not known as one')
  must(opened.value.publicKey.fingerprint === fingerprint, 'a sealed key was opened to another one')
  must(passwords.includes(password), 'a password opened a key that was sealed with another one')
  return `opened ${label.length}`
}
