// Preloaded into a process: SIGUSR2 sets its clock off by as many milliseconds as `clock-offset` in its home says. Only the
// time of day is changed, as a time server does; monotonic time goes on.

import { readFileSync } from 'node:fs'
import process from 'node:process'

const realNow = Date.now
let offset = 0
Date.now = () => realNow() + offset
process.on('SIGUSR2', () => {
  offset = Number(readFileSync(`${process.env['HOME']}/clock-offset`, 'utf8'))
})
