// At the root, for every version: /healthz (the process answers), /readyz (it can do its job, with reasons), /metrics.

import { Type } from 'typebox'
import { isLoopback } from '#api/origin.ts'
import { HealthReasonSchema } from '#api/routes/health.ts'
import { Gauge } from '#kit/metrics.ts'
import type { CentralContext, CentralServer } from '../context.ts'

const ReadinessSchema = Type.Object({
  status: Type.Enum(['ready', 'not-ready']),
  reasons: Type.Array(HealthReasonSchema),
})

export function registerHealth(app: CentralServer, { options }: CentralContext): void {
  const { health, http, registry, version } = options
  new Gauge({
    name: 'telemetryx_build_info',
    help: 'Version of TelemetryX and of Node.js; always 1',
    labelNames: ['version', 'node', 'role'],
    registers: [registry],
  }).set({ version, node: process.versions.node, role: 'central' }, 1)
  app.get(
    '/healthz',
    { config: { permission: 'public' }, schema: { response: { 200: Type.Object({ status: Type.Literal('ok') }) } } },
    async () => ({ status: 'ok' as const }),
  )
  app.get(
    '/readyz',
    { config: { permission: 'public' }, schema: { response: { 200: ReadinessSchema, 503: ReadinessSchema } } },
    async (_request, reply) => {
      const reasons = health().map(({ code, message, blocking }) => ({ code, message, blocking }))
      const isReady = !reasons.some((reason) => reason.blocking)
      return reply.code(isReady ? 200 : 503).send({ status: isReady ? 'ready' : 'not-ready', reasons })
    },
  )
  app.get(
    '/metrics',
    // A scraper on the same machine needs no key; over the network, also through a proxy, it needs one that the platform gave.
    { config: { permission: isLoopback(http.host) && !http.trustProxy ? 'public' : 'metrics' } },
    async (_request, reply) => {
      const text = await registry.metrics()
      return reply.type(registry.contentType).serializer(String).send(text)
    },
  )
}
