// The least that an HTTPS server can do, in a process of its own: what is late here is late because of the machine.

import { createServer } from 'node:https'
import process from 'node:process'

process.on('message', ({ cert, key }: { readonly cert: string; readonly key: string }) => {
  const server = createServer({ cert, key }, (_request, response) => response.end('here'))
  server.listen(0, '127.0.0.1', () => process.send?.(server.address()))
})
