// What judging found of one requirement, as JSON.

import type { Finding, SignatureFinding } from '#core/decision/finding.ts'
import type { FindingReport } from './output.ts'

export function findingReport(finding: Finding): FindingReport {
  const { kind, state, code, detail, signers, validUntil } = finding
  const common = {
    kind,
    state,
    ...(code !== undefined && { code }),
    ...(detail !== undefined && { detail }),
    signers: signers.map(({ attestor, key, fingerprint }) => ({ attestor, key, fingerprint })),
    ...(validUntil !== undefined && { validUntil: new Date(validUntil).toISOString() }),
  }
  switch (finding.kind) {
    case 'signature': {
      const { attestor, annotations, acceptableKeys, signatures, oddities, gaps } = finding
      return {
        ...common,
        attestor,
        annotations: { ...annotations },
        acceptableKeys: [...acceptableKeys],
        signatures: signatures.map(signatureReport),
        oddities: oddities.map(({ place, code: of, detail: why }) => ({ place, code: of, detail: why })),
        gaps: gaps.map(({ place, code: of, detail: why }) => ({ place, code: of, detail: why })),
      }
    }
    case 'allOf':
    case 'anyOf':
    case 'atLeast':
      return {
        ...common,
        ...(finding.count !== undefined && { count: finding.count }),
        of: finding.of.map(findingReport),
      }
    case 'deny':
    case 'insecureAcceptAnything':
      return common
  }
}

function signatureReport(found: SignatureFinding): NonNullable<FindingReport['signatures']>[number] {
  const { format, place, counts, signer, signedAs, code, detail, checks } = found
  return {
    format,
    place,
    counts,
    ...(signer !== undefined && {
      signer: { attestor: signer.attestor, key: signer.key, fingerprint: signer.fingerprint },
    }),
    ...(signedAs !== undefined && { signedAs }),
    ...(code !== undefined && { code }),
    ...(detail !== undefined && { detail }),
    checks: checks.map((check) => ({
      name: check.name,
      passed: check.passed,
      ...(check.code !== undefined && { code: check.code }),
      ...(check.detail !== undefined && { detail: check.detail }),
    })),
  }
}
