import { expect, test } from 'vitest'
import { checkSignature } from '#signature/keys/check.ts'
import { generateKey } from '#signature/keys/private-key.ts'
import { createSigner } from '#signature/keys/signer.ts'

const bytes = new TextEncoder().encode('signed')

test.each(['ecdsa-p256', 'ecdsa-p384', 'rsa-2048', 'ed25519'] as const)(
  'what a key of the kind %s signs is accepted by it, and by no other',
  async (kind) => {
    const [own, other] = await Promise.all([generateKey(kind), generateKey(kind)])
    const signature = await createSigner(own).sign(bytes)
    expect(createSigner(own).publicKey).toBe(own.publicKey)
    expect(await checkSignature(own.publicKey, bytes, signature)).toBe('valid')
    expect(await checkSignature(other.publicKey, bytes, signature)).toMatchObject({ code: 'signature-wrong-key' })
  },
)
