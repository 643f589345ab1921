// `sealward check`: what it is; `check-run.ts` does it.

import { alsoJudgeOption } from './also-judge.ts'
import type { CommandSpec } from './command.ts'
import { namespaceOption, policyOption, registryOptions } from './options.ts'

export const command: CommandSpec = {
  name: 'check',
  operands: '<file...>',
  summary: 'would these manifests be admitted?',
  description:
    'Reads Kubernetes manifests (YAML or JSON, any number of documents, Lists, `-` for standard input, so the output of ' +
    'helm or kustomize) and judges every image in them as the webhook would when they are created. Objects without ' +
    'images, and those that no policy is about, are left alone. Namespace objects in the files give labels. Nothing is ' +
    'sent to a cluster.',
  options: [
    policyOption,
    { ...namespaceOption, description: 'the namespace of objects that name none' },
    alsoJudgeOption,
    ...registryOptions,
  ],
  examples: [
    { line: 'sealward check deploy.yaml --policy policies/', shows: 'one file' },
    { line: 'helm template ./chart | sealward check - --policy policies/ -n prod', shows: 'what helm makes' },
  ],
  load: () => import('./check-run.ts'),
}
