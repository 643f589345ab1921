// Loaded into a process that is to be profiled (`--import`): a first SIGUSR2 begins, a second one writes the profile to
// the file named by BENCH_PROFILE. So what happens once, at the start, is not in it.

import { writeFileSync } from 'node:fs'
import { Session } from 'node:inspector'
import process from 'node:process'

const session = new Session()
session.connect()
let isRunning = false

process.on('SIGUSR2', () => {
  if (isRunning) {
    session.post('Profiler.stop', (error, result) => {
      if (error === null) writeFileSync(process.env['BENCH_PROFILE'] ?? '', JSON.stringify(result.profile))
    })
  } else {
    session.post('Profiler.enable')
    session.post('Profiler.setSamplingInterval', { interval: 500 })
    session.post('Profiler.start')
  }
  isRunning = !isRunning
})
