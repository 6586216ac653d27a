// GET /sensors/{id}/export: stored readings or buckets of a sensor as a file, however many, as at a gateway. They are read page by page
// in the turns of their tenant while the client takes them: neither memory nor other tenants notice how many there are.

import { Readable } from 'node:stream'
import { Type } from 'typebox'
import { invalid } from '#api/problem.ts'
import { rangeParameters, readDuration, readRange } from '#api/time.ts'
import { csvLines, jsonLines, type ExportLines } from '#central/storage/export-lines.ts'
import type { TenantNumber } from '#central/ports.ts'
import type { CentralContext, CentralServer } from '../context.ts'
import { ExportTurns } from '../export-turns.ts'
import { IdParams, tenantOf } from '../request-parts.ts'
import { found } from './model.ts'

/** Ten years of a sensor, to a slow client. */
const TIMEOUT_MS = 60 * 60_000
const PAGE = 10_000
const MEDIA_TYPES = { csv: 'text/csv', jsonl: 'application/x-ndjson' } as const
const bucketLimits = { minMs: 1000, maxMs: 366 * 86_400_000, words: 'between 1s and 1y' }

interface Exported {
  readonly tenant: TenantNumber
  readonly sensor: { readonly id: string; readonly unit: string }
  readonly from: number
  readonly to: number
  /** null: every reading. */
  readonly everyMs: number | null
  readonly lines: ExportLines
}

const fileOf = (description: string) => ({
  schema: Type.Unsafe<Readable>({ type: 'string', format: 'binary', description }),
})

export function registerExport(app: CentralServer, context: CentralContext): void {
  const { lanes, options } = context
  const { clock, storage } = options
  const turns = new ExportTurns()
  app.get(
    '/sensors/:id/export',
    {
      config: { permission: 'read', audit: 'readings.export' },
      handlerTimeout: TIMEOUT_MS,
      schema: {
        tags: ['values'],
        summary: 'Stored readings of a range, or buckets of them, as a file',
        description: 'Written while it is read. Two of a tenant at once; further ones are answered 429.',
        params: IdParams,
        querystring: Type.Object(
          {
            ...rangeParameters,
            every: Type.Optional(
              Type.String({ minLength: 1, maxLength: 32, description: 'Length of a bucket, at least `1s`.' }),
            ),
            format: Type.Optional(Type.Enum(['csv', 'jsonl'], { default: 'csv' })),
          },
          { additionalProperties: false },
        ),
        response: {
          200: {
            content: {
              'text/csv': fileOf(
                'time,sensor,value,quality,status,unit; with every: time,sensor,count,min,max,mean,last,unit',
              ),
              'application/x-ndjson': fileOf('The same keys, an object a line'),
            },
          },
        },
      },
    },
    async (request, reply) => {
      const tenant = tenantOf(request)
      const { id } = request.params
      const { every, format = 'csv' } = request.query
      const range = readRange(request.query, clock.now())
      const everyMs = every === undefined ? null : readDuration('query.every', every, bucketLimits)
      const sensor = found(await lanes.run(tenant, () => storage.model.sensor(tenant, id)), 'sensor', id)
      if (everyMs !== null && sensor.valueType === 'string')
        throw invalid('query.every', `does not suit ${id}: its values are text`)
      const lines = format === 'csv' ? csvLines({ isBuckets: everyMs !== null }) : jsonLines()
      const wish: Exported = { tenant, sensor: { id: sensor.id, unit: sensor.unit }, ...range, everyMs, lines }
      const end = turns.begin(tenant)
      const file = Readable.from(textOf(context, wish), { objectMode: false, highWaterMark: 1 })
      file.once('close', end)
      // Also of a client that has gone before anything was sent: what nobody begins to read does not end by itself.
      if (reply.raw.destroyed) file.destroy()
      else reply.raw.once('close', () => file.destroy())
      request.auditDetails = { after: { format, from: range.from, to: range.to, ...(every && { every }) } }
      return reply
        .header('content-disposition', `attachment; filename="${id}.${format}"`)
        .type(format === 'csv' ? 'text/csv; charset=utf-8' : MEDIA_TYPES[format])
        .send(file)
    },
  )
}

async function* textOf({ lanes, options }: CentralContext, wish: Exported): AsyncGenerator<string> {
  const { readings } = options.storage
  const { everyMs, from, lines, sensor, tenant, to } = wish
  if (lines.header !== '') yield lines.header
  for (let cursor: string | null = null; ;) {
    const query = { sensor: sensor.id, from, to, order: 'oldestFirst' as const, limit: PAGE, cursor }
    const [text, next]: [string, string | null] = await lanes.run(tenant, async () => {
      if (everyMs === null) {
        const part = await readings.readings(tenant, query)
        return [lines.readings(sensor, part.items), part.next]
      }
      const part = await readings.buckets(tenant, { ...query, everyMs })
      return [lines.buckets(sensor, part.items), part.next]
    })
    if (text !== '') yield text
    cursor = next
    if (cursor === null) return
  }
}
