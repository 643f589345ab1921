// Writes the generated documents. The tests fail while one is not what this writes.

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { errorTable } from '#core/errors.ts'
import { faults } from '../test/faults/faults.ts'
import { renderCrds } from './render-crds.ts'
import { renderErrors } from './render-errors.ts'
import { renderSchemas, withOutputs } from './render-output.ts'
import { withFaults } from './render-reliability.ts'
import { renderThreats, threatTests } from './render-threats.ts'
import { withWords } from './render-words.ts'

writeFileSync('docs/errors.md', renderErrors(errorTable))
writeFileSync('docs/threats.md', renderThreats(threatTests()))
writeFileSync('docs/policy.md', withWords(readFileSync('docs/policy.md', 'utf8')))
writeFileSync('docs/reliability.md', withFaults(readFileSync('docs/reliability.md', 'utf8'), faults))
writeFileSync('docs/output.md', withOutputs(readFileSync('docs/output.md', 'utf8')))
for (const [name, text] of Object.entries(renderSchemas())) writeFileSync(`docs/schemas/${name}`, text)
mkdirSync('deploy/crds', { recursive: true })
for (const [name, text] of Object.entries(renderCrds())) writeFileSync(`deploy/crds/${name}`, text)
