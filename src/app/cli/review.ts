// `sealward review`: what it is; `review-run.ts` does it.

import { alsoJudgeOption } from './also-judge.ts'
import type { CommandSpec } from './command.ts'
import { policyOption, registryOptions } from './options.ts'

export const command: CommandSpec = {
  name: 'review',
  operands: '<file>',
  summary: 'answer an AdmissionReview as the webhook would',
  description:
    'Reads one AdmissionReview (v1 or v1beta1, JSON; `-` for standard input) and prints the AdmissionReview that the ' +
    'webhook would answer, and nothing else: of /validate, or with --mutate of /mutate, with the patch. Ends with ' +
    '0 allowed, 1 denied, 3 denied because something could not be found out.',
  options: [
    policyOption,
    { flags: '--mutate', description: 'answer as /mutate: with the patch that pins digests' },
    alsoJudgeOption,
    ...registryOptions,
  ],
  examples: [
    { line: 'sealward review review.json --policy policies/ --mutate', shows: 'the answer of /mutate' },
    { line: 'cat review.json | sealward review - --policy policies/', shows: 'the answer of /validate' },
  ],
  load: () => import('./review-run.ts'),
}
