import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { outputs } from '#app/cli/output.ts'
import type { DemoRegistry } from '#app/demo/registry.ts'
import { startDemoRegistry } from '#app/demo/registry.ts'
import { runCli, runHere, tempFolder } from '../../support/cli.ts'
import type { PushedImage } from '../../support/images.ts'
import { pushImage } from '../../support/images.ts'

let registry: DemoRegistry
let folder: Awaited<ReturnType<typeof tempFolder>>
let signed: PushedImage
let unsigned: PushedImage
const env = { COSIGN_PASSWORD: '' }

const cli = (line: string, input?: string) =>
  runHere(line, { cwd: folder.path, env, ...(input === undefined ? {} : { input }) })

const pod = (name: string, image: string, namespace = 'prod') =>
  JSON.stringify({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace },
    spec: { containers: [{ name: 'main', image }] },
  })

const review = (image: string, apiVersion = 'admission.k8s.io/v1') =>
  JSON.stringify({
    apiVersion,
    kind: 'AdmissionReview',
    request: {
      uid: 'the-uid',
      kind: { group: '', version: 'v1', kind: 'Pod' },
      resource: { group: '', version: 'v1', resource: 'pods' },
      namespace: 'prod',
      operation: 'CREATE',
      userInfo: { username: 'somebody' },
      object: JSON.parse(pod('a', image)),
    },
  })

beforeAll(async () => {
  registry = await startDemoRegistry()
  folder = await tempFolder()
  await cli('keys generate --output-key-prefix @release')
  signed = await pushImage(registry.host, 'team/signed', 'v1')
  unsigned = await pushImage(registry.host, 'team/unsigned', 'v1')
  await cli(`sign --key @release.key ${signed.pinned}`)
  await writeFile(
    join(folder.path, 'policy.yaml'),
    `apiVersion: sealward.dev/v1alpha1
kind: Attestor
metadata: { name: release }
spec: { key: { keys: [{ name: main, file: release.pub }] } }
---
apiVersion: sealward.dev/v1alpha1
kind: ClusterTrustPolicy
metadata: { name: production }
spec:
  match: { namespaceSelector: { matchLabels: { kubernetes.io/metadata.name: prod } } }
  rules:
    - images: ["${registry.host}/team/**"]
      require: { signature: { attestor: release } }
---
apiVersion: v1
kind: Namespace
metadata: { name: prod }
---
apiVersion: v1
kind: Namespace
metadata: { name: dev }
`,
  )
})

afterAll(async () => {
  await registry?.close()
  await folder?.remove()
})

describe('check', () => {
  test('a signed image is allowed, and shown as it would be pinned', async () => {
    const { code, stdout } = await cli('check - --policy @policy.yaml', pod('a', signed.reference))
    expect(code).toBe(0)
    expect(stdout).toContain('Pod prod/a  allowed')
    expect(stdout).toContain(`pinned: ${signed.reference}@${signed.digest}`)
    expect(stdout).toContain('1 object: 1 allowed, 0 denied, 0 left alone')
  })

  test('an unsigned one is denied, with the reason and what would help', async () => {
    const { code, stdout } = await cli('check - --policy @policy.yaml', pod('b', unsigned.reference))
    expect(code).toBe(1)
    expect(stdout).toContain('Pod prod/b  denied')
    expect(stdout).toContain('code: signature-missing')
    expect(stdout).toContain(`sealward sign --key KEY ${unsigned.pinned}`)
  })

  test('many documents, Lists, comments and objects without images, each with its line', async () => {
    const text = `# made by hand
${pod('a', signed.reference)}
---
---
apiVersion: v1
kind: List
items:
  - ${pod('in-list', unsigned.reference)}
  - { apiVersion: v1, kind: ConfigMap, metadata: { name: settings } }
---
${pod('elsewhere', 'nginx', 'dev')}
`
    const { code, stdout } = await cli('check - --policy @policy.yaml -o json', text)
    expect(code).toBe(1)
    const { objects } = outputs.check.schema.parse(JSON.parse(stdout))
    expect(objects.map(({ line, name, outcome, because }) => [line, name, outcome, because])).toEqual([
      [2, 'a', 'allowed', undefined],
      [5, 'in-list', 'denied', undefined],
      [5, 'settings', 'left alone', 'unknown-kind'],
      [11, 'elsewhere', 'left alone', 'no-policy'],
    ])
  })

  test('every image of a workload is judged, with its place', async () => {
    const deployment = {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: 'web', namespace: 'prod' },
      spec: {
        template: {
          spec: {
            initContainers: [{ name: 'first', image: signed.reference }],
            containers: [{ name: 'web', image: unsigned.reference }],
          },
        },
      },
    }
    const { stdout } = await cli('check - --policy @policy.yaml -o json', JSON.stringify(deployment))
    const { images = [] } = outputs.check.schema.parse(JSON.parse(stdout)).objects[0] ?? {}
    expect(images.map(({ field, outcome }) => [field, outcome])).toEqual([
      ['spec.template.spec.initContainers[0].image', 'trusted'],
      ['spec.template.spec.containers[0].image', 'untrusted'],
    ])
  })

  test('a Namespace object in the files gives labels, and -n the namespace of what names none', async () => {
    const labelled = `${pod('a', unsigned.reference, 'team-a')}
---
{ apiVersion: v1, kind: Namespace, metadata: { name: team-a, labels: { signed: required } } }`
    await writeFile(
      join(folder.path, 'labels.yaml'),
      (await readFile(join(folder.path, 'policy.yaml'), 'utf8')).replace(
        'kubernetes.io/metadata.name: prod',
        'signed: required',
      ),
    )
    expect((await cli('check - --policy @labels.yaml', labelled)).code).toBe(1)
    expect(
      (await cli('check - --policy @labels.yaml', labelled.replace('signed: required', 'signed: optional'))).code,
    ).toBe(0)
    const bare = JSON.stringify({ ...JSON.parse(pod('a', unsigned.reference)), metadata: { name: 'a' } })
    expect((await cli('check - --policy @policy.yaml -n prod', bare)).code).toBe(1)
    expect((await cli('check - --policy @policy.yaml -n dev', bare)).code).toBe(0)
  })

  test('labels of a namespace that nobody gave make a selector undetermined, never a pass', async () => {
    const { code, stdout } = await cli('check - --policy @labels.yaml', pod('a', signed.reference, 'unknown'))
    expect(code).toBe(3)
    expect(stdout).toContain('code: namespace-labels-unknown')
  })

  test('what helm makes: anchors, YAML 1.1 words and duplicate separators are read as kubectl reads them', async () => {
    const text = `---
x-common: &image "${unsigned.reference}"
apiVersion: v1
kind: Pod
metadata: { name: a, namespace: prod, labels: { enabled: "yes" } }
spec: { hostNetwork: no, containers: [{ name: main, image: *image }] }
---
`
    expect((await cli('check - --policy @policy.yaml', text)).code).toBe(1)
  })

  test.each([
    ['a: [b', 'stdin:1: '],
    ['apiVersion: v1\nkind: Pod\n---\nkind: Pod', 'stdin:4: no Kubernetes object: apiVersion and kind must be there'],
    ['just text', 'stdin:1: a document that is not an object'],
    ['apiVersion: v1\nkind: Pod\nkind: Job', 'stdin:3: '],
    ['a: {{ .Values.image }}\nb: c: d', 'render it first (helm template)'],
    ['a: *nobody', 'stdin:1: '],
  ])('a document that is malformed is 2, with its place: %j', async (text, message) => {
    const { code, stdout, stderr } = await cli('check - --policy @policy.yaml', text)
    expect([code, stdout]).toEqual([2, ''])
    expect(stderr).toContain(message)
  })

  test('aliases cannot blow up the memory', async () => {
    const lines = ['a: &a [x, x, x, x, x, x, x, x, x, x]']
    for (let i = 1; i < 9; i++)
      lines.push(
        `a${i}: &a${i} [${Array(10)
          .fill(`*a${i === 1 ? '' : i - 1}`)
          .join(', ')}]`,
      )
    const { code, stderr } = await cli('check - --policy @policy.yaml', lines.join('\n'))
    expect(code).toBe(2)
    expect(stderr).toContain('alias')
  })

  test('a container without an image is refused as admission refuses it', async () => {
    const { code, stdout } = await cli('check - --policy @policy.yaml', pod('a', ''))
    expect(code).toBe(2)
    expect(stdout).toContain('spec.containers[0].image is missing')
  })

  test('nothing to read from is a mistake', async () => {
    expect((await cli('check @nowhere.yaml --policy @policy.yaml')).stderr).toContain('code: file-unreadable')
    expect((await cli('check - ', pod('a', 'b'))).stderr).toContain('give --policy FILE|DIR')
    expect((await cli('check - --policy @release.pub', pod('a', 'b'))).code).toBe(2)
  })
})

describe('--also-judge', () => {
  const widget = (image: string) =>
    JSON.stringify({
      apiVersion: 'example.com/v1',
      kind: 'Widget',
      metadata: { name: 'w', namespace: 'prod' },
      spec: { images: [image] },
    })
  const place = '--also-judge example.com/v1/widgets=spec.images[*]'
  const check = (image: string, ...more: readonly string[]) =>
    cli(['check - --policy @policy.yaml', ...more].join(' '), widget(image))
  const widgetReview = (image: string) => {
    const parsed = JSON.parse(review(image))
    const about = { group: 'example.com', version: 'v1' }
    const kind = { ...about, kind: 'Widget' }
    const resource = { ...about, resource: 'widgets' }
    return JSON.stringify({
      ...parsed,
      request: { ...parsed.request, kind, resource, object: JSON.parse(widget(image)) },
    })
  }

  test('an image at such a place is judged, and refused if nobody has signed it', async () => {
    expect(await check(unsigned.reference, place)).toMatchObject({
      code: 1,
      stdout: expect.stringContaining(`The image "${unsigned.reference}" of spec.images[0] is refused`),
    })
    const allowed = await check(signed.reference, place)
    expect(allowed.stdout).toContain(`pinned: ${signed.reference}@${signed.digest}`)
    expect(allowed.code).toBe(0)
  })

  test('an object of another resource, or without the flag, is left alone', async () => {
    for (const more of [[], ['--also-judge example.com/v2/widgets=spec.images[*]']])
      expect(await check(unsigned.reference, ...more)).toMatchObject({
        code: 0,
        stdout: expect.stringContaining('left alone'),
      })
  })

  test('review answers with a patch at that place', async () => {
    const given = await cli(`review - --policy @policy.yaml --mutate ${place}`, widgetReview(signed.reference))
    const patch = JSON.parse(Buffer.from(JSON.parse(given.stdout).response.patch, 'base64').toString())
    expect(patch).toEqual([{ op: 'replace', path: '/spec/images/0', value: `${signed.reference}@${signed.digest}` }])
    expect((await cli(`review - --policy @policy.yaml ${place}`, widgetReview(unsigned.reference))).code).toBe(1)
    expect((await cli('review - --policy @policy.yaml', widgetReview(unsigned.reference))).code).toBe(0)
  })

  test.each(['check -', 'review -', 'serve'])('what is malformed is not understood: %s', async (command) => {
    const { code, stderr } = await cli(`${command} --policy @policy.yaml --also-judge widgets=spec`, widget('a'))
    expect(code).toBe(2)
    expect(stderr).toContain('--also-judge widgets=spec: write GROUP/VERSION/RESOURCE=PATH')
  })
})

describe('review', () => {
  test('prints the answer of /mutate with its patch, and nothing else', async () => {
    const { code, stdout, stderr } = await runCli(['review', '-', '--policy', 'policy.yaml', '--mutate'], {
      cwd: folder.path,
      input: review(signed.reference),
    })
    expect([code, stderr]).toEqual([0, ''])
    const { apiVersion, kind, response } = JSON.parse(stdout)
    expect([apiVersion, kind, response.uid, response.allowed]).toEqual([
      'admission.k8s.io/v1',
      'AdmissionReview',
      'the-uid',
      true,
    ])
    expect(JSON.parse(Buffer.from(response.patch, 'base64').toString('utf8'))).toEqual([
      { op: 'replace', path: '/spec/containers/0/image', value: `${signed.reference}@${signed.digest}` },
    ])
  })

  test('denies with 1 what is unsigned, and with 3 what could not be found out', async () => {
    const denied = await cli('review - --policy @policy.yaml --mutate', review(unsigned.reference))
    expect(denied.code).toBe(1)
    expect(JSON.parse(denied.stdout).response).toMatchObject({
      allowed: false,
      status: { code: 403, reason: 'Forbidden' },
    })
    const unknown = await cli('review - --policy @policy.yaml', review(`${registry.host}/team/none:v1`))
    expect(unknown.code).toBe(3)
    expect(JSON.parse(unknown.stdout).response.allowed).toBe(false)
  })

  test('without --mutate it is /validate: a tag that should have been pinned is denied, the pinned name is not', async () => {
    const tag = await cli('review - --policy @policy.yaml', review(signed.reference))
    expect([tag.code, JSON.parse(tag.stdout).response.status.message]).toEqual([
      1,
      expect.stringContaining('not-pinned'),
    ])
    expect((await cli('review - --policy @policy.yaml', review(signed.pinned))).code).toBe(0)
  })

  test('answers a v1beta1 review in v1beta1', async () => {
    const { stdout } = await cli('review - --policy @policy.yaml', review(signed.pinned, 'admission.k8s.io/v1beta1'))
    expect(JSON.parse(stdout).apiVersion).toBe('admission.k8s.io/v1beta1')
  })

  test.each([
    ['{', 'json-malformed'],
    ['{"kind": "Pod"}', 'review-malformed'],
    ['{"kind": "a", "kind": "b"}', 'json-duplicate'],
  ])('what is no review is 2: %s', async (text, code) => {
    const run = await cli('review - --policy @policy.yaml', text)
    expect([run.code, run.stdout]).toEqual([2, ''])
    expect(run.stderr).toContain(`code: ${code}`)
  })
})
