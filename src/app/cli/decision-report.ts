// A record as JSON: the same in a list and alone.

import type { DecisionRecord } from '#core/decision/record.ts'
import type { FoundEntry } from '#io/store/records-reader.ts'
import type { DecisionReport } from './output.ts'

export function recordReport(
  { id, seq, at, hash }: FoundEntry,
  record: DecisionRecord,
  asWritten: boolean,
): DecisionReport {
  const { path, uid, answer, code, operation, kind, subResource, namespace, name, user, dryRun } = record
  return {
    decision: id,
    seq,
    hash,
    asWritten,
    at: new Date(at).toISOString(),
    path,
    uid,
    answer,
    ...(code !== undefined && { code }),
    ...(operation !== undefined && { operation }),
    ...(kind !== undefined && { object: { ...kind } }),
    ...(subResource !== undefined && { subResource }),
    ...(namespace !== undefined && { namespace }),
    ...(name !== undefined && { name }),
    ...(user !== undefined && { user }),
    dryRun: dryRun === true,
    policies: (record.policies ?? []).map(({ name: policy, mode, revision }) => ({ policy, mode, revision })),
    images: (record.uses ?? []).map((use) => ({
      pointer: use.pointer,
      container: use.name,
      image: use.image,
      outcome: use.outcome,
      ...(use.code !== undefined && { code: use.code }),
      ...(use.policy !== undefined && { policy: use.policy }),
      ...(use.pinned !== undefined && { pinned: use.pinned }),
      unchanged: use.unchanged === true,
    })),
  }
}
