// WS /live: latest values and alarms as they change.

import { Type } from 'typebox'
import { stillAllowed } from '../auth/access.ts'
import type { ApiContext, ApiServer } from '../context.ts'
import { parsePatterns } from '../live/filter.ts'
import { RequestError } from '../problem.ts'

/** Changes after which somebody may be allowed less. */
const TAKES_ACCESS = /^(?:session\.(?:logout|end)|user\.|token\.revoke)/

/** Ends the feed of whoever lost access by a request at once, not with the next ping; before the routes of accounts. */
export function endLiveWithAccess(app: ApiServer, { live }: ApiContext): void {
  app.addHook('onResponse', async ({ routeOptions: { config } }) => {
    if (typeof config.audit === 'string' && TAKES_ACCESS.test(config.audit)) live.endUnallowed()
  })
}

export function registerLive(app: ApiServer, context: ApiContext): void {
  const { live } = context
  app.route({
    method: 'GET',
    url: '/api/v1/live',
    config: { access: 'viewer' },
    schema: {
      tags: ['live'],
      summary: 'WebSocket: latest values and alarms as they change; docs/api.md describes the messages',
      querystring: Type.Object(
        {
          sensors: Type.Optional(
            Type.String({
              maxLength: 8000,
              description: 'Ids or patterns (`press-1.*`), separated by commas; default: all.',
            }),
          ),
          since: Type.Optional(
            Type.String({
              pattern: '^[0-9]{1,15}-[0-9]{1,15}$',
              description:
                'The last `position` that an earlier connection was told: only what has changed since comes.',
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
      if (request.ws && live.isFullFor(request.ip))
        throw new RequestError('UNAVAILABLE', 'Too many live clients', { headers: { 'retry-after': '10' } })
    },
    handler: async () => {
      throw new RequestError('UPGRADE_REQUIRED', 'This is a WebSocket; connect with ws:// or wss://', {
        headers: { upgrade: 'websocket' },
      })
    },
    wsHandler: (socket, request) => {
      // The plugin types the request without the schema; the values passed its validation.
      const { sensors, since } = request.query as { sensors?: string; since?: string }
      live.add(socket, {
        patterns: parsePatterns(sensors),
        isAllowed: () => stillAllowed(request, context, 'viewer'),
        since,
        address: request.ip,
      })
    },
  })
}
