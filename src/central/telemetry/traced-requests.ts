// A span for each request of the API, under the trace that came with it; what a route asks of others, and the lines that it writes into the
// log, go on in it. Ingest has spans of its own, one for each batch; the live feed has none.

import type { FastifyRequest } from 'fastify'
import type { Tracing } from '#domain/tracing.ts'
import { inTrace } from '#kit/active-trace.ts'
import { parseTraceparent, TRACEPARENT } from '#kit/trace-context.ts'
import type { CentralServer } from '../api/context.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** Of central: W3C trace context for whoever is asked because of this request; null: nobody traces it. */
    traceparent: string | null
  }
}

/** Before all other hooks. `tracing` null: a trace that came is passed on as it is. */
export function installTracing(app: CentralServer, tracing: Tracing | null): void {
  app.decorateRequest('traceparent', null)
  app.addHook('onRequest', (request, reply, done) => {
    const parent = traceparentOf(request)
    request.traceparent = parent
    const { config, url = '' } = request.routeOptions
    const isOther = config.isBulk === true || request.headers.upgrade !== undefined || !url.startsWith('/api/')
    if (tracing === null || isOther) return done()
    const attributes = { 'http.request.method': request.method, 'http.route': url }
    void tracing.span(`${request.method} ${url}`, { kind: 'server', parent, attributes }, (span) => {
      request.traceparent = span.traceparent
      return new Promise<void>((resolve) => {
        reply.raw.once('close', () => {
          const { statusCode } = reply.raw
          span.set('http.response.status_code', statusCode)
          if (request.caller) span.set('telemetryx.tenant', request.caller.tenantNumber)
          if (statusCode >= 500) span.fail(statusCode === 500 ? 'INTERNAL' : 'UNAVAILABLE', `Status ${statusCode}`)
          resolve()
        })
        done()
      })
    })
  })
  if (tracing === null) return
  // Reading a body leaves the context in which the request began.
  app.addHook('preValidation', (request, _reply, done) => {
    const context = parseTraceparent(request.traceparent)
    if (context === null) done()
    else inTrace(context, done)
  })
}

function traceparentOf({ headers }: FastifyRequest): string | null {
  const given = headers[TRACEPARENT]
  return typeof given === 'string' && parseTraceparent(given) !== null ? given : null
}
