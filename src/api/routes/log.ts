// GET /log: the last lines that the gateway logged, for who looks for a fault from afar.

import { Type } from 'typebox'
import type { ApiContext, ApiServer } from '../context.ts'
import { pageByTime, pageOf, pageParameters } from '../paging.ts'

const LineSchema = Type.Object(
  {},
  { additionalProperties: true, description: 'As logged: level, time, msg and fields.' },
)

export function registerLog(app: ApiServer, { options }: ApiContext): void {
  app.get(
    '/api/v1/log',
    {
      config: { access: 'engineer' },
      schema: {
        tags: ['gateway'],
        summary: 'The last lines of the log',
        description: 'Oldest first, at most 1000; of this run only.',
        querystring: Type.Object(pageParameters({ max: 1000, default: 1000 }), { additionalProperties: false }),
        response: { 200: pageOf(LineSchema, 'Lines') },
      },
    },
    async ({ query }) =>
      pageByTime({
        items: (options.recentLog?.() ?? []).flatMap(parsed),
        time: timeOf,
        shape: (line) => line,
        limit: query.limit ?? 1000,
        cursor: query.cursor,
      }),
  )
}

function parsed(line: string): object[] {
  try {
    const value: unknown = JSON.parse(line)
    return typeof value === 'object' && value !== null ? [value] : []
  } catch {
    return []
  }
}

/** 0 for a line that says nothing of it: it then stands behind the one before. */
function timeOf(line: object): number {
  const time = 'time' in line ? line.time : 0
  const ms = typeof time === 'number' ? time : Date.parse(String(time))
  return Number.isFinite(ms) ? Math.floor(ms) : 0
}
