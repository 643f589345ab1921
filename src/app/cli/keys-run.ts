// `sealward keys generate|import|public`.

import { existsSync } from 'node:fs'
import { CodedError } from '#core/errors.ts'
import { loadKeyFile, loadPrivateKey } from '#io/keys/key-files.ts'
import { writeKeyPair } from '#io/keys/new-key-files.ts'
import type { PrivateKey } from '#signature/keys/private-key.ts'
import { exportPkcs8, generateKey, importPrivateKey, keyKinds } from '#signature/keys/private-key.ts'
import type { PublicKeyInfo } from '#signature/keys/public-key.ts'
import { readPublicKey } from '#signature/keys/public-key.ts'
import { isSealedKey, sealPrivateKey } from '#signature/keys/sealed-key.ts'
import type { Args, CommandContext, ExitCode } from './command.ts'
import { askKeyPassword } from './key-password.ts'
import type { KeyReport } from './output.ts'

export async function runGenerate(args: Args, context: CommandContext): Promise<ExitCode> {
  const kind = keyKinds.find((name) => name === args.text('kind'))
  if (kind === undefined) throw new CodedError('usage', `--kind: one of ${keyKinds.join(', ')}`)
  // Before anybody is asked for a password.
  const seal = await askForSeal(args, context)
  return seal(await generateKey(kind))
}

export async function runImport(args: Args, context: CommandContext): Promise<ExitCode> {
  const path = onlyOperand(args)
  const key = await loadForeignKey(path, context)
  const seal = await askForSeal(args, context)
  return seal(key)
}

export async function runPublic(args: Args, context: CommandContext): Promise<ExitCode> {
  const path = onlyOperand(args)
  const text = await loadKeyFile(path)
  const info = isSealedKey(text)
    ? (
        await loadPrivateKey(path, () =>
          askKeyPassword({ variable: 'COSIGN_PASSWORD', what: `password for ${path}` }, context),
        )
      ).publicKey
    : naming(path, () => readPublicKey(text))
  if (context.json) context.stdout.line(JSON.stringify(report(info), null, 2))
  else context.stdout.write(info.pem)
  return 0
}

/** Asks for the password first and answers with what seals and writes a key. */
async function askForSeal(args: Args, context: CommandContext): Promise<(key: PrivateKey) => Promise<ExitCode>> {
  const prefix = args.text('output-key-prefix') ?? 'cosign'
  const [privatePath, publicPath] = [`${prefix}.key`, `${prefix}.pub`]
  const force = args.flag('force')
  if (!force) for (const path of [privatePath, publicPath]) refuseExisting(path)
  const what = `password for ${privatePath}`
  const password = await askKeyPassword({ variable: 'COSIGN_PASSWORD', what, confirm: true }, context)
  return async (key) => {
    const pkcs8 = exportPkcs8(key)
    const privatePem = await sealPrivateKey(pkcs8, password)
    pkcs8.fill(0)
    await writeKeyPair({
      privatePath,
      publicPath,
      privatePem,
      publicPem: key.publicKey.pem,
      force,
    })
    if (password === '') {
      context.stderr.line(`warning: the password is empty: whoever can read ${privatePath} can sign with it`)
    }
    const files = { privateKeyFile: privatePath, publicKeyFile: publicPath }
    if (context.json) context.stdout.line(JSON.stringify({ ...report(key.publicKey), ...files }, null, 2))
    else {
      context.stderr.line(`Private key written to ${privatePath}`)
      context.stderr.line(`Public key written to ${publicPath}`)
    }
    return 0
  }
}

async function loadForeignKey(path: string, context: CommandContext): Promise<PrivateKey> {
  const text = await loadKeyFile(path)
  const isEncrypted = text.includes('-----BEGIN ENCRYPTED PRIVATE KEY-----')
  const password = isEncrypted
    ? await askKeyPassword({ variable: 'IMPORT_PASSWORD', what: `password that opens ${path}` }, context)
    : undefined
  return naming(path, () => importPrivateKey(text, password))
}

/** Nobody wants to think of a password first and hear of this then. The writing itself refuses again, without a race. */
function refuseExisting(path: string): void {
  if (existsSync(path))
    throw new CodedError('file-exists', `${path} is there already; a key is never overwritten unasked`)
}

function report({ algorithm, fingerprint, pem }: PublicKeyInfo): KeyReport {
  return { kind: 'sealward.dev/Key', version: 1, exitCode: 0, algorithm, fingerprint, publicKey: pem }
}

function onlyOperand(args: Args): string {
  const [path] = args.operands
  if (path === undefined) throw new CodedError('usage', 'the key file is missing')
  return path
}

function naming<T>(path: string, read: () => T): T {
  try {
    return read()
  } catch (error) {
    if (!(error instanceof CodedError)) throw error
    throw new CodedError(error.code, `${path}: ${error.message}`, { where: path, cause: error })
  }
}
