import { chmod, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { loadKeyFile, loadPrivateKey, loadPublicKey, maxKeyFileBytes } from '#io/keys/key-files.ts'
import { writeKeyPair } from '#io/keys/new-key-files.ts'
import { exportPkcs8, generateKey } from '#signature/keys/private-key.ts'
import { sealPrivateKey } from '#signature/keys/sealed-key.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sealward-keys-'))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

const path = (name: string) => join(folder, name)
const files = (force: boolean, text = 'new') => ({
  privatePath: path('cosign.key'),
  publicPath: path('cosign.pub'),
  privatePem: `${text} private`,
  publicPem: `${text} public`,
  force,
})

describe('writing a key pair', () => {
  test('makes both files readable for their owner only', async () => {
    await writeKeyPair(files(false))
    for (const name of ['cosign.key', 'cosign.pub']) expect((await stat(path(name))).mode & 0o777).toBe(0o600)
    expect(await readFile(path('cosign.key'), 'utf8')).toBe('new private')
  })

  test.each(['cosign.key', 'cosign.pub'])('leaves everything as it was when %s is there', async (name) => {
    await writeFile(path(name), 'old')
    await expect(writeKeyPair(files(false))).rejects.toMatchObject({ code: 'file-exists', where: path(name) })
    expect(await readdir(folder)).toEqual([name])
    expect(await readFile(path(name), 'utf8')).toBe('old')
  })

  test('replaces both when forced, and closes what was open to others', async () => {
    await writeFile(path('cosign.key'), 'old')
    await chmod(path('cosign.key'), 0o644)
    await writeKeyPair(files(true))
    expect(await readFile(path('cosign.key'), 'utf8')).toBe('new private')
    expect((await stat(path('cosign.key'))).mode & 0o777).toBe(0o600)
    expect((await readdir(folder)).sort()).toEqual(['cosign.key', 'cosign.pub'])
  })

  test('says which file cannot be written', async () => {
    const nowhere = { ...files(false), privatePath: path('missing/cosign.key') }
    await expect(writeKeyPair(nowhere)).rejects.toMatchObject({ code: 'file-unwritable' })
    await expect(writeKeyPair({ ...nowhere, force: true })).rejects.toMatchObject({ code: 'file-unwritable' })
    await expect(writeKeyPair({ ...files(false), publicPath: path('missing/cosign.pub') })).rejects.toMatchObject({
      code: 'file-unwritable',
    })
    expect(await readdir(folder)).toEqual([])
  })
})

describe('loading keys', () => {
  test('opens what was sealed, and asks for the password only once the file could be read', async () => {
    const key = await generateKey('ed25519')
    await writeFile(path('a.key'), await sealPrivateKey(exportPkcs8(key), 'x'))
    await writeFile(path('a.pub'), key.publicKey.pem)
    expect((await loadPrivateKey(path('a.key'), async () => 'x')).publicKey).toEqual(key.publicKey)
    expect(await loadPublicKey(path('a.pub'))).toEqual(key.publicKey)
    let asked = 0
    const password = async () => {
      asked += 1
      return 'x'
    }
    await expect(loadPrivateKey(path('none.key'), password)).rejects.toMatchObject({ code: 'file-unreadable' })
    expect(asked).toBe(0)
  })

  test('names the file in whatever goes wrong', async () => {
    const key = await generateKey('ed25519')
    await writeFile(path('a.key'), await sealPrivateKey(exportPkcs8(key), 'x'))
    await writeFile(path('a.txt'), 'no key')
    const wrong = loadPrivateKey(path('a.key'), async () => 'y')
    await expect(wrong).rejects.toMatchObject({ code: 'key-password-wrong', where: path('a.key') })
    await expect(loadPublicKey(path('a.txt'))).rejects.toThrow(path('a.txt'))
    await expect(loadPublicKey(folder)).rejects.toMatchObject({ code: 'file-unreadable' })
  })

  test('reads up to the cap and not a byte more, devices too', async () => {
    await writeFile(path('full'), 'a'.repeat(maxKeyFileBytes))
    expect(await loadKeyFile(path('full'))).toHaveLength(maxKeyFileBytes)
    await writeFile(path('over'), 'a'.repeat(maxKeyFileBytes + 1))
    await expect(loadKeyFile(path('over'))).rejects.toMatchObject({ code: 'input-too-large' })
    await expect(loadKeyFile('/dev/zero')).rejects.toMatchObject({ code: 'input-too-large' })
    await writeFile(path('bytes'), new Uint8Array([0xff, 0xfe]))
    await expect(loadKeyFile(path('bytes'))).rejects.toMatchObject({ code: 'key-malformed' })
  })
})
