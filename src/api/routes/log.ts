// GET /log: the last lines that the gateway logged, for who looks for a fault from afar.

import { Type } from 'typebox'
import type { ApiContext, ApiServer } from '../context.ts'
import { pageOf } from '../paging.ts'

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
        response: { 200: pageOf(LineSchema, 'Lines') },
      },
    },
    async () => ({ items: (options.recentLog?.() ?? []).flatMap(parsed), next: null }),
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
