// The chart with its default values as one file, for whoever installs without Helm: `deploy/sealward.yaml`.

import { renderText } from '../test/support/helm.ts'

const head = `# Made by npm run manifest from deploy/chart and its default values: everything that an installation needs, in one file.
# Name your image first: registry.example.com stands for your registry. See docs/install.md.
---
apiVersion: v1
kind: Namespace
metadata:
  name: sealward
  labels:
    app.kubernetes.io/part-of: sealward
    pod-security.kubernetes.io/enforce: restricted
`

/** Needs Helm; an installation from the file does not. */
export async function renderManifest(): Promise<string> {
  const documents = (await renderText({ crds: true }))
    .split(/^---\n/m)
    .map((document) => document.replaceAll(/^# Source: .*\n/gm, '').trim())
    .filter((document) => document !== '')
  return `${head}---\n${documents.join('\n---\n')}\n`
}
