// `sealward keys generate|import|public`: what they are; `keys-run.ts` does it.

import type { CommandSpec, OptionSpec } from './command.ts'

const out: readonly OptionSpec[] = [
  {
    flags: '--output-key-prefix <prefix>',
    description: 'write PREFIX.key (sealed by a password) and PREFIX.pub',
    default: 'cosign',
    completes: 'file',
  },
  { flags: '--force', description: 'replace files that are there' },
]

export const keysGenerate: CommandSpec = {
  name: 'keys generate',
  operands: '',
  summary: 'make a pair of keys for signing',
  description:
    'Makes a key and writes the private half, sealed by a password, and the public half. Both files are as cosign ' +
    'writes and reads them. The password comes from COSIGN_PASSWORD or is asked for, twice. Keep the private half and ' +
    'its password apart; give the public half to everybody.',
  options: [
    {
      flags: '--kind <kind>',
      description: 'which kind of key',
      choices: ['ecdsa-p256', 'ecdsa-p384', 'rsa-2048', 'rsa-3072', 'rsa-4096', 'ed25519'],
      default: 'ecdsa-p256',
    },
    ...out,
  ],
  examples: [
    { line: 'sealward keys generate', shows: 'cosign.key and cosign.pub' },
    { line: 'sealward keys generate --kind ed25519 --output-key-prefix release', shows: 'release.key and release.pub' },
  ],
  load: async () => ({ run: (await import('./keys-run.ts')).runGenerate }),
}

export const keysImport: CommandSpec = {
  name: 'keys import',
  operands: '<file>',
  summary: 'seal a private key that another tool made',
  description:
    'Reads a private key in PEM (PKCS#8, also with a password; SEC1; PKCS#1), as openssl writes it, and writes it sealed ' +
    'by a password, with its public half. IMPORT_PASSWORD opens the key that is read, COSIGN_PASSWORD seals the new one.',
  options: out,
  examples: [{ line: 'sealward keys import ec.pem --output-key-prefix release', shows: 'release.key and release.pub' }],
  load: async () => ({ run: (await import('./keys-run.ts')).runImport }),
}

export const keysPublic: CommandSpec = {
  name: 'keys public',
  operands: '<file>',
  summary: 'print the public half of a key',
  description:
    'Prints the public key in PEM. Of a sealed private key the password is needed (COSIGN_PASSWORD, or it is asked for); ' +
    'of a public key the PEM is printed in its usual form, and -o json shows kind and fingerprint.',
  options: [],
  examples: [{ line: 'sealward keys public cosign.key', shows: 'the public key in PEM' }],
  load: async () => ({ run: (await import('./keys-run.ts')).runPublic }),
}
