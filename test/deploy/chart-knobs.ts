// Every value of the chart: what it is set to, and what that changes. `chart.test.ts` fails for a value that has no row.

import { setting } from './chart-values.ts'

/** Where something stands in what was rendered: kind and name, then the members. */
export type Place = readonly [object: string, ...members: readonly (string | number)[]]

export interface Knob {
  /** As in values.yaml: `image.tag`. */
  readonly value: string
  readonly set: unknown
  /** What else has to be set for it to matter. */
  readonly beside?: object
  readonly place: Place
  /** What stands there then; `undefined`: nothing, and before there was something. */
  readonly becomes: unknown
}

const pod = ['Deployment/sealward', 'spec', 'template', 'spec'] as const
const container = [...pod, 'containers', 0] as const
const digest = `sha256:${'0123456789abcdef'.repeat(4)}`
const terms = [{ matchExpressions: [{ key: 'disk', operator: 'Exists' }] }]
const affinity = { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: terms } } }
const keys = { key: { keys: [{ name: '2026', pem: 'a key' }] } }

function argument(value: string, set: unknown, index: number, becomes: string, beside?: object): Knob {
  return { value, set, ...(beside !== undefined && { beside }), place: [...container, 'args', index], becomes }
}

/** Arguments that only some values add stand behind the six that are always there. */
const others = 6

export const knobs: readonly Knob[] = [
  {
    value: 'image.repository',
    set: 'mirror.example.com/a/sealward',
    place: [...container, 'image'],
    becomes: 'mirror.example.com/a/sealward:0.1.0',
  },
  { value: 'image.tag', set: 'next', place: [...container, 'image'], becomes: 'registry.example.com/sealward:next' },
  {
    value: 'image.digest',
    set: digest,
    beside: { image: { tag: 'next' } },
    place: [...container, 'image'],
    becomes: `registry.example.com/sealward@${digest}`,
  },
  { value: 'image.pullPolicy', set: 'Always', place: [...container, 'imagePullPolicy'], becomes: 'Always' },
  { value: 'imagePullSecrets', set: ['own'], place: [...pod, 'imagePullSecrets'], becomes: [{ name: 'own' }] },
  { value: 'nameOverride', set: 'other', place: ['Service/sealward-other', 'kind'], becomes: 'Service' },
  { value: 'fullnameOverride', set: 'gate', place: ['Service/gate', 'kind'], becomes: 'Service' },
  { value: 'replicas', set: 3, place: ['Deployment/sealward', 'spec', 'replicas'], becomes: 3 },
  {
    value: 'profile',
    set: 'Strict',
    place: [...pod, 'volumes'],
    becomes: [{ name: 'tls', secret: { secretName: 'sealward-serving', defaultMode: 0o440 } }],
  },
  {
    value: 'certificate.existingSecret',
    set: 'from-elsewhere',
    place: [...pod, 'volumes', 0, 'secret', 'secretName'],
    becomes: 'from-elsewhere',
  },
  argument('pullSecrets.enabled', true, others, '--pull-secrets'),
  {
    value: 'pullSecrets.namespaces',
    set: ['team-a', 'team-b'],
    place: ['RoleBinding/team-b/sealward-pull-secrets', 'subjects'],
    becomes: [{ kind: 'ServiceAccount', name: 'sealward', namespace: 'sealward' }],
  },
  {
    value: 'keySecrets',
    set: [
      { namespace: 'team-a', name: 'release-key' },
      { namespace: 'team-b', name: 'ci-key' },
      { namespace: 'team-a', name: 'security-key' },
    ],
    place: ['Role/team-a/sealward-keys', 'rules'],
    becomes: [
      {
        apiGroups: [''],
        resources: ['secrets'],
        resourceNames: ['release-key', 'security-key'],
        verbs: ['list', 'watch'],
      },
    ],
  },
  argument('registries.insecure', ['registry.test:5000'], others, '--insecure-registry=registry.test:5000'),
  argument('registries.caConfigMap', 'corp-ca', others, '--registry-ca=/etc/sealward/registry-ca/ca.crt'),
  {
    value: 'registries.dockerConfigSecret',
    set: 'own-registries',
    place: [...pod, 'volumes'],
    becomes: [
      {
        name: 'docker',
        secret: {
          secretName: 'own-registries',
          defaultMode: 0o440,
          items: [{ key: '.dockerconfigjson', path: 'config.json' }],
        },
      },
    ],
  },
  {
    value: 'proxy.url',
    set: 'http://proxy.test:3128',
    place: [...container, 'env'],
    becomes: [
      { name: 'HTTPS_PROXY', value: 'http://proxy.test:3128' },
      { name: 'HTTP_PROXY', value: 'http://proxy.test:3128' },
      { name: 'NO_PROXY', value: '' },
    ],
  },
  {
    value: 'proxy.noProxy',
    set: '.cluster.local',
    beside: { proxy: { url: 'http://proxy.test:3128' } },
    place: [...container, 'env', 2],
    becomes: { name: 'NO_PROXY', value: '.cluster.local' },
  },
  argument('exemptNamespaces', ['monitoring'], others, '--exempt-namespace=monitoring'),
  argument('alsoJudge', ['a.dev/v1/b=spec.c[*]'], others, '--also-judge=a.dev/v1/b=spec.c[*]'),
  argument('webhookTimeoutSeconds', 5, 5, '--webhook-timeout=5'),
  argument('logLevel', 'debug', 4, '--log-level=debug'),
  argument('listen', '::', 3, '--listen=[::]:8443'),
  {
    value: 'records.enabled',
    set: true,
    place: [...pod, 'volumes'],
    becomes: [{ name: 'records', emptyDir: { sizeLimit: '1Gi' } }],
  },
  argument('records.keep', '12h', others + 1, '--store-keep=12h', { records: { enabled: true } }),
  argument('records.keepRecords', 12, others + 2, '--store-keep-records=12', { records: { enabled: true } }),
  {
    value: 'records.sizeLimit',
    set: '2Gi',
    beside: { records: { enabled: true } },
    place: [...pod, 'volumes', 0, 'emptyDir'],
    becomes: { sizeLimit: '2Gi' },
  },
  { value: 'policies.attestors', set: { release: keys }, place: ['Attestor/release', 'spec'], becomes: keys },
  {
    value: 'policies.clusterTrustPolicies',
    set: { production: { otherwise: 'Accept' } },
    place: ['ClusterTrustPolicy/production', 'spec'],
    becomes: { mode: 'Audit', otherwise: 'Accept' },
  },
  { value: 'networkPolicy.enabled', set: false, place: ['NetworkPolicy/sealward'], becomes: undefined },
  {
    value: 'networkPolicy.from',
    set: [{ ipBlock: { cidr: '10.1.0.0/28' } }],
    place: ['NetworkPolicy/sealward', 'spec', 'ingress', 0, 'from'],
    becomes: [{ ipBlock: { cidr: '10.1.0.0/28' } }],
  },
  {
    value: 'networkPolicy.apiServerPorts',
    set: [16443],
    place: ['NetworkPolicy/sealward', 'spec', 'egress', 1, 'ports', 0, 'port'],
    becomes: 16443,
  },
  {
    value: 'networkPolicy.registryPorts',
    set: [443, 5000],
    place: ['NetworkPolicy/sealward', 'spec', 'egress', 1, 'ports', 2],
    becomes: { port: 5000, protocol: 'TCP' },
  },
  {
    value: 'resources.requests.cpu',
    set: '2',
    place: [...container, 'resources', 'requests', 'cpu'],
    becomes: '2',
  },
  {
    value: 'resources.requests.memory',
    set: '1Gi',
    place: [...container, 'resources', 'requests', 'memory'],
    becomes: '1Gi',
  },
  {
    value: 'resources.limits.memory',
    set: '2Gi',
    place: [...container, 'resources', 'limits', 'memory'],
    becomes: '2Gi',
  },
  {
    value: 'priorityClassName',
    set: 'system-cluster-critical',
    place: [...pod, 'priorityClassName'],
    becomes: 'system-cluster-critical',
  },
  {
    value: 'topologySpread',
    set: 'DoNotSchedule',
    place: [...pod, 'topologySpreadConstraints', 1, 'whenUnsatisfiable'],
    becomes: 'DoNotSchedule',
  },
  { value: 'nodeSelector', set: { disk: 'fast' }, place: [...pod, 'nodeSelector'], becomes: { disk: 'fast' } },
  {
    value: 'tolerations',
    set: [{ operator: 'Exists' }],
    place: [...pod, 'tolerations'],
    becomes: [{ operator: 'Exists' }],
  },
  { value: 'affinity', set: affinity, place: [...pod, 'affinity'], becomes: affinity },
  {
    value: 'podAnnotations',
    set: { team: 'a' },
    place: ['Deployment/sealward', 'spec', 'template', 'metadata', 'annotations'],
    becomes: { team: 'a' },
  },
  {
    value: 'podLabels',
    set: { team: 'a' },
    place: ['Deployment/sealward', 'spec', 'template', 'metadata', 'labels', 'team'],
    becomes: 'a',
  },
  {
    value: 'serviceAccountAnnotations',
    set: { role: 'reader' },
    place: ['ServiceAccount/sealward', 'metadata', 'annotations'],
    becomes: { role: 'reader' },
  },
]

/** All of them set at once, but for those of which one rules out others, and for policies. */
export function allKnobs(): object {
  const apart = ['nameOverride', 'fullnameOverride', 'networkPolicy.enabled', 'policies', 'profile', 'certificate']
  const chosen = knobs.filter(({ value }) => !apart.some((name) => value.startsWith(name)))
  return chosen.reduce<object>((values, { value, set }) => setting(value, set, values), {})
}
