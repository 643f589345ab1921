// The program: the only file that reads the process. It passes arguments, environment and streams on as values and sets
// the exit code. What the commands do is loaded on use.

import '#hardening.ts'
import type { CommandContext, Stream } from '#app/cli/command.ts'
import { runProgram } from '#app/cli/program.ts'
import { version } from './version.ts'

/** Opened on use: each stream costs milliseconds, and most commands write to one of them. */
function toStream(open: () => NodeJS.WriteStream, opened: Set<NodeJS.WriteStream>): Stream {
  const stream = () => {
    const found = open()
    if (!opened.has(found)) {
      opened.add(found)
      // A reader that has seen enough (`| head`) is no failure.
      found.on('error', (error: NodeJS.ErrnoException) => {
        if (error.code === 'EPIPE') process.exit()
        throw error
      })
    }
    return found
  }
  return {
    line: (text) => void stream().write(`${text}\n`),
    write: (text) => void stream().write(text),
    get colour() {
      const { NO_COLOR: plain, TERM: terminal } = process.env
      return stream().isTTY === true && !plain && terminal !== 'dumb'
    },
    get isTerminal() {
      return stream().isTTY === true
    },
  }
}

function stopped(): AbortSignal {
  const stop = new AbortController()
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => stop.abort())
  return stop.signal
}

/** Everything that was written has left the process. */
function flushed(stream: NodeJS.WriteStream): Promise<void> {
  return new Promise((resolve) => {
    stream.write('', () => resolve())
  })
}

const opened = new Set<NodeJS.WriteStream>()

const context: Omit<CommandContext, 'json'> = {
  env: process.env,
  version,
  // Opened on use: reading a terminal's settings costs a command that never asks for it.
  get stdin() {
    return process.stdin
  },
  stdout: toStream(() => process.stdout, opened),
  stderr: toStream(() => process.stderr, opened),
  stopped,
}

// Not with "await" here, which the bundle's format does not have.
void runProgram(process.argv.slice(2), context).then(async (exitCode) => {
  process.exitCode = exitCode
  await Promise.all([...opened].map(flushed))
  // A connection that somebody forgot must not keep a finished command alive.
  process.exit()
})
