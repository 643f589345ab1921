// The words of an Attestor; see `schema.ts`.

import type { Choice, ObjectShape, Shape } from './shape.ts'
import { choice, later, list, object, text } from './shape.ts'
import { filePath, instant, line, namespaceName, objectName, pem, repository, secretKey } from './text-formats.ts'
import type { AttestorKey, Layout } from './words.ts'

export const layouts = {
  Tag: { doc: 'cosign’s tag beside the image (`sha256-….sig`), and its OCI 1.1 referrers.' },
  Bundle: { doc: 'sigstore bundles that refer to the image.' },
  Lookaside: { doc: 'GPG signatures in a web directory.', later: true },
  Extension: { doc: 'The signature API of an OpenShift registry.', later: true },
} as const satisfies Record<Layout, Choice>

export const revocationReasons = {
  Superseded: { doc: 'What the key signed before `at`, provably, still counts.' },
  Compromised: { doc: 'Nothing that the key ever signed counts.' },
} as const satisfies Record<NonNullable<AttestorKey['revoked']>['reason'], Choice>

/** `Ignore` is what a key alone can have; logs and timestamps come with sigstore. */
const proofModes = {
  Ignore: { doc: 'Not looked at.' },
  Require: { doc: 'Must be there and prove the time of signing.', later: true },
} as const satisfies Record<string, Choice>

function proof(what: string): Shape {
  return object({
    mode: { doc: `Whether ${what} is asked for.`, shape: choice(proofModes), default: 'Ignore' },
    threshold: {
      doc: 'How many of them must agree; more than 1 means something only with Require.',
      shape: { kind: 'integer', min: 1, max: 16 },
      default: 1,
    },
  })
}

/** A key file of the largest RSA key is below 1 KiB; a chain of certificates is not a key. */
const maxPem = 16 * 1024

const key = object(
  {
    name: { doc: 'What people call the key; unique in its attestor.', shape: text(line, 128), required: true },
    pem: { doc: 'The public key itself.', shape: text(pem, maxPem) },
    file: { doc: 'The file that holds it, relative to this file.', shape: text(filePath, 4096), only: 'files' },
    secretRef: {
      doc: 'The Secret that holds it, as `cosign generate-key-pair k8s://…` makes one. Followed when it changes.',
      shape: object({
        namespace: {
          doc: 'Its namespace. Of a TrustPolicy’s own attestors: that of the policy, and nothing else.',
          shape: text(namespaceName, 63),
        },
        name: { doc: 'Its name.', shape: text(objectName, 253), required: true },
        key: { doc: 'Which of its data.', shape: text(secretKey, 253), default: 'cosign.pub' },
      }),
      only: 'cluster',
    },
    kms: later('A key of a key management service.', 'text'),
    pkcs11: later('A key of a hardware module.', 'text'),
    notBefore: { doc: 'Signatures count from here on.', shape: text(instant, 64) },
    notAfter: { doc: 'Signatures count until here.', shape: text(instant, 64) },
    revoked: {
      doc: 'Since when and why the key is no longer trusted.',
      shape: object({
        at: { doc: 'Since when.', shape: text(instant, 64), required: true },
        reason: { doc: 'Why.', shape: choice(revocationReasons), required: true },
      }),
    },
  },
  {
    exactlyOne: ['pem', 'file', 'secretRef', 'kms', 'pkcs11'],
    together: [
      {
        // Lower-case "t" and "z" are RFC 3339, but not what CEL reads.
        rule: '!has(self.notBefore) || !has(self.notAfter) || timestamp(self.notBefore.upperAscii()) < timestamp(self.notAfter.upperAscii())',
        message: 'must be later than notBefore; the key would never be valid',
        at: 'notAfter',
      },
    ],
  },
)

export const attestorSpec: ObjectShape = object(
  {
    key: {
      doc: 'Speaks by public keys.',
      shape: object({
        keys: {
          doc: 'Any one of them speaks for the attestor. To ask for several, see `atLeast`.',
          // Every signature is tried with every key.
          shape: list(key, { min: 1, max: 64, distinctBy: 'name' }),
          required: true,
        },
      }),
    },
    keyless: later('Speaks by short-lived certificates of a sigstore.', 'object'),
    certificate: later('Speaks by certificates under a root.', 'object'),
    gpg: later('Speaks by a GPG keyring.', 'object'),
    notation: later('Speaks by a trust store of the Notary Project.', 'object'),
    grafeas: later('Speaks by attestations in a Grafeas server.', 'object'),
    log: { doc: 'Proof by a transparency log.', shape: proof('an entry in a transparency log') },
    timestamp: { doc: 'Proof by timestamp authorities.', shape: proof('a signed timestamp') },
    sigstoreRoot: later('Whose logs and authorities are trusted.', 'text'),
    storage: {
      doc: 'Where the signatures lie.',
      shape: object({
        layouts: {
          doc: 'In which forms they are looked for.',
          shape: list(choice(layouts), { min: 1, max: 4, distinct: true }),
          default: ['Tag', 'Bundle'],
        },
        repository: { doc: 'In this repository instead of the image’s own.', shape: text(repository, 512) },
        lookaside: later('Web directories of GPG signatures.', 'list'),
      }),
    },
  },
  { exactlyOne: ['key', 'keyless', 'certificate', 'gpg', 'notation', 'grafeas'] },
)
