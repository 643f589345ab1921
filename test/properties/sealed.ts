// A sealed private key and what opens it. Sealing and opening take a tenth of a second each, or more where others work:
// few are tried.

import { generateKeyPairSync } from 'node:crypto'
import { describePublicKey } from '#signature/keys/public-key.ts'
import { sealPrivateKey } from '#signature/keys/sealed-key.ts'

const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' })

export const password = 'a password'
export const sealed = {
  input: await sealPrivateKey(privateKey.export({ type: 'pkcs8', format: 'der' }), password),
  means: describePublicKey(publicKey).fingerprint,
}
