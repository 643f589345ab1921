// Public and private keys in PEM: what is accepted is the key that node:crypto reads, and none that is too weak.

import { createHash, createPublicKey, type KeyObject } from 'node:crypto'
import { importPrivateKey } from '#signature/keys/private-key.ts'
import { readPublicKey } from '#signature/keys/public-key.ts'
import { type Parts, partsOf, textOf } from '../case.ts'
import { fuzzKeys } from '../keys.ts'
import { must, reading, type Target } from '../target.ts'

/** Ed25519, PKCS#8 and SPKI (RFC 8410), of a secret that is drawn from nothing but a name. */
const secret = createHash('sha256').update('a private key of the fuzzer').digest()
const pkcs8 = Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), secret])

const pem = (label: string, bytes: Uint8Array) =>
  `-----BEGIN ${label}-----\n${Buffer.from(bytes).toString('base64')}\n-----END ${label}-----\n`

const seeds: Readonly<Record<string, Parts>> = {
  'ECDSA, public': partsOf({ pem: fuzzKeys.trusted.pem }),
  'two keys': partsOf({ pem: fuzzKeys.trusted.pem + fuzzKeys.second.pem }),
  'Ed25519, private': partsOf({ pem: pem('PRIVATE KEY', pkcs8) }),
  'no key': partsOf({ pem: pem('CERTIFICATE', new Uint8Array(40)) }),
}

const words = [
  'PUBLIC KEY',
  'PRIVATE KEY',
  'EC PRIVATE KEY',
  'RSA PUBLIC KEY',
  'ENCRYPTED PRIVATE KEY',
  'EC PARAMETERS',
  '-----BEGIN ',
  '-----END ',
  '-----\n',
  'Proc-Type: 4,ENCRYPTED\n',
  '=',
  'AAAA',
]

export const key: Target = {
  name: 'key',
  about: 'public and private keys in PEM',
  syntax: { pem: 'lines' },
  dictionary: words,
  open: () => ({
    seeds,
    run: (parts) => {
      const text = textOf(parts['pem'])
      const read = reading(() => readPublicKey(text))
      if (read.code === undefined) {
        const { fingerprint, algorithm, pem: canonical } = read.value
        const object = openPublic(text)
        const spki = object.export({ format: 'der', type: 'spki' })
        must(
          createHash('sha256').update(spki).digest('hex') === fingerprint,
          'a key has another fingerprint than its SPKI',
        )
        must(readPublicKey(canonical).fingerprint === fingerprint, 'a key is another one when it is written out')
        must(
          algorithm !== 'RSA' || (object.asymmetricKeyDetails?.modulusLength ?? 0) >= 2048,
          'a weak key was accepted',
        )
      }
      const imported = reading(() => importPrivateKey(text))
      return `${read.code ?? read.value.algorithm} ${imported.code ?? imported.value.publicKey.algorithm}`
    },
  }),
}

/** By the bytes between the lines; blank lines inside of a block, which OpenSSL refuses, change no key. */
function openPublic(text: string): KeyObject {
  const der = Buffer.from(text.replace(/-----[^\n]*/g, ''), 'base64')
  return createPublicKey({ key: der, format: 'der', type: text.includes('RSA PUBLIC KEY') ? 'pkcs1' : 'spki' })
}
