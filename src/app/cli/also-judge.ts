// `--also-judge`: kinds that Kubernetes does not have, for every command that judges objects.

import { type FurtherKinds, furtherKinds, parseFurtherPlace } from '#core/admission/further-kinds.ts'
import type { Args, OptionSpec } from './command.ts'

export const alsoJudgeOption: OptionSpec = {
  flags: '--also-judge <group/version/resource=path>',
  description:
    'where else images are: what the path leads to is an image, or a pod spec, as in ' +
    'argoproj.io/v1alpha1/rollouts=spec.template.spec or example.com/v1/widgets=spec.images[*]',
  repeatable: true,
}

/** @throws CodedError `usage` */
export function alsoJudged(args: Args): FurtherKinds {
  return furtherKinds(args.all('also-judge').map(parseFurtherPlace))
}
