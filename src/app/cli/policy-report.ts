// What one policy said about one image, as JSON.

import type { PolicyJudgement } from '#core/decision/judgement.ts'
import { findingReport } from './finding-report.ts'
import type { Explanation } from './output.ts'

export function policyReport({
  policy,
  mode,
  rule,
  outcome,
  code,
  detail,
  finding,
  platforms,
}: PolicyJudgement): Explanation['images'][number]['policies'][number] {
  return {
    policy,
    mode,
    rule,
    outcome,
    ...(code !== undefined && { code }),
    ...(detail !== undefined && { detail }),
    ...(finding !== undefined && { finding: findingReport(finding) }),
    ...(platforms !== undefined && {
      platforms: platforms.map((each) => ({
        digest: each.digest,
        name: each.name,
        finding: findingReport(each.finding),
      })),
    }),
  }
}
