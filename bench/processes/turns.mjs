// Loaded into the webhook before it starts: the longest that its event loop works without looking at what has come in, as
// processor time of the thread, so that nobody else on the machine counts. On SIGUSR2 it is said and forgotten.

import process from 'node:process'

function spent() {
  const { user, system } = process.threadCpuUsage()
  return (user + system) / 1_000
}

let before = spent()
let longest = 0

// A timer that is due is looked at once a turn: between two times lies one, or what there was to do within a millisecond.
setInterval(() => {
  const now = spent()
  longest = Math.max(longest, now - before)
  before = now
}, 1).unref()

process.on('SIGUSR2', () => {
  process.stdout.write(`longest turn: ${longest} ms\n`)
  longest = 0
})
