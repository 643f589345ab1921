// The least that `verify --key` can be: three reads and one check with nothing but Node's own modules. No cap, no
// deadline, no retry, no credentials, no other format, no sentence. Plain JavaScript, so that nothing has to be stripped.
//
// minimal-verify.mjs http://HOST REPOSITORY TAG KEY.pub

import { createHash, verify } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { Agent, get } from 'node:http'
import process from 'node:process'

const [base, repository, tag, keyFile] = process.argv.slice(2)
const agent = new Agent({ keepAlive: true })
const headers = { accept: 'application/vnd.oci.image.manifest.v1+json, application/vnd.oci.image.index.v1+json' }

function read(path) {
  return new Promise((resolve, reject) => {
    const asked = get(`${base}/v2/${repository}/${path}`, { agent, headers }, (answer) => {
      const chunks = []
      answer.on('data', (chunk) => chunks.push(chunk))
      answer.on('error', reject)
      answer.on('end', () =>
        answer.statusCode === 200 ? resolve(Buffer.concat(chunks)) : reject(new Error(`${path}: ${answer.statusCode}`)),
      )
    })
    asked.on('error', reject)
  })
}

const digestOf = (bytes) => `sha256:${createHash('sha256').update(bytes).digest('hex')}`

const digest = digestOf(await read(`manifests/${tag}`))
const [layer] = JSON.parse(await read(`manifests/${digest.replace(':', '-')}.sig`)).layers
const payload = await read(`blobs/${layer.digest}`)
const signature = Buffer.from(layer.annotations['dev.cosignproject.cosign/signature'], 'base64')
const isGood =
  digestOf(payload) === layer.digest &&
  JSON.parse(payload).critical.image['docker-manifest-digest'] === digest &&
  verify('sha256', payload, readFileSync(keyFile), signature)
process.stdout.write(isGood ? `trusted ${digest}\n` : 'untrusted\n')
process.exit(isGood ? 0 : 1)
