// All readers whose properties are described, and what is called like a reader and has none of its own.

import { admissionReaders } from './admission-readers.ts'
import { appReaders } from './app-readers.ts'
import { commandReaders } from './command-readers.ts'
import { encodingReaders } from './encoding-readers.ts'
import { fileReaders } from './file-readers.ts'
import { imageReaders } from './image-readers.ts'
import { keyReaders } from './key-readers.ts'
import { kubeReaders } from './kube-readers.ts'
import { policyReaders } from './policy-readers.ts'
import { pullSecretReaders } from './pull-secret-readers.ts'
import type { ReaderProperties } from './reader.ts'
import { registryReaders } from './registry-readers.ts'
import { signatureReaders } from './signature-readers.ts'
import { storeReaders } from './store-readers.ts'

export const readers: readonly ReaderProperties[] = [
  ...encodingReaders,
  ...imageReaders,
  ...policyReaders,
  ...admissionReaders,
  ...keyReaders,
  ...signatureReaders,
  ...registryReaders,
  ...pullSecretReaders,
  ...fileReaders,
  ...kubeReaders,
  ...storeReaders,
  ...appReaders,
  ...commandReaders,
]

/** By `file function`, or by `file` for one that only calls readers: why there are no properties. */
export const withoutProperties: Readonly<Record<string, string>> = {
  'src/signature/keys/ed25519ph.ts': 'the base64 is what the platform exports of a key',
  'src/io/http/direct-wire.ts openDirect': 'opens connections',
  'src/io/http/proxy-wire.ts openByProxy': 'opens connections',
  'src/io/registry/authorization.ts': 'hands headers to the reader of challenges',
  'src/io/registry/put-referrer.ts': 'adds to an index that the reader of lists has read just before',
  'src/app/sign-readback.ts readBack': 'gathers and verifies by the formats',
  'src/app/server/reading.ts readReview': 'hands bodies to the readers of JSON and reviews',
  'src/app/cli/policy-flags.ts loadPolicies': 'hands paths to the reader of policy files',
  'src/app/cli/store-flags.ts openRecords': 'hands the file to the thread that writes',
  'src/app/cli/review-run.ts': 'puts the name of the file before what the reader of JSON says',
  'src/app/demo/play.ts': 'reads what the server of the demo itself has answered',
  'src/app/demo/registry-manifests.ts': 'the registry of the demo, in its own process',
}
