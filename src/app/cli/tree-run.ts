// `sealward tree`.

import type { ImageTree } from '#app/image-tree.ts'
import { listImageTree } from '#app/image-tree.ts'
import { printable } from '#core/encoding/printable.ts'
import { repositoryName } from '#core/image/reference.ts'
import type { Args, CommandContext, ExitCode } from './command.ts'
import type { TreeReport } from './output.ts'
import { withProgress } from './progress.ts'
import { openRegistry, ownCredentials, timeoutOf } from './registry-flags.ts'
import { parseOperand, signatureRepository } from './sign-run.ts'
import { styled } from './style.ts'
import type { TreeNode } from './tree-lines.ts'
import { treeLines } from './tree-lines.ts'

export async function run(args: Args, context: CommandContext): Promise<ExitCode> {
  const image = parseOperand(args.operands[0] ?? '')
  const { repository } = signatureRepository(args, context)
  const fetching = { signal: AbortSignal.timeout(timeoutOf(args)), scope: ownCredentials }
  const registry = await openRegistry(args, context)
  const tree = await withProgress(context.stderr, 'asking the registry', () =>
    listImageTree(image, repository ?? image, registry, fetching),
  ).finally(() => registry.close())
  const exitCode: ExitCode = tree.problems.length > 0 ? 3 : 0
  if (context.json) context.stdout.line(JSON.stringify(toReport(image.text, tree, exitCode), null, 2))
  else context.stdout.line(textOf(image.text, tree, context))
  return exitCode
}

function textOf(image: string, tree: ImageTree, { stdout }: CommandContext): string {
  const { platforms, entries, problems } = tree
  const children: TreeNode[] = [
    { text: `${repositoryName(tree.image)}@${tree.digest}` },
    { text: printable(tree.mediaType, 120) },
    ...platforms.map(({ platform, digest, size }) => ({
      text: `platform ${printable(platform, 80)}  ${digest}  ${size} B`,
    })),
    ...entries.map(({ type, place, mediaType, size }) => ({
      text: `${type}  ${printable(place)}  ${printable(mediaType, 120)}  ${size} B`,
    })),
    ...problems.map(({ place, code, detail }) => ({
      text: `could not be read: ${printable(place)}, ${code}: ${printable(detail)}`,
    })),
    ...(entries.length === 0 && problems.length === 0
      ? [{ text: 'nothing refers to it: no signature, no attestation' }]
      : []),
  ]
  const lines = treeLines({ text: styled(stdout, 'bold', printable(image, 300)), children })
  return [
    ...lines,
    'Listed, not verified: who may push can put things here. sealward verify says what they are worth.',
  ].join('\n')
}

function toReport(image: string, tree: ImageTree, exitCode: ExitCode): TreeReport {
  return {
    kind: 'sealward.dev/Tree',
    version: 1,
    exitCode,
    image,
    reference: `${repositoryName(tree.image)}@${tree.digest}`,
    mediaType: tree.mediaType,
    verified: false,
    platforms: tree.platforms.map((each) => ({ ...each })),
    entries: tree.entries.map((each) => ({ ...each })),
    problems: tree.problems.map((each) => ({ ...each })),
  }
}
