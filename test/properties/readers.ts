// All readers whose properties are described, and what is called like a reader and has none of its own.

import { admissionReaders } from './admission-readers.ts'
import { encodingReaders } from './encoding-readers.ts'
import { imageReaders } from './image-readers.ts'
import { policyReaders } from './policy-readers.ts'
import type { ReaderProperties } from './reader.ts'

export const readers: readonly ReaderProperties[] = [
  ...encodingReaders,
  ...imageReaders,
  ...policyReaders,
  ...admissionReaders,
]

/** Folders whose readers all have properties. */
export const coveredFolders: readonly string[] = ['src/core/']

/** By `file function`, or by `file` for one that only calls readers: why there are no properties. */
export const withoutProperties: Readonly<Record<string, string>> = {}
