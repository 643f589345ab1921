// docker's config.json: credentials are given for the hosts that it names, and for no other.

import type { Repository } from '#core/decision/question.ts'
import { credentialsFor, helperFor, parseDockerConfig } from '#io/registry/docker-config.ts'
import { type Parts, partsOf, textOf } from '../case.ts'
import { must, reading, type Target } from '../target.ts'

const auth = Buffer.from('user:a:password').toString('base64')

const seeds: Readonly<Record<string, Parts>> = {
  plain: partsOf({ text: JSON.stringify({ auths: { 'registry.example.com': { auth } }, credsStore: 'desktop' }) }),
  paths: partsOf({
    text: JSON.stringify({
      auths: {
        'https://index.docker.io/v1/': { auth },
        'registry.example.com:5000/team': { username: 'a', password: 'b' },
        'registry.example.com/team/app': { identitytoken: 't' },
        '*.example.com': { registrytoken: 't' },
      },
      credHelpers: { 'registry.example.com': 'ecr-login' },
    }),
  }),
}

const asked: Repository = { registry: 'registry.example.com', repository: 'team/app' }
/** No seed and no word names it. */
const stranger: Repository = { registry: 'stranger.invalid:4711', repository: 'team/app' }

export const dockerConfig: Target = {
  name: 'docker-config',
  about: "docker's config.json",
  syntax: { text: 'json' },
  dictionary: [
    'auths',
    'auth',
    'username',
    'password',
    'identitytoken',
    'registrytoken',
    'credHelpers',
    'credsStore',
    'registry.example.com',
    'https://',
    '/v1/',
    '*',
    '*.',
    ':443',
    '../evil',
    auth,
  ],
  open: () => ({
    seeds,
    run: (parts) => {
      const text = textOf(parts['text'])
      const read = reading(() => parseDockerConfig(text))
      if (read.code !== undefined) return read.code
      const config = read.value
      const given = credentialsFor(config, asked)
      if (!/[*?]|\\u/.test(text))
        must(credentialsFor(config, stranger).length === 0, 'credentials are given to a host that is not named')
      must(
        given.length === 0 || text.toLowerCase().includes('example') || /[*\\]/.test(text),
        'credentials are given to a host that is not named',
      )
      const helper = helperFor(config, asked)?.helper ?? ''
      must(/^[A-Za-z0-9_.-]*$/.test(helper), 'a credential helper is a path')
      return `${given.map(({ kind }) => kind)} ${helper !== ''}`
    },
  }),
}
