// A TCP port on 127.0.0.1 for programs that cannot be told "any". It may be taken again before the program listens:
// whoever starts one must be ready to try another.

import { createServer } from 'node:net'

export async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(0, '127.0.0.1', resolve))
  const address = server.address()
  await new Promise<void>((resolve) => server.close(() => resolve()))
  if (address === null || typeof address === 'string') throw new Error('no TCP port was given')
  return address.port
}
