// Colour for a terminal, and nothing for a file or a pipe.

import type { Stream } from './command.ts'

const codes = { bold: 1, dim: 2, red: 31, green: 32, yellow: 33 } as const
export type Style = keyof typeof codes

export function styled(stream: Pick<Stream, 'colour'>, style: Style, text: string): string {
  return stream.colour ? `\u001b[${codes[style]}m${text}\u001b[0m` : text
}

/** `2 images`, `1 image`. */
export function counted(count: number, word: string, several = `${word}s`): string {
  return `${count} ${count === 1 ? word : several}`
}
