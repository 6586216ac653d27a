// Whether anybody still waits for the answer to a request that may have a body. Fastify's `request.signal` is for requests without one:
// it takes the stream's `close` for the end of the connection, and Node.js closes the stream of a body once it was read. Its
// `handlerTimeout` ends with it, so that a handler that must not go on for long needs a deadline of its own.

import type { FastifyReply, FastifyRequest } from 'fastify'

/** Aborts when the connection has ended before the answer was sent. */
export function callerSignal(request: FastifyRequest, reply: FastifyReply): AbortSignal {
  if (request.body === undefined || request.body === null) return request.signal
  const gone = new AbortController()
  const look = (): void => {
    if (request.raw.socket.destroyed && !reply.raw.writableFinished) gone.abort()
  }
  look()
  request.raw.once('close', look) // for requests that wait behind others on one connection
  reply.raw.once('close', look)
  return gone.signal
}
