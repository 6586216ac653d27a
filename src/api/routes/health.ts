// At the root: /healthz (the process answers), /readyz (it can do its job, with reasons), /metrics (Prometheus).

import { Type } from 'typebox'
import { Gauge } from '#kit/metrics.ts'
import { exposeProcess } from '#kit/process-metrics.ts'
import type { ApiContext, ApiServer } from '../context.ts'
import { isLoopback } from '../origin.ts'

export const HealthReasonSchema = Type.Object({
  code: Type.String({ examples: ['device-down', 'ring-blocked'] }),
  message: Type.String(),
  blocking: Type.Boolean({ description: 'The gateway cannot do its main job because of it.' }),
})

const ReadinessSchema = Type.Object({
  status: Type.Enum(['ready', 'not-ready']),
  reasons: Type.Array(HealthReasonSchema),
})

const MetricsSchema = Type.Unsafe<string>({
  description: 'Metrics',
  content: { 'text/plain': { schema: { type: 'string' } } },
})

export function registerHealth(app: ApiServer, { options }: ApiContext): void {
  const { info, registry, http, clock } = options
  exposeProcess(registry, clock)
  new Gauge({
    name: 'telemetryx_build_info',
    help: 'Version of TelemetryX and of Node.js; always 1',
    labelNames: ['version', 'node', 'gateway'],
    registers: [registry],
  }).set({ version: info.version, node: process.versions.node, gateway: info.id }, 1)

  app.get(
    '/healthz',
    {
      config: { access: 'public' },
      schema: {
        tags: ['health'],
        summary: 'Does the process answer?',
        response: { 200: Type.Object({ status: Type.Literal('ok') }) },
      },
    },
    async () => ({ status: 'ok' as const }),
  )

  app.get(
    '/readyz',
    {
      config: { access: 'public' },
      schema: {
        tags: ['health'],
        summary: 'Can the gateway do its job?',
        response: { 200: ReadinessSchema, 503: ReadinessSchema },
      },
    },
    async (_request, reply) => {
      const reasons = info.health().map(({ code, message, blocking }) => ({ code, message, blocking }))
      const isReady = !reasons.some((reason) => reason.blocking)
      return reply.code(isReady ? 200 : 503).send({ status: isReady ? 'ready' : 'not-ready', reasons })
    },
  )

  app.get(
    '/metrics',
    {
      // A scraper on the same machine needs no token; over the network metrics tell too much about a plant.
      config: { access: http.auth === 'none' || isLoopback(http.host) ? 'public' : 'viewer' },
      schema: { tags: ['health'], summary: 'Metrics in the Prometheus text format', response: { 200: MetricsSchema } },
    },
    async (_request, reply) => {
      const text = await registry.metrics()
      return reply.type(registry.contentType).serializer(String).send(text)
    },
  )
}
