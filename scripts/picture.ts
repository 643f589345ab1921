// Draws docs/demo.svg: what `npm run demo -- --once` prints, as a picture of a terminal. Run by `npm run docs:picture`,
// by hand, when the demo has changed: digests and ports differ each time, so no test compares it.

import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'

const command = 'npm run demo -- --once'
const text = execFileSync(process.execPath, ['bin/sealward.js', 'demo', '--once'], { encoding: 'utf8' })
const lines = [`$ ${command}`, ...text.trimEnd().split('\n')].flatMap(wrapped)

const lineHeight = 19
const characterWidth = 7.85
const margin = 18
const width = Math.ceil(Math.max(...lines.map((line) => line.length)) * characterWidth + 2 * margin)
const height = lines.length * lineHeight + 2 * margin + 12

/** As a terminal of 120 columns would show it, but broken between words. */
function wrapped(line: string): readonly string[] {
  if (line.length <= 120) return [line]
  const indent = /^ */.exec(line)?.[0] ?? ''
  const end = line.lastIndexOf(' ', 120)
  return end <= indent.length ? [line] : [line.slice(0, end), ...wrapped(indent + line.slice(end + 1))]
}

function colourOf(line: string): string {
  if (line.startsWith('$')) return '#8ab4f8'
  if (/^\s+✓ .* admitted /.test(line) || line.startsWith('✓')) return '#7ee787'
  if (/^\s*✗/.test(line)) return '#ff7b72'
  if (/^ {4}what is deployed/.test(line)) return '#8b949e'
  return '#e6edf3'
}

function escaped(line: string): string {
  return line.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
}

const rows = lines.map((line, index) => {
  const y = margin + 24 + index * lineHeight
  return `  <text x="${margin}" y="${y}" fill="${colourOf(line)}" xml:space="preserve">${escaped(line)}</text>`
})

writeFileSync(
  'docs/demo.svg',
  `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" font-family="ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace" font-size="13">
  <title>${escaped(command)}</title>
  <rect width="100%" height="100%" rx="10" fill="#0d1117"/>
  <circle cx="20" cy="16" r="5" fill="#ff5f56"/><circle cx="38" cy="16" r="5" fill="#ffbd2e"/><circle cx="56" cy="16" r="5" fill="#27c93f"/>
${rows.join('\n')}
</svg>
`,
)
