// `npm run manifest`: writes `deploy/sealward.yaml`. A test fails while it is not what this writes.

import { writeFileSync } from 'node:fs'
import process from 'node:process'
import { missing } from '../test/support/tools.ts'
import { renderManifest } from './render-manifest.ts'

if (missing('helm')) {
  process.stderr.write('manifest: it is rendered by Helm, which is not here; bring it with: npm run tools helm\n')
  process.exitCode = 2
} else {
  writeFileSync('deploy/sealward.yaml', await renderManifest())
}
