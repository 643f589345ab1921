// Where distribution 2.8 and our demo registry answer differently, each difference probed on both sides. A client of
// ours has to live with either answer. `registry.test.ts` asserts how many there are.

import { createHash, randomBytes } from 'node:crypto'
import { http, mediaTypes, pushBlob, pushImage } from '../support/images.ts'
import { codeAndStatus, startUpload } from './registry-contract.ts'

export interface Difference {
  readonly about: string
  readonly probe: (host: string) => Promise<string>
  readonly distribution: string
  readonly demo: string
}

const image = { 'content-type': mediaTypes.manifest }

function jsonBytes(value: unknown): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(value))
}

/** An artifact that refers to an image, pushed under a tag. */
async function pushReferrer(host: string, repository: string) {
  const { config, descriptor } = await pushImage(host, repository, 'v1')
  const manifest = {
    schemaVersion: 2,
    mediaType: mediaTypes.manifest,
    artifactType: 'application/x.test',
    config,
    layers: [],
  }
  const body = jsonBytes({ ...manifest, subject: descriptor })
  const answer = await http('PUT', `${host}/v2/${repository}/manifests/referrer`, { body, headers: image })
  return { answer, subject: descriptor.digest }
}

export const differences: readonly Difference[] = [
  {
    about: 'the referrers API',
    probe: async (host) => {
      const { subject } = await pushReferrer(host, 'differ/referrers')
      const answer = await http('GET', `${host}/v2/differ/referrers/referrers/${subject}`)
      return `${answer.status} ${answer.headers['content-type']}`
    },
    distribution: '404 text/plain; charset=utf-8',
    demo: `200 ${mediaTypes.index}`,
  },
  {
    about: 'OCI-Subject in the answer to a manifest with a subject',
    probe: async (host) => {
      const { answer, subject } = await pushReferrer(host, 'differ/subject')
      return `${answer.status} ${answer.headers['oci-subject'] === subject}`
    },
    distribution: '201 false',
    demo: '201 true',
  },
  {
    about: 'a whole blob in one POST',
    probe: async (host) => {
      const body = randomBytes(16)
      const digest = `sha256:${createHash('sha256').update(body).digest('hex')}`
      return String((await http('POST', `${host}/v2/differ/post/blobs/uploads/?digest=${digest}`, { body })).status)
    },
    distribution: '202',
    demo: '201',
  },
  {
    about: 'a chunk out of order',
    probe: async (host) => {
      const location = await startUpload(host, 'differ/chunks')
      const headers = { 'content-range': '5-9', 'content-type': 'application/octet-stream' }
      return String((await http('PATCH', location.href, { body: randomBytes(5), headers })).status)
    },
    distribution: '202',
    demo: '416',
  },
  {
    about: 'a range after the end of a blob',
    probe: async (host) => {
      const { digest } = await pushBlob(host, 'differ/range', { bytes: randomBytes(10), mediaType: mediaTypes.layer })
      const answer = http('GET', `${host}/v2/differ/range/blobs/${digest}`, { headers: { range: 'bytes=10-20' } })
      return answer.then(({ status }) => String(status)).catch(() => 'breaks off')
    },
    distribution: 'breaks off',
    demo: '416',
  },
  {
    about: 'tags in pages',
    probe: async (host) => {
      for (const tag of ['c', 'a', 'b']) await pushImage(host, 'differ/tags', tag, { seed: 'one' })
      const answer = await http('GET', `${host}/v2/differ/tags/tags/list?n=2`)
      return `${JSON.parse(answer.body.toString('utf8')).tags.length} tags, link: ${answer.headers['link'] ?? 'none'}`
    },
    distribution: '3 tags, link: none',
    demo: '2 tags, link: </v2/differ/tags/tags/list?n=2&last=b>; rel="next"',
  },
  {
    about: 'deleting a tag',
    probe: async (host) => {
      const { digest } = await pushImage(host, 'differ/untag', 'v1')
      const { status } = await http('DELETE', `${host}/v2/differ/untag/manifests/v1`)
      const left = await http('HEAD', `${host}/v2/differ/untag/manifests/${digest}`, {
        headers: { accept: mediaTypes.manifest },
      })
      return `${status}, image ${left.status}`
    },
    distribution: '400, image 200',
    demo: '202, image 200',
  },
  {
    about: 'the status of a manifest that names a missing blob',
    probe: async (host) => {
      const { config } = await pushImage(host, 'differ/gap', 'v1')
      const layers = [{ mediaType: mediaTypes.layer, digest: `sha256:${'0'.repeat(64)}`, size: 5 }]
      const body = jsonBytes({ schemaVersion: 2, mediaType: mediaTypes.manifest, config, layers })
      return codeAndStatus(await http('PUT', `${host}/v2/differ/gap/manifests/v2`, { body, headers: image }))
    },
    distribution: '400 MANIFEST_BLOB_UNKNOWN',
    demo: '404 MANIFEST_BLOB_UNKNOWN',
  },
  {
    about: 'an OCI manifest for a client that does not accept it',
    probe: async (host) => {
      await pushImage(host, 'differ/accept', 'v1')
      const headers = { accept: 'application/vnd.docker.distribution.manifest.v2+json' }
      return String((await http('GET', `${host}/v2/differ/accept/manifests/v1`, { headers })).status)
    },
    distribution: '404',
    demo: '200',
  },
  {
    about: 'an OCI manifest for a client that accepts anything',
    probe: async (host) => {
      await pushImage(host, 'differ/accept', 'v1')
      const answer = await http('GET', `${host}/v2/differ/accept/manifests/v1`, { headers: { accept: '*/*' } })
      return String(answer.status)
    },
    distribution: '404',
    demo: '200',
  },
  {
    about: 'a repository name in capitals',
    probe: async (host) => {
      const answer = await http('GET', `${host}/v2/Differ/manifests/v1`)
      return `${answer.status} ${answer.headers['content-type']}`
    },
    distribution: '404 text/plain; charset=utf-8',
    demo: '400 application/json',
  },
  {
    about: 'where an upload goes on',
    probe: async (host) => {
      const answer = await http('POST', `${host}/v2/differ/location/blobs/uploads/`)
      return String(answer.headers['location']).startsWith('/') ? 'a path' : 'a whole URL'
    },
    distribution: 'a whole URL',
    demo: 'a path',
  },
]
