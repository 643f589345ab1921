import { expect, test } from 'vitest'
import { signCommand } from '#core/decision/sign-command.ts'

const [old, now] = ['a', 'b'].map((digit) => `sha256:${digit.repeat(64)}`)
const plain = { digest: now, annotations: {}, recursive: false }

test.each([
  ['a.io/b:v1', plain, `sealward sign --key KEY a.io/b@${now}`],
  [`a.io/b@${old}`, plain, `sealward sign --key KEY a.io/b@${now}`],
  ['a.io/b:v1', { ...plain, digest: undefined }, 'sealward sign --key KEY a.io/b:v1'],
  ['a.io/b:v1', { ...plain, digest: 'sha256:x' }, 'sealward sign --key KEY a.io/b:v1'],
  ['a.io/b', { ...plain, recursive: true }, `sealward sign --key KEY --recursive a.io/b@${now}`],
  [
    'a.io/b',
    { ...plain, annotations: { team: 'web', note: "it's; rm -rf" } },
    `sealward sign --key KEY -a team=web -a 'note=it'\\''s; rm -rf' a.io/b@${now}`,
  ],
  ['no name', { ...plain, digest: undefined }, "sealward sign --key KEY 'no name'"],
])('%s is signed by its digest, quoted for a shell', (reference, options, command) => {
  expect(signCommand(reference, options)).toBe(command)
})
