// The JSON that commands answer with (`-o json`), as schemas: `docs/schemas` and `docs/output.md` are made of them, and
// tests hold real outputs against them. Additions keep the version; whatever else changes raises it.

import { z } from 'zod'

const outcome = z
  .enum(['trusted', 'untrusted', 'undetermined', 'accepted'])
  .describe('`accepted`: let pass without verification; never the same as trusted.')
const code = z.string().describe('A code of docs/errors.md.')
const digest = z.string().describe('algorithm:hex')
const exitCode = z.union([z.literal(0), z.literal(1), z.literal(2), z.literal(3)])
const envelope = (kind: string) => ({ kind: z.literal(`sealward.dev/${kind}`), version: z.literal(1), exitCode })

const signer = z.strictObject({
  attestor: z.string(),
  key: z.string().describe('The name that the attestor gives the key.'),
  fingerprint: z.string().describe('SHA-256 of the public key (SubjectPublicKeyInfo), in hex.'),
})

const image = z.strictObject({
  image: z.string().describe('As it was written.'),
  reference: z.string().optional().describe('Normalised.'),
  digest: digest.optional().describe('What was judged; absent if it could not be found out.'),
  outcome,
  code: code.optional(),
  detail: z.string().optional(),
  policy: z.string().optional().describe('The policy that decided.'),
  signers: z.array(signer).describe('Whose signatures were verified.'),
  pinned: z.string().optional().describe('What the webhook would write in place of the image.'),
  explanation: z.array(z.string()).describe('The lines that people read.'),
})

export const verification = z.strictObject({
  ...envelope('Verification'),
  decision: z.string().describe('The id of the decision.'),
  at: z.string().describe('When it was made.'),
  namespace: z.string(),
  images: z.array(image),
})

const check = z.strictObject({
  name: z.string(),
  passed: z.boolean(),
  code: code.optional(),
  detail: z.string().optional(),
})
const placed = z.strictObject({ place: z.string(), code, detail: z.string() })

/** A requirement as it was judged. */
const finding = z.strictObject({
  kind: z.enum(['signature', 'allOf', 'anyOf', 'atLeast', 'deny', 'insecureAcceptAnything']),
  state: z.enum(['satisfied', 'unsatisfied', 'undetermined', 'open']),
  code: code.optional(),
  detail: z.string().optional(),
  count: z.number().optional(),
  attestor: z.string().optional(),
  annotations: z.record(z.string(), z.string()).optional(),
  acceptableKeys: z.array(z.string()).optional(),
  signers: z.array(signer),
  signatures: z
    .array(
      z.strictObject({
        format: z.string(),
        place: z.string(),
        counts: z.boolean(),
        signer: signer.optional(),
        signedAs: z.string().optional(),
        code: code.optional(),
        detail: z.string().optional(),
        checks: z.array(check),
      }),
    )
    .optional(),
  oddities: z.array(placed).optional().describe('Found at the place of signatures, but none.'),
  gaps: z.array(placed).optional().describe('Could not be read; while there is one, nobody says "unsigned".'),
  validUntil: z.string().optional(),
  get of() {
    return z.array(finding).optional()
  },
})

const policyJudgement = z.strictObject({
  policy: z.string(),
  mode: z.enum(['Enforce', 'Warn', 'Audit']),
  rule: z.string(),
  outcome,
  code: code.optional(),
  detail: z.string().optional(),
  finding: finding.optional(),
  platforms: z.array(z.strictObject({ digest, name: z.string(), finding })).optional(),
})

export const explanation = z.strictObject({
  ...envelope('Explanation'),
  decision: z.string(),
  at: z.string(),
  namespace: z.string(),
  images: z.array(image.extend({ policies: z.array(policyJudgement) })),
})

const checkedObject = z.strictObject({
  file: z.string(),
  line: z.number(),
  apiVersion: z.string(),
  kind: z.string(),
  name: z.string().optional(),
  namespace: z.string().optional(),
  outcome: z.enum(['allowed', 'denied', 'left alone']),
  because: z.string().optional().describe('Why the object was left alone.'),
  decision: z.string().optional(),
  message: z.string().optional().describe('What the person who applies the object would read.'),
  warnings: z.array(z.string()),
  images: z.array(image.extend({ field: z.string(), container: z.string() })),
})

export const checkReport = z.strictObject({ ...envelope('Check'), objects: z.array(checkedObject) })

export const signing = z.strictObject({
  ...envelope('Signing'),
  signed: z.array(
    z.strictObject({
      image: z.string().describe('As it was written, or the platform of an index.'),
      reference: z.string().describe('repository@digest'),
      format: z.enum(['cosign', 'bundle']),
      repository: z.string().describe('Where the signature was pushed.'),
      place: z.string().describe('Tag or digest of the manifest that holds the signature.'),
      signer: z.strictObject({ fingerprint: z.string() }),
    }),
  ),
  warnings: z.array(z.string()),
})

const treeEntry = z.strictObject({
  type: z.enum(['signature', 'attestation', 'referrer']),
  place: z.string(),
  mediaType: z.string().describe('Media type or artifact type, as it is declared.'),
  digest: digest.optional(),
  size: z.number(),
})

export const imageTree = z.strictObject({
  ...envelope('Tree'),
  image: z.string(),
  reference: z.string(),
  mediaType: z.string(),
  verified: z.literal(false).describe('Always: this lists, it does not verify.'),
  platforms: z.array(z.strictObject({ digest, platform: z.string(), size: z.number() })),
  entries: z.array(treeEntry),
  problems: z.array(placed),
})

export const keyReport = z.strictObject({
  ...envelope('Key'),
  algorithm: z.string(),
  fingerprint: z.string(),
  publicKey: z.string().describe('PEM'),
  privateKeyFile: z.string().optional(),
  publicKeyFile: z.string().optional(),
})

const lintEntry = z.strictObject({
  file: z.string(),
  line: z.number().optional(),
  kind: z.string().optional(),
  name: z.string().optional(),
  path: z.string(),
  message: z.string(),
})

export const lintReport = z.strictObject({
  ...envelope('Lint'),
  policies: z.number(),
  attestors: z.number(),
  denyLists: z.number(),
  problems: z.array(lintEntry.extend({ code })),
  warnings: z.array(lintEntry.extend({ code: z.string() })).describe('Allowed, but seldom meant.'),
})

/** Of a record: who asked for what, when, and what was answered. */
const decisionFacts = {
  decision: z.string().describe('The id of the decision.'),
  seq: z.number().describe('Its place in the chain of records.'),
  hash: z.string().describe('SHA-256 of the entry and all before it, in hex.'),
  asWritten: z.boolean().describe('If not, somebody has changed it: `decisions verify` says more.'),
  at: z.string(),
  path: z.enum(['mutate', 'validate']),
  uid: z.string().describe('Of the request.'),
  answer: z.enum(['allowed', 'patched', 'denied']).describe('`patched`: allowed, with images pinned.'),
  code: code.optional(),
  operation: z.string().optional().describe('Absent where the request could not be read.'),
  object: z.strictObject({ group: z.string(), version: z.string(), kind: z.string() }).optional(),
  subResource: z.string().optional(),
  namespace: z.string().optional(),
  name: z.string().optional().describe('Absent where the API server generates it.'),
  user: z.string().optional(),
  dryRun: z.boolean(),
  policies: z
    .array(z.strictObject({ policy: z.string(), mode: z.enum(['Enforce', 'Warn', 'Audit']), revision: z.string() }))
    .describe('That spoke about the images, as they were then.'),
}

const decisionReport = z.strictObject({
  ...decisionFacts,
  images: z.array(
    z.strictObject({
      pointer: z.string().describe('Where in the object: RFC 6901.'),
      container: z.string(),
      image: z.string(),
      outcome,
      code: code.optional(),
      policy: z.string().optional(),
      pinned: z.string().optional(),
      unchanged: z.boolean().describe('An update left it as it was.'),
    }),
  ),
})

export const decisionList = z.strictObject({
  ...envelope('DecisionList'),
  decisions: z.array(decisionReport).describe('The newest first.'),
  gaps: z
    .array(z.strictObject({ seq: z.number(), count: z.number(), why: z.string(), from: z.string(), until: z.string() }))
    .describe('Records that were lost in that time; some of them might have fitted.'),
  damages: z
    .array(z.strictObject({ seq: z.number(), at: z.string(), transactions: z.number() }))
    .describe('When serve was started then, the newest records could not be read any more.'),
  more: z.boolean().describe('There are more than --limit.'),
  unreadable: z.number().describe('Entries that are not as Sealward writes them.'),
  endDamaged: z.boolean().describe('The newest records cannot be read.'),
})

export const decisionShown = z.strictObject({
  ...envelope('Decision'),
  decisions: z
    .array(
      z.strictObject({
        ...decisionFacts,
        message: z.string().optional().describe('Of a denial: as it was told.'),
        images: z.array(
          image.extend({
            field: z.string(),
            container: z.string(),
            unchanged: z.boolean(),
            policies: z.array(policyJudgement),
          }),
        ),
      }),
    )
    .describe('One; several only where one request was sent several times.'),
})

export const decisionVerification = z.strictObject({
  ...envelope('DecisionVerification'),
  whole: z.boolean(),
  chain: z.string().describe('The name that the chain was given when it began.'),
  head: z.strictObject({ seq: z.number(), hash: z.string() }).describe('Its last entry.'),
  removed: z.number().describe('Entries that retention has removed from the front.'),
  entries: z.number(),
  records: z.number().describe('Of decisions.'),
  judgements: z.number(),
  runs: z.number(),
  unended: z.array(z.string()).describe('Runs without an end: killed, or still writing.'),
  gaps: z.strictObject({ marks: z.number(), records: z.number() }),
  damages: z
    .strictObject({ marks: z.number(), transactions: z.number() })
    .describe('Starts of serve that found the newest records unreadable; a transaction is a batch of records.'),
  expectedHead: z.enum(['found', 'differs', 'beyond', 'removed']).optional(),
  findings: z.array(
    z.strictObject({
      kind: z.enum(['changed', 'missing', 'unreadable', 'outside', 'judgement', 'anchor', 'head', 'file', 'log']),
      seq: z.number().optional(),
      id: z.string().optional(),
      message: z.string(),
    }),
  ),
  findingCount: z.number().describe('Of all findings; the first fifty are named.'),
})

export const failure = z.strictObject({ ...envelope('Failure'), code, message: z.string(), next: z.string() })

export type Verification = z.infer<typeof verification>
export type Explanation = z.infer<typeof explanation>
export type FindingReport = z.infer<typeof finding>
export type ImageReport = z.infer<typeof image>
export type CheckReport = z.infer<typeof checkReport>
export type SigningReport = z.infer<typeof signing>
export type TreeReport = z.infer<typeof imageTree>
export type KeyReport = z.infer<typeof keyReport>
export type LintReport = z.infer<typeof lintReport>
export type DecisionReport = z.infer<typeof decisionReport>
export type DecisionList = z.infer<typeof decisionList>
export type DecisionShown = z.infer<typeof decisionShown>
export type DecisionVerification = z.infer<typeof decisionVerification>

/** Every document by the name of its schema file, with the commands that answer with it. */
export const outputs = {
  verification: { schema: verification, commands: 'verify' },
  explanation: { schema: explanation, commands: 'explain' },
  check: { schema: checkReport, commands: 'check' },
  signing: { schema: signing, commands: 'sign' },
  tree: { schema: imageTree, commands: 'tree' },
  key: { schema: keyReport, commands: 'keys generate, keys import, keys public' },
  lint: { schema: lintReport, commands: 'policy lint' },
  'decision-list': { schema: decisionList, commands: 'decisions list' },
  decision: { schema: decisionShown, commands: 'decisions show' },
  'decision-verification': { schema: decisionVerification, commands: 'decisions verify' },
  failure: { schema: failure, commands: 'every command that fails' },
} as const
