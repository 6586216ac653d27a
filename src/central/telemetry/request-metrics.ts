// Counts the requests of central's API, for /metrics: by method and status, and how long answers took. Not by path: that would be a
// series for each of a hundred routes.

import { Counter, secondsHistogram } from '#kit/metrics.ts'
import type { CentralContext, CentralServer } from '../api/context.ts'

/** Counts every request to a route that is registered after it, and those to no route. */
export function installRequestMetrics(app: CentralServer, { options: { registry } }: CentralContext): void {
  const answered = new Counter({
    name: 'telemetryx_central_requests_total',
    help: 'Requests that were answered, by method and HTTP status',
    labelNames: ['method', 'status'],
    registers: [registry],
  })
  const seconds = secondsHistogram(registry, 'telemetryx_central_request_seconds', 'How long answers took')
  app.addHook('onResponse', (request, reply, done) => {
    answered.inc({ method: request.method, status: reply.statusCode })
    seconds.observe(reply.elapsedTime / 1000)
    done()
  })
}
