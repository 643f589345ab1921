// The child's half of the channel between the bench and its processes: calls by name come in, answers go out.

import process from 'node:process'

export interface Call {
  readonly id: number
  readonly name: string
  readonly argument: unknown
}

export interface Returned {
  readonly id: number
  readonly value?: unknown
  readonly error?: string
}

export type Procedures = Readonly<Record<string, (argument: never) => unknown>>

/** Answers calls until the bench goes away. */
export function answerCalls(procedures: Procedures): void {
  process.on('message', (message) => {
    void answer(procedures, message as Call)
  })
  process.once('disconnect', () => process.exit())
}

async function answer(procedures: Procedures, { id, name, argument }: Call): Promise<void> {
  let returned: Returned
  try {
    const procedure = procedures[name]
    if (procedure === undefined) throw new Error(`this process has no procedure "${name}"`)
    returned = { id, value: await procedure(argument as never) }
  } catch (error) {
    returned = { id, error: error instanceof Error ? (error.stack ?? error.message) : String(error) }
  }
  process.send?.(returned)
}
