// The encrypted private key file that cosign writes and reads: PEM around strict JSON of exactly one shape, scrypt and
// NaCl secretbox around PKCS#8. It reads no file and asks for no password.

import type { ScryptOptions } from 'node:crypto'
import { randomBytes, scrypt } from 'node:crypto'
import { promisify } from 'node:util'
import { decodeBase64, encodeBase64 } from '#core/encoding/base64.ts'
import { encodePem, parsePem } from '#core/encoding/pem.ts'
import { printable } from '#core/encoding/printable.ts'
import type { JsonObject } from '#core/encoding/strict-json.ts'
import { asInteger, asObject, asString, onlyMembers, parseStrictJsonBytes } from '#core/encoding/strict-json.ts'
import { CodedError, messageOf } from '#core/errors.ts'
import type { PrivateKey } from './private-key.ts'
import { importPrivateKey, maxPrivateKeyLength } from './private-key.ts'
import { openBox, sealBox, secretboxKeyBytes, secretboxNonceBytes, secretboxTagBytes } from './secretbox.ts'

export type Random = (length: number) => Uint8Array

interface Sealed {
  readonly n: number
  readonly salt: Uint8Array
  readonly nonce: Uint8Array
  readonly box: Uint8Array
}

export const sealedKeyLabel = 'ENCRYPTED SIGSTORE PRIVATE KEY'
const readableLabels: readonly string[] = [sealedKeyLabel, 'ENCRYPTED COSIGN PRIVATE KEY']

/** What cosign writes: about 0.1 s of work and 64 MiB. */
const writtenN = 65536
/** What cosign reads. Nothing else is even tried: the file would choose how much memory and time we spend. */
const readableN: readonly number[] = [32768, 65536, 131072]
const blockSize = 8
const parallelism = 1
const saltBytes = 32

/** Is this text a sealed key file, opened by `openPrivateKey`, rather than one for `importPrivateKey`? */
export function isSealedKey(pem: string): boolean {
  return readableLabels.some((label) => pem.includes(`-----BEGIN ${label}-----`))
}

/**
 * Seals a PKCS#8 private key. The empty password is legal, and protects nothing.
 *
 * @returns PEM `ENCRYPTED SIGSTORE PRIVATE KEY`
 */
export async function sealPrivateKey(
  pkcs8: Uint8Array,
  password: string | Uint8Array,
  { random = randomBytes }: { readonly random?: Random } = {},
): Promise<string> {
  const salt = random(saltBytes)
  const nonce = random(secretboxNonceBytes)
  const key = await deriveKey(password, salt, writtenN)
  const box = sealBox(pkcs8, nonce, key)
  key.fill(0)
  const json = {
    kdf: { name: 'scrypt', params: { N: writtenN, r: blockSize, p: parallelism }, salt: encodeBase64(salt) },
    cipher: { name: 'nacl/secretbox', nonce: encodeBase64(nonce) },
    ciphertext: encodeBase64(box),
  }
  return encodePem(sealedKeyLabel, Buffer.from(JSON.stringify(json)))
}

/**
 * Opens a sealed private key.
 *
 * @throws CodedError `key-password-wrong`; `key-malformed`, `key-unsupported`, `key-weak` for the file or what is in it
 */
export async function openPrivateKey(pem: string, password: string | Uint8Array): Promise<PrivateKey> {
  const { n, salt, nonce, box } = parseSealed(pem)
  const key = await deriveKey(password, salt, n)
  const pkcs8 = openBox(box, nonce, key)
  key.fill(0)
  if (pkcs8 === undefined) {
    throw new CodedError('key-password-wrong', 'the password does not open this private key, or the file is damaged')
  }
  try {
    return importPrivateKey(pkcs8)
  } finally {
    pkcs8.fill(0)
  }
}

function parseSealed(pem: string): Sealed {
  if (pem.length > maxPrivateKeyLength) throw malformed(`it is longer than ${maxPrivateKeyLength} characters`)
  try {
    const [block, ...others] = parsePem(pem)
    if (block === undefined || others.length > 0) throw malformed('it must hold exactly one PEM block')
    if (!readableLabels.includes(block.label)) throw otherBlock(block.label)
    return readSealed(asObject(parseStrictJsonBytes(block.bytes, { maxDepth: 4 }), ''))
  } catch (error) {
    if (error instanceof CodedError && error.code.startsWith('key-')) throw error
    throw malformed(messageOf(error))
  }
}

function readSealed(top: JsonObject): Sealed {
  onlyMembers(top, ['kdf', 'cipher', 'ciphertext'], '')
  const kdf = asObject(top['kdf'], 'kdf')
  onlyMembers(kdf, ['name', 'params', 'salt'], 'kdf')
  const params = asObject(kdf['params'], 'kdf.params')
  onlyMembers(params, ['N', 'r', 'p'], 'kdf.params')
  const cipher = asObject(top['cipher'], 'cipher')
  onlyMembers(cipher, ['name', 'nonce'], 'cipher')
  refuseOther(kdf, 'kdf', 'scrypt')
  refuseOther(cipher, 'cipher', 'nacl/secretbox')
  const n = asInteger(params['N'], 'kdf.params.N')
  if (!readableN.includes(n) || params['r'] !== blockSize || params['p'] !== parallelism) {
    const given = [n, asInteger(params['r'], 'kdf.params.r'), asInteger(params['p'], 'kdf.params.p')]
    throw unsupported(
      `scrypt with N=${given[0]}, r=${given[1]}, p=${given[2]}; N must be one of ${readableN.join(', ')}, with r=8 and p=1`,
    )
  }
  const box = decodeBase64(asString(top['ciphertext'], 'ciphertext'))
  if (box.length <= secretboxTagBytes) throw malformed('ciphertext is too short to hold a key')
  return {
    n,
    salt: exactBytes(kdf['salt'], 'kdf.salt', saltBytes),
    nonce: exactBytes(cipher['nonce'], 'cipher.nonce', secretboxNonceBytes),
    box,
  }
}

function refuseOther(object: JsonObject, where: string, wanted: string): void {
  const name = asString(object['name'], `${where}.name`)
  if (name !== wanted) throw unsupported(`${where} "${printable(name, 40)}"; only ${wanted} is read`)
}

function exactBytes(value: unknown, where: string, length: number): Uint8Array {
  const bytes = decodeBase64(asString(value, where))
  if (bytes.length !== length) throw malformed(`${where} has ${bytes.length} bytes instead of ${length}`)
  return bytes
}

const derive = promisify<string | Uint8Array, Uint8Array, number, ScryptOptions, Buffer>(scrypt)

function deriveKey(password: string | Uint8Array, salt: Uint8Array, n: number): Promise<Buffer> {
  // The default cap is 32 MiB; scrypt takes 128·N·r bytes and a little.
  const maxmem = 128 * n * blockSize + 1024 * 1024
  return derive(password, salt, secretboxKeyBytes, { N: n, r: blockSize, p: parallelism, maxmem })
}

function otherBlock(label: string): CodedError {
  if (label.endsWith('PRIVATE KEY')) {
    return malformed(`this is a private key of another form (${printable(label, 40)}); import it first`)
  }
  if (label.endsWith('PUBLIC KEY')) return malformed('this holds only the public half; the private key is wanted here')
  return malformed(`this is a PEM block "${printable(label, 40)}", not a sealed private key`)
}

function malformed(reason: string): CodedError {
  return new CodedError('key-malformed', `not a sealed private key: ${reason}`)
}

function unsupported(reason: string): CodedError {
  return new CodedError('key-unsupported', `this sealed private key cannot be opened: ${reason}`)
}
