// All readers whose properties are described, and what is called like a reader and has none of its own.

import { admissionReaders } from './admission-readers.ts'
import { encodingReaders } from './encoding-readers.ts'
import { imageReaders } from './image-readers.ts'
import { keyReaders } from './key-readers.ts'
import { policyReaders } from './policy-readers.ts'
import type { ReaderProperties } from './reader.ts'
import { signatureReaders } from './signature-readers.ts'

export const readers: readonly ReaderProperties[] = [
  ...encodingReaders,
  ...imageReaders,
  ...policyReaders,
  ...admissionReaders,
  ...keyReaders,
  ...signatureReaders,
]

/** Folders whose readers all have properties. */
export const coveredFolders: readonly string[] = ['src/core/', 'src/signature/']

/** By `file function`, or by `file` for one that only calls readers: why there are no properties. */
export const withoutProperties: Readonly<Record<string, string>> = {
  'src/signature/keys/ed25519ph.ts': 'the base64 is what the platform exports of a key',
}
