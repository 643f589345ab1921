// `sealward sign`.

import type { SignedTarget, SigningTools } from '#app/sign.ts'
import { signImage } from '#app/sign.ts'
import type { SignatureFormat } from '#app/sign-readback.ts'
import type { Repository } from '#core/decision/question.ts'
import { CodedError, messageOf } from '#core/errors.ts'
import type { ImageReference } from '#core/image/reference.ts'
import { parseReference, repositoryName } from '#core/image/reference.ts'
import { loadPrivateKey } from '#io/keys/key-files.ts'
import type { Signer } from '#signature/keys/signer.ts'
import { createSigner } from '#signature/keys/signer.ts'
import type { Args, CommandContext, ExitCode } from './command.ts'
import { annotationsOf } from './key-flags.ts'
import { askKeyPassword } from './key-password.ts'
import { parseRepository, refuseForeignReference } from './key-policy.ts'
import type { SigningReport } from './output.ts'
import { withProgress } from './progress.ts'
import { openRegistry, ownCredentials, timeoutOf } from './registry-flags.ts'

export async function run(args: Args, context: CommandContext): Promise<ExitCode> {
  const images = args.operands.map(parseOperand)
  const timeoutMs = timeoutOf(args)
  const request = {
    format: formatOf(args),
    annotations: annotationsOf(args),
    recursive: args.flag('recursive'),
    ...signatureRepository(args, context),
  }
  const signer = await openSigner(args, context)
  const registry = await openRegistry(args, context)
  const warnings: string[] = []
  const tools: SigningTools = {
    registry,
    context: { signal: AbortSignal.timeout(timeoutMs), scope: ownCredentials },
    now: Date.now,
    random: Math.random,
    pushing: ({ repository }) => context.stderr.line(`Pushing signature to: ${repositoryName(repository)}`),
    warn: (text) => {
      warnings.push(text)
      context.stderr.line(`warning: ${text}`)
    },
  }
  const signed: SigningReport['signed'] = []
  try {
    for (const image of images) {
      const targets = await withProgress(context.stderr, `signing ${image.text}`, () =>
        signImage({ ...request, image, signer }, tools),
      )
      for (const target of targets) {
        signed.push(toReport(image, target, signer))
        if (!context.json) context.stdout.line(textOf(target))
      }
    }
  } finally {
    await registry.close()
  }
  const report: SigningReport = { kind: 'sealward.dev/Signing', version: 1, exitCode: 0, signed, warnings }
  if (context.json) context.stdout.line(JSON.stringify(report, null, 2))
  return 0
}

function textOf({ image, digest, repository, place }: SignedTarget): string {
  const separator = place.includes(':') ? '@' : ':'
  return `signed  ${repositoryName(image)}@${digest}\n  signature: ${repositoryName(repository)}${separator}${place} (read back and verified)`
}

function toReport(written: ImageReference, target: SignedTarget, signer: Signer): SigningReport['signed'][number] {
  const { image, digest, format, repository, place } = target
  return {
    image: written.text,
    reference: `${repositoryName(image)}@${digest}`,
    format,
    repository: repositoryName(repository),
    place,
    signer: { fingerprint: signer.publicKey.fingerprint },
  }
}

async function openSigner(args: Args, context: CommandContext): Promise<Signer> {
  const path = args.text('key')
  if (path === undefined) throw new CodedError('usage', 'the private key is missing: give --key FILE')
  refuseForeignReference(path)
  const what = `password for ${path}`
  const key = await loadPrivateKey(path, () => askKeyPassword({ variable: 'COSIGN_PASSWORD', what }, context))
  return createSigner(key)
}

function formatOf(args: Args): SignatureFormat {
  return args.text('format') === 'bundle' ? 'bundle' : 'cosign'
}

/** A malformed name on a command line is a slip of the person who typed it. @throws CodedError `usage` */
export function parseOperand(text: string): ImageReference {
  try {
    return parseReference(text)
  } catch (error) {
    throw new CodedError('usage', messageOf(error), { cause: error })
  }
}

/** `--signature-repository`, else COSIGN_REPOSITORY. @throws CodedError `usage` */
export function signatureRepository(args: Args, context: CommandContext): { readonly repository?: Repository } {
  const text = args.text('signature-repository') ?? (context.env['COSIGN_REPOSITORY'] || undefined)
  return text === undefined ? {} : { repository: parseRepository(text) }
}
