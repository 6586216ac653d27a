// WS /live: latest values, alarms and alerts of the caller's tenant as they change.

import { Type } from 'typebox'
import { parsePatterns } from '#api/live/filter.ts'
import { invalid, RequestError } from '#api/problem.ts'
import { isId } from '#domain/ids.ts'
import type { CentralContext, CentralServer } from '../context.ts'
import { stillAllowed } from '../guard.ts'
import { tenantOf } from '../request-parts.ts'

const MAX_GATEWAYS = 100

export function registerLive(app: CentralServer, context: CentralContext): void {
  const { lanes, live } = context
  app.route({
    method: 'GET',
    url: '/live',
    config: { permission: 'read' },
    schema: {
      tags: ['live'],
      summary: 'WebSocket: latest values, alarms and alerts as they change; docs/central.md describes the messages',
      querystring: Type.Object(
        {
          sensors: Type.Optional(
            Type.String({
              maxLength: 8000,
              description: 'Ids or patterns (`press-1.*`), separated by commas; default: all.',
            }),
          ),
          gateways: Type.Optional(
            Type.String({ maxLength: 8000, description: 'Ids, separated by commas; default: all.' }),
          ),
          since: Type.Optional(
            Type.String({
              pattern: '^[0-9]{1,15}-[0-9]{1,15}$',
              description:
                'The last `position` that an earlier connection was told: only what has changed since comes, if this process knows it.',
            }),
          ),
        },
        { additionalProperties: false },
      ),
      response: { 101: Type.Null({ description: 'The connection is a WebSocket now.' }) },
    },
    // Before the upgrade, so that a refusal is an HTTP answer.
    preHandler: async (request) => {
      parsePatterns(request.query.sensors)
      const gateways = gatewaysIn(request.query.gateways)
      if (!request.ws) return
      const tenant = tenantOf(request)
      if (live.isFullFor(tenant))
        throw new RequestError('UNAVAILABLE', 'Too many live clients', { headers: { 'retry-after': '10' } })
      await lanes.run(tenant, () => live.prepare({ tenant, gateways })) // a view that is new is read from the database
    },
    handler: async () => {
      throw new RequestError('UPGRADE_REQUIRED', 'This is a WebSocket; connect with ws:// or wss://', {
        headers: { upgrade: 'websocket' },
      })
    },
    wsHandler: (socket, request) => {
      // The plugin types the request without the schema; the values passed its validation.
      const { gateways, sensors, since } = request.query as { gateways?: string; sensors?: string; since?: string }
      let isAllowed = true
      void live.add(socket, {
        tenant: tenantOf(request),
        patterns: parsePatterns(sensors),
        gateways: gatewaysIn(gateways),
        since,
        address: request.ip,
        // Asked at each sign of life; the answer counts from the next one on.
        isAllowed: () => {
          void stillAllowed(request, context, 'read').then((still) => {
            isAllowed = still
          })
          return isAllowed
        },
      })
    },
  })
}

function gatewaysIn(text: string | undefined): readonly string[] {
  if (text === undefined || text === '') return []
  const gateways = [...new Set(text.split(',').map((id) => id.trim()))].sort()
  if (gateways.length > MAX_GATEWAYS) throw invalid('query.gateways', `must name at most ${MAX_GATEWAYS} gateways`)
  const wrong = gateways.find((id) => !isId(id))
  if (wrong !== undefined) throw invalid('query.gateways', `has "${wrong.slice(0, 80)}", which is no id`)
  return gateways
}
