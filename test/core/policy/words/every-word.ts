// Documents that use every word of the policy language.

import type { Json, Spec } from '../../../support/policy-documents.ts'
import {
  attestor,
  clusterPolicy,
  denyList,
  keySpec,
  pems,
  rule,
  teamPolicy,
} from '../../../support/policy-documents.ts'

const everyOperator: Spec = {
  matchLabels: { a: 'b' },
  matchExpressions: [
    { key: 'c', operator: 'In', values: ['d'] },
    { key: 'e', operator: 'NotIn', values: ['f'] },
    { key: 'g', operator: 'Exists' },
    { key: 'h', operator: 'DoesNotExist' },
  ],
}

/**
 * Documents that use every supported word at least once.
 *
 * @param more how further keys are given: what files say and what an API server takes differ there
 */
export const everyWord = (...more: readonly Spec[]): readonly Json[] => [
  attestor('release', {
    key: {
      keys: [
        {
          name: 'a',
          pem: pems.first,
          notBefore: '2025-01-01T00:00:00Z',
          notAfter: '2026-01-01T00:00:00Z',
          revoked: { at: '2025-06-01T00:00:00Z', reason: 'Superseded' },
        },
        ...more.map((key, index) => ({
          name: `b${index}`,
          ...key,
          revoked: { at: '2025-06-01T00:00:00Z', reason: 'Compromised' },
        })),
      ],
    },
    log: { mode: 'Ignore', threshold: 1 },
    timestamp: { mode: 'Ignore', threshold: 1 },
    storage: { layouts: ['Tag', 'Bundle'], repository: 'a.example.com/signatures' },
  }),
  clusterPolicy(
    {
      mode: 'Enforce',
      match: {
        namespaces: ['a', 'b-*'],
        excludeNamespaces: ['b-c'],
        namespaceSelector: everyOperator,
        objectSelector: everyOperator,
        resourceRules: [
          { apiGroups: [''], apiVersions: ['v1'], resources: ['pods'], operations: ['CREATE'] },
          { apiGroups: ['apps'], apiVersions: ['v1'], resources: ['*'], operations: ['UPDATE'] },
          { resources: ['*/*'], operations: ['*'] },
        ],
      },
      rules: [
        rule(
          ['a.example.com/**'],
          { signature: { attestor: 'release', annotations: { a: 'b' }, identity: { type: 'Any' } } },
          { exceptImages: ['a.example.com/x'], references: 'Any', platforms: 'Index' },
        ),
        rule(
          ['b.example.com/**'],
          {
            allOf: [
              { signature: { attestor: 'release', identity: { type: 'MatchExact' } } },
              { signature: { attestor: 'release', identity: { type: 'MatchRepository' } } },
            ],
          },
          { references: 'DigestOnly', platforms: 'Each' },
        ),
        rule(['c.example.com/**'], {
          anyOf: [
            { signature: { attestor: 'release', identity: { type: 'MatchRepoDigestOrExact' } } },
            { deny: { message: 'no' } },
          ],
        }),
        rule(['d.example.com/**'], {
          atLeast: {
            count: 1,
            of: [
              {
                signature: {
                  attestor: 'release',
                  identity: { type: 'ExactReference', reference: 'a.example.com/b:v1' },
                },
              },
              {
                signature: {
                  attestor: 'release',
                  identity: { type: 'ExactRepository', repository: 'a.example.com/b' },
                },
              },
            ],
          },
        }),
        rule(['e.example.com/**'], {
          signature: {
            attestor: 'release',
            identity: { type: 'RemapIdentity', prefix: 'e.example.com', signedPrefix: 'f.example.com' },
          },
        }),
        rule(['f.example.com/**'], { insecureAcceptAnything: {} }),
      ],
      otherwise: 'Deny',
      pin: 'TagAndDigest',
      whenUndetermined: 'UseLastVerdict',
      lastVerdictMaxAge: '24h',
      denial: { language: 'en', compat: 'None' },
    },
    'first',
  ),
  clusterPolicy(
    { mode: 'Warn', otherwise: 'Accept', pin: 'Digest', whenUndetermined: 'Deny', denial: { language: 'zh' } },
    'second',
  ),
  clusterPolicy({ mode: 'Audit', otherwise: 'Deny', pin: 'InsecureNever', whenUndetermined: 'InsecureAdmit' }, 'third'),
  teamPolicy({
    attestors: { shop: keySpec({ name: 'c', pem: pems.second }) },
    rules: [rule(['a.example.com/b'], { signature: { attestor: 'shop' } })],
  }),
  denyList({ digests: [`sha256:${'1'.repeat(64)}`], keys: ['2'.repeat(64)], reason: 'stolen' }),
]
