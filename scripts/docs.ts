// Writes the generated documents. The tests fail while one is not what this writes.

import { writeFileSync } from 'node:fs'
import { errorTable } from '#core/errors.ts'
import { renderErrors } from './render-errors.ts'

writeFileSync('docs/errors.md', renderErrors(errorTable))
