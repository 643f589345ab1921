// Short texts: base64, PEM, digests, durations, instants, addresses. Each is refused with a code, or read as what it says.

import { listenAddress } from '#app/cli/listen-address.ts'
import { answerWithin } from '#app/server/timeout.ts'
import { decodeBase64, encodeBase64 } from '#core/encoding/base64.ts'
import { parsePem } from '#core/encoding/pem.ts'
import { printable } from '#core/encoding/printable.ts'
import { parseDigest } from '#core/image/digest.ts'
import { parseDuration, parseInstant } from '#core/policy/text-formats.ts'
import { partsOf, textOf } from '../case.ts'
import { must, reading, type Target } from '../target.ts'

const texts = [
  'QUJDRA==',
  'QUJDREU=',
  `sha256:${'a'.repeat(64)}`,
  '24h',
  '1h30m5s',
  '2026-02-28T23:59:59.999Z',
  '2024-02-29T00:00:00+14:00',
  '127.0.0.1:8443',
  '[::1]:0',
  '1.5s',
  '300ms',
  '-----BEGIN X-----\nQUJD\n-----END X-----\n',
]

export const words: Target = {
  name: 'words',
  about: 'base64, PEM, digests, durations, instants, addresses',
  syntax: { text: 'text' },
  dictionary: [
    '=',
    '==',
    'A',
    '+',
    '/',
    '-',
    '_',
    'sha512:',
    'ns',
    'us',
    'µs',
    'h',
    'm',
    's',
    'T',
    'Z',
    '+00:00',
    ':',
    '[',
    ']',
    '.5',
    '99999',
  ],
  open: () => ({
    seeds: Object.fromEntries(texts.map((text) => [text, partsOf({ text })])),
    run: (parts) => {
      const text = textOf(parts['text'])
      const base64 = reading(() => decodeBase64(text))
      const isCanonical = Buffer.from(text, 'base64').toString('base64') === text
      must((base64.code === undefined) === isCanonical, 'base64 is not read in its one form')
      if (base64.code === undefined)
        must(encodeBase64(base64.value) === text, 'base64 is another one when it is written out')
      const digest = reading(() => parseDigest(text))
      must(
        digest.code !== undefined || /^sha(256|384|512):[0-9a-f]{64,128}$/.test(text),
        'a digest was accepted that is none',
      )
      const within = answerWithin(text)
      must(within > 0 && within <= 30_000, 'an answer may take a time that nobody waits', () => String(within))
      const address = reading(() => listenAddress(text))
      if (address.code === undefined) must(address.value.port >= 0 && address.value.port <= 65_535, 'a port is none')
      const at = parseInstant(text)
      must(at === undefined || Number.isSafeInteger(at), 'an instant is no time')
      const lasts = parseDuration(text)
      must(lasts === undefined || (Number.isSafeInteger(lasts) && lasts >= 0), 'a duration is none')
      must(
        printable(text).length <= 200 && !/[\p{Cc}\p{Cs}\u202e\u200b]/u.test(printable(text)),
        'a text was made printable and is not',
      )
      const pem = reading(() => parsePem(text))
      return [base64.code, digest.code, address.code, pem.code, at === undefined, lasts === undefined].join(' ')
    },
  }),
}
