// `sealward decisions list|show|verify`: what they are; `decisions-*-run.ts` do it.

import type { CommandSpec, OptionSpec } from './command.ts'

const store: OptionSpec = {
  flags: '--store <file|dir>',
  description: 'what serve was given: the file, or the folder with decisions.db',
  completes: 'file',
}

const live = 'It may be read while serve writes.'

export const decisionsList: CommandSpec = {
  name: 'decisions list',
  operands: '',
  summary: 'decisions on record, the newest first',
  description:
    `Lists the decisions that serve has put on record, with one line each. ${live} Records that were lost, because the ` +
    'store was away for too long, are listed as a gap wherever one might belong to the answer. Ends with 1 if one of those ' +
    'listed is not what was written, 2 if there is something that cannot be read.',
  options: [
    store,
    { flags: '--since <time>', description: 'not before: 2h, 7d, or 2026-06-01T00:00:00Z' },
    { flags: '--until <time>', description: 'not after' },
    { flags: '-n, --namespace <name>', description: 'of objects in this namespace' },
    { flags: '--image <text>', description: 'with an image that holds this text' },
    { flags: '--outcome <answer>', description: 'that were allowed, or denied', choices: ['allowed', 'denied'] },
    { flags: '--code <code>', description: 'with this code: of the denial, or of one of the images' },
    { flags: '--limit <number>', description: 'no more than so many', default: '20' },
  ],
  examples: [
    { line: 'sealward decisions list --store /var/lib/sealward --outcome denied', shows: 'what was refused lately' },
    {
      line: 'sealward decisions list --store /var/lib/sealward --since 24h -n prod --image team/app -o json',
      shows: 'one image in one namespace, for a script',
    },
  ],
  load: () => import('./decisions-list-run.ts'),
}

export const decisionsShow: CommandSpec = {
  name: 'decisions show',
  operands: '<id>',
  summary: 'one decision as it was made and told',
  description:
    'Prints who asked for what and when, the answer word for word, and each verdict with the policies, findings and ' +
    'signers behind it, as they were on the day: no registry is asked, and policies of today do not matter. ID is the ' +
    'id in the denial, in the log and in the audit annotation, or the uid of the request; the beginning of either is ' +
    'enough where only one begins so. Ends with 1 if the record is not what was written.',
  options: [
    store,
    {
      flags: '--language <language>',
      description: 'explain in this language instead of that of the policy',
      choices: ['en', 'zh'],
    },
  ],
  examples: [
    { line: 'sealward decisions show --store /var/lib/sealward 01K8ZJ7X', shows: 'by the beginning of its id' },
    { line: 'sealward decisions show --store decisions.db 01K8ZJ7X --language zh', shows: 'in Chinese' },
  ],
  load: () => import('./decisions-show-run.ts'),
}

export const decisionsVerify: CommandSpec = {
  name: 'decisions verify',
  operands: '',
  summary: 'is the record of decisions whole, and as it was written?',
  description:
    'Walks the chain of records from its beginning to its head and names each entry that was changed, removed, put in ' +
    `or exchanged, and each judgement that is not the one that was written. ${live} Ends with 0 if all is whole, 1 if ` +
    'anything was tampered with, 2 if the file cannot be read. Whoever can write the file can also make a whole new ' +
    'chain, or cut off its end: note the head elsewhere from time to time, and hold it against the file with ' +
    '--expect-head.',
  options: [
    store,
    { flags: '--expect-head <seq:hash>', description: 'a head that was noted before: it must still be in the chain' },
  ],
  examples: [
    { line: 'sealward decisions verify --store /var/lib/sealward', shows: 'the whole chain, and its head' },
    {
      line: 'sealward decisions verify --store /var/lib/sealward --expect-head 20417:5c1e…',
      shows: 'and nothing was cut off since the head was noted',
    },
  ],
  load: () => import('./decisions-verify-run.ts'),
}
