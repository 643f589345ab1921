#!/usr/bin/env node
// Starts Sealward: from its sources in a checkout, from the bundle in the published package. The syntax of this file is
// old on purpose, so that a Node.js that is too old says so in one sentence instead of failing to read it.

var needed = [24, 15]
var found = process.versions.node.split('.').map(Number)
var isTooOld = found[0] < needed[0] || (found[0] === needed[0] && found[1] < needed[1])
var sources = new URL('../src/main.ts', import.meta.url)

function complain(error) {
  process.stderr.write(`sealward: this installation is not complete: ${error.message}\n`)
  process.exitCode = 2
}

if (isTooOld) {
  process.stderr.write(
    'sealward: needs Node.js ' +
      needed.join('.') +
      ' or newer, and this is ' +
      process.versions.node +
      ' (' +
      process.execPath +
      ').\n',
  )
  process.exitCode = 2
} else if (process.getBuiltinModule('node:fs').existsSync(sources)) {
  import(sources.href).catch(complain)
} else {
  try {
    process.getBuiltinModule('node:module').createRequire(import.meta.url)('../dist/main.js')
  } catch (error) {
    complain(error)
  }
}
