// `sealward serve`: what it is; `serve-run.ts` does it.

import { alsoJudgeOption } from './also-judge.ts'
import type { CommandSpec } from './command.ts'
import { kubeOptions } from './kube-options.ts'
import { policyOption, registryOptions } from './options.ts'

export const command: CommandSpec = {
  name: 'serve',
  operands: '',
  summary: 'run the admission webhook',
  description:
    'Answers AdmissionReviews (v1 and v1beta1) over TLS at /mutate and /validate. Policy, key and certificate files are ' +
    'read again when they change; an edit that is not right keeps the last good policies, and /readyz says so. Without ' +
    '--tls-cert it makes an authority and a certificate of its own. SIGTERM lets what has arrived be answered first.',
  options: [
    policyOption,
    { flags: '--listen <host:port>', description: 'where to listen', default: '127.0.0.1:8443' },
    { flags: '--tls-cert <file>', description: 'PEM: the serving certificate and its chain', completes: 'file' },
    { flags: '--tls-key <file>', description: 'PEM: its private key', completes: 'file' },
    { flags: '--tls-name <name>', description: 'a name or address in the certificate of its own', repeatable: true },
    { flags: '--tls-ca-out <file>', description: 'where to write the authority of its own', completes: 'file' },
    ...registryOptions
      .filter(({ flags }) => !flags.startsWith('--timeout'))
      .map((option) =>
        option.flags.startsWith('--insecure-registry')
          ? {
              ...option,
              description:
                'speak plain HTTP with this registry; a server never does so unasked, not even on this machine',
            }
          : option,
      ),
    {
      flags: '--exempt-namespace <name>',
      description: 'a namespace that only policies which name it apply to (besides kube-system and its like)',
      repeatable: true,
    },
    alsoJudgeOption,
    {
      flags: '--log-level <level>',
      description: 'what to log',
      choices: ['debug', 'info', 'warn', 'error', 'silent'],
      default: 'info',
    },
    ...kubeOptions,
    {
      flags: '--store <file|dir>',
      description: 'keep a record of every decision in this SQLite file, or in decisions.db in this folder',
      completes: 'file',
    },
    { flags: '--store-keep <time>', description: 'how long: 12h, 90d, 52w, or forever', default: '90d' },
    { flags: '--store-keep-records <number>', description: 'no more of them than so many' },
  ],
  plain: true,
  examples: [
    {
      line: 'sealward serve --policy policies/ --tls-ca-out ca.pem',
      shows: 'on this machine, with a certificate of its own',
    },
    {
      line: 'sealward serve --policy /etc/sealward --listen 0.0.0.0:8443 --tls-cert tls.crt --tls-key tls.key',
      shows: 'with given certificates',
    },
    {
      line: 'sealward serve --policy policies/ --store /var/lib/sealward',
      shows: 'and every decision is on record (see `sealward decisions`)',
    },
  ],
  load: () => import('./serve-run.ts'),
}
