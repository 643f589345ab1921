import { PassThrough, Readable } from 'node:stream'
import { describe, expect, test } from 'vitest'
import { loadPassword, type PasswordInput } from '#io/keys/password.ts'

/** A terminal as Node shows it: a stream with a raw mode that is remembered. */
function terminal(): { input: PassThrough & PasswordInput; modes: boolean[] } {
  const modes: boolean[] = []
  const input = Object.assign(new PassThrough(), { isTTY: true, setRawMode: (raw: boolean) => modes.push(raw) })
  return { input, modes }
}

function screen(): { output: PassThrough; shown: () => string } {
  const output = new PassThrough()
  const chunks: Buffer[] = []
  output.on('data', (chunk: Buffer) => chunks.push(chunk))
  return { output, shown: () => Buffer.concat(chunks).toString('utf8') }
}

const ask = (input: PasswordInput, output: PassThrough, more: { fromEnvironment?: string; confirm?: boolean } = {}) =>
  loadPassword({ what: 'password for a.key', fromEnvironment: undefined, confirm: false, input, output, ...more })

describe('a password', () => {
  test('comes from the environment, even the empty one, and nobody is asked', async () => {
    const { input, modes } = terminal()
    const { output, shown } = screen()
    expect(await ask(input, output, { fromEnvironment: 'x', confirm: true })).toBe('x')
    expect(await ask(input, output, { fromEnvironment: '' })).toBe('')
    expect([modes, shown()]).toEqual([[], ''])
  })

  test('is typed unseen, and the terminal is given back', async () => {
    const { input, modes } = terminal()
    const { output, shown } = screen()
    const asked = ask(input, output)
    for (const chunk of ['se', 'crx', '\u007f', 'et', '\r']) input.write(chunk)
    expect(await asked).toBe('secret')
    expect(shown()).toBe('Enter the password for a.key: \n')
    expect(modes).toEqual([true, false])
    expect(input.listenerCount('data')).toBe(0)
  })

  test('may be of any alphabet, cut anywhere; Ctrl-U begins anew, arrows do nothing', async () => {
    const { input } = terminal()
    const asked = ask(input, screen().output)
    const [head, tail] = [Buffer.from('ключ').subarray(0, 3), Buffer.from('ключ').subarray(3)]
    input.write('wrong\u0015')
    input.write(head)
    input.write(tail)
    input.write('🔑🔒\u007f\u0001\n')
    expect(await asked).toBe('ключ🔑')
  })

  test('is asked for twice for a new key, and both must agree', async () => {
    const same = terminal()
    const agreed = ask(same.input, screen().output, { confirm: true })
    same.input.write('one\n')
    setTimeout(() => same.input.write('one\n'), 20)
    expect(await agreed).toBe('one')
    const pasted = terminal()
    const both = ask(pasted.input, screen().output, { confirm: true })
    pasted.input.write('two\ntwo\n')
    expect(await both).toBe('two')
    const other = terminal()
    const differing = ask(other.input, screen().output, { confirm: true })
    other.input.write('one\n')
    setTimeout(() => other.input.write('two\n'), 20)
    await expect(differing).rejects.toMatchObject({ code: 'usage', message: 'the two passwords differ' })
  })

  test('is given up by Ctrl-C or a terminal that goes away, which is given back', async () => {
    const interrupted = terminal()
    const asked = ask(interrupted.input, screen().output)
    interrupted.input.write('abc\u0003')
    await expect(asked).rejects.toMatchObject({ code: 'usage' })
    expect(interrupted.modes).toEqual([true, false])
    const gone = terminal()
    const left = ask(gone.input, screen().output)
    gone.input.end('abc')
    await expect(left).rejects.toMatchObject({ code: 'usage' })
    expect(gone.modes).toEqual([true, false])
  })

  test.each([
    ['piped\n', 'piped'],
    ['piped\r\nmore\n', 'piped'],
    ['no line end', 'no line end'],
    ['\n', ''],
  ])('is the first line of a pipe: %j', async (text, password) => {
    expect(await ask(Readable.from([Buffer.from(text)]), screen().output)).toBe(password)
  })

  test('is missed where a pipe is empty, and too long where it floods', async () => {
    await expect(ask(Readable.from([]), screen().output)).rejects.toThrow('COSIGN_PASSWORD')
    const flood = Readable.from(
      (function* () {
        for (;;) yield Buffer.alloc(1024, 97)
      })(),
    )
    await expect(ask(flood, screen().output)).rejects.toMatchObject({ code: 'usage' })
  })
})
