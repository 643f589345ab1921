import { describe, expect, test } from 'vitest'
import { encodePem, parsePem } from '#core/encoding/pem.ts'
import { exportPkcs8, generateKey, maxPrivateKeyLength } from '#signature/keys/private-key.ts'
import { isSealedKey, openPrivateKey, sealPrivateKey } from '#signature/keys/sealed-key.ts'

const label = 'ENCRYPTED SIGSTORE PRIVATE KEY'
const key = await generateKey('ecdsa-p256')
const pem = await sealPrivateKey(exportPkcs8(key), 'secret')

// biome-ignore lint/suspicious/noExplicitAny: the file is taken apart and changed at will
type Json = any

function changed(change: (json: Json) => unknown): string {
  const [block] = parsePem(pem)
  const json: Json = JSON.parse(new TextDecoder().decode(block?.bytes ?? new Uint8Array()))
  const result = change(json)
  return encodePem(label, new TextEncoder().encode(typeof result === 'string' ? result : JSON.stringify(json)))
}

function put(json: Json, where: string, parts: object): void {
  const holder = where.split('.').reduce((inner, step) => (step === '' ? inner : inner[step]), json)
  Object.assign(holder, parts)
}

describe('sealed keys', () => {
  test('open with their password, and with no other', async () => {
    expect(pem.startsWith(`-----BEGIN ${label}-----\n`)).toBe(true)
    expect(isSealedKey(pem)).toBe(true)
    expect((await openPrivateKey(pem, 'secret')).publicKey).toEqual(key.publicKey)
    expect((await openPrivateKey(pem, Buffer.from('secret'))).publicKey).toEqual(key.publicKey)
    await expect(openPrivateKey(pem, 'Secret')).rejects.toMatchObject({ code: 'key-password-wrong' })
    await expect(openPrivateKey(pem, '')).rejects.toMatchObject({ code: 'key-password-wrong' })
  })

  test('are never the same twice, and are when the randomness is', async () => {
    expect(await sealPrivateKey(exportPkcs8(key), 'secret')).not.toBe(pem)
    const random = (length: number) => new Uint8Array(length).fill(7)
    const fixed = () => sealPrivateKey(exportPkcs8(key), 'secret', { random })
    expect(await fixed()).toBe(await fixed())
  })

  test('open after they were taken apart and put together unchanged', async () => {
    expect(
      (
        await openPrivateKey(
          changed(() => undefined),
          'secret',
        )
      ).publicKey,
    ).toEqual(key.publicKey)
  })

  const cases: readonly (readonly [string, (json: Json) => unknown, string])[] = [
    [
      'an unknown N',
      (json) => {
        json.kdf.params.N = 16384
      },
      'key-unsupported',
    ],
    [
      'an N that would take 128 GiB',
      (json) => {
        json.kdf.params.N = 2 ** 27
      },
      'key-unsupported',
    ],
    [
      'another r',
      (json) => {
        json.kdf.params.r = 16
      },
      'key-unsupported',
    ],
    [
      'another p',
      (json) => {
        json.kdf.params.p = 2
      },
      'key-unsupported',
    ],
    [
      'another N that is read, but was not used',
      (json) => {
        json.kdf.params.N = 32768
      },
      'key-password-wrong',
    ],
    [
      'another kdf',
      (json) => {
        json.kdf.name = 'pbkdf2'
      },
      'key-unsupported',
    ],
    [
      'another cipher',
      (json) => {
        json.cipher.name = 'aes'
      },
      'key-unsupported',
    ],
    [
      'a short salt',
      (json) => {
        json.kdf.salt = 'AAAA'
      },
      'key-malformed',
    ],
    [
      'a short nonce',
      (json) => {
        json.cipher.nonce = 'AAAA'
      },
      'key-malformed',
    ],
    [
      'lenient base64',
      (json) => {
        json.ciphertext = json.ciphertext.replace(/^./, ' ')
      },
      'key-malformed',
    ],
    [
      'no ciphertext',
      (json) => {
        json.ciphertext = ''
      },
      'key-malformed',
    ],
    [
      'an unknown member',
      (json) => {
        json.extra = 1
      },
      'key-malformed',
    ],
    [
      'a member in other case',
      (json) => {
        json.KDF = json.kdf
      },
      'key-malformed',
    ],
    [
      'a duplicate member',
      (json) => JSON.stringify(json).replace('{"kdf"', '{"ciphertext":"AAAA","kdf"'),
      'key-malformed',
    ],
    ['no JSON', () => 'x', 'key-malformed'],
    ...(
      [
        ['an unknown member of the kdf', 'kdf', { extra: 1 }],
        ['an unknown parameter', 'kdf.params', { extra: 1 }],
        ['an unknown member of the cipher', 'cipher', { extra: 1 }],
        ['a kdf without a name', 'kdf', { name: undefined }],
        ['a cipher whose name is no text', 'cipher', { name: 1 }],
        ['an N that is no whole number', 'kdf.params', { N: '65536' }],
        ['an r that is no whole number', 'kdf.params', { r: '8' }],
        ['a p that is no whole number', 'kdf.params', { p: '1' }],
        ['a salt that is no text', 'kdf', { salt: 1 }],
        ['a nonce that is no text', 'cipher', { nonce: 1 }],
        ['a ciphertext that is no text', '', { ciphertext: 1 }],
        ['parameters that are none', 'kdf', { params: 1 }],
        ['a kdf that is none', '', { kdf: 1 }],
        ['a cipher that is none', '', { cipher: 1 }],
        ['an authenticator and nothing behind it', '', { ciphertext: 'A'.repeat(20).concat('AA==') }],
      ] as const
    ).map(([what, where, parts]) => [what, (json: Json) => put(json, where, parts), 'key-malformed'] as const),
  ]
  test.each(cases)('with %s are refused', async (_what, change, code) => {
    await expect(openPrivateKey(changed(change), 'secret')).rejects.toMatchObject({ code })
  })

  test('one changed byte of the box is a wrong password', async () => {
    const damaged = changed((json) => {
      const box = Buffer.from(json.ciphertext, 'base64')
      box[20] = (box[20] ?? 0) ^ 1
      json.ciphertext = box.toString('base64')
    })
    await expect(openPrivateKey(damaged, 'secret')).rejects.toMatchObject({ code: 'key-password-wrong' })
  })

  test('say what to do with a key that is not sealed', async () => {
    const plain = encodePem('PRIVATE KEY', exportPkcs8(key))
    expect(isSealedKey(plain)).toBe(false)
    await expect(openPrivateKey(plain, '')).rejects.toThrow('import it first')
    await expect(openPrivateKey(key.publicKey.pem, '')).rejects.toMatchObject({ code: 'key-malformed' })
    await expect(openPrivateKey(pem + pem, 'secret')).rejects.toThrow('exactly one PEM block')
    await expect(openPrivateKey(encodePem('X509 CRL', exportPkcs8(key)), '')).rejects.toThrow('block "X509 CRL", not')
  })

  test('open under the older label too', async () => {
    const older = pem.replaceAll('SIGSTORE', 'COSIGN')
    expect(isSealedKey(older)).toBe(true)
    expect((await openPrivateKey(older, 'secret')).publicKey).toEqual(key.publicKey)
  })

  test('are not read where they are longer than any key', async () => {
    const padded = (length: number): string => pem.padEnd(length, '\n')
    expect((await openPrivateKey(padded(maxPrivateKeyLength), 'secret')).publicKey).toEqual(key.publicKey)
    await expect(openPrivateKey(padded(maxPrivateKeyLength + 1), 'secret')).rejects.toThrow('longer than 65536')
  })

  test('say which number they want instead of another', async () => {
    const other = changed((json) => put(json, 'kdf.params', { N: 16384, r: 9, p: 2 }))
    await expect(openPrivateKey(other, 'secret')).rejects.toThrow('scrypt with N=16384, r=9, p=2; N must be one of')
    const short = changed((json) => put(json, 'cipher', { nonce: 'AAAA' }))
    await expect(openPrivateKey(short, 'secret')).rejects.toThrow('cipher.nonce has 3 bytes instead of 24')
  })

  test.each([
    ['kdf', 1],
    ['kdf.params', 1],
    ['kdf.params.N', 'x'],
    ['kdf.params.r', 'x'],
    ['kdf.params.p', 'x'],
    ['kdf.name', 1],
    ['kdf.salt', 1],
    ['cipher', 1],
    ['cipher.name', 1],
    ['cipher.nonce', 1],
    ['ciphertext', 1],
  ])('name the member that is of the wrong kind: %s', async (path, value) => {
    const steps = path.split('.')
    const other = changed((json) => put(json, steps.slice(0, -1).join('.'), { [steps.at(-1) ?? '']: value }))
    await expect(openPrivateKey(other, 'secret')).rejects.toThrow(`not a sealed private key: ${path}: expected`)
  })

  test('that hold no key say so', async () => {
    const hollow = await sealPrivateKey(Buffer.from('no key'), 'secret')
    await expect(openPrivateKey(hollow, 'secret')).rejects.toMatchObject({ code: 'key-malformed' })
  })
})
