// The journal as people read it: what happened to alarms, or the events of the gateway and its programs, newest first.

import { Type, type Static } from 'typebox'
import type { AlarmEntry, EventEntry } from '#domain/alarm.ts'
import { SEVERITIES } from '#domain/check.ts'
import type { StoredEntry } from '#domain/history.ts'
import type { ApiContext, ApiServer } from '../context.ts'
import { pageOf, pageParameters } from '../paging.ts'
import { AlarmEntrySchema, byOf, EVENT_SEVERITIES, EventEntrySchema, journalShape } from '../shapes/journal-shape.ts'
import { rangeParameters, readRange } from '../time.ts'

const text = (description: string) => Type.Optional(Type.String({ minLength: 1, maxLength: 256, description }))

const QuerySchema = Type.Object(
  {
    ...rangeParameters,
    kind: Type.Optional(Type.Enum(['alarm', 'event'], { default: 'alarm' })),
    machine: text('Of the sensor of an alarm, or of the device of an event.'),
    sensor: text('Full id; alarms only.'),
    severity: Type.Optional(Type.Enum([...SEVERITIES, ...EVENT_SEVERITIES], { description: 'Exactly this one.' })),
    type: text('Change of an alarm (`raised`), or type of an event; what it begins with is enough.'),
    by: text('Who did it, exactly.'),
    ...pageParameters({ max: 1000, default: 100 }),
  },
  { additionalProperties: false },
)

/** Entries that one request looks through: beyond that it answers what it has, with a cursor. */
const MAX_SCANNED = 10_000
/** A page that is this full is answered: for the last few places the history would be asked again and again. */
const FULL_ENOUGH = 0.8

export function registerJournal(app: ApiServer, { options, queries }: ApiContext): void {
  app.get(
    '/api/v1/journal',
    {
      config: { access: 'viewer' },
      schema: {
        tags: ['alarms'],
        summary: 'What happened to alarms, or the events of the gateway, newest first',
        description: 'A page may be shorter than `limit` although more follow: `next` tells.',
        querystring: QuerySchema,
        response: {
          200: pageOf(Type.Union([AlarmEntrySchema, EventEntrySchema]), 'Entries, newest first'),
        },
      },
    },
    async ({ query, signal }) => {
      const { kind = 'alarm', limit = 100 } = query
      const range = readRange({ ...query, to: query.to ?? '+1s' }, options.clock.now())
      const isWanted = filterOf(query, options)
      const items: StoredEntry[] = []
      let cursor = query.cursor ?? null
      for (let scanned = 0; ;) {
        const wanted = limit - items.length
        const request = { kind, sensor: query.sensor ?? null, checkTypes: null, ...range, limit: wanted, cursor }
        const page = await queries.run(() => options.history.entries(request, signal))
        items.push(...page.items.filter(({ entry }) => isWanted(entry)))
        cursor = page.next
        scanned += wanted
        if (cursor === null || items.length >= limit * FULL_ENOUGH || scanned >= MAX_SCANNED) break
      }
      const model = options.info.model()
      return { items: items.map((entry) => journalShape(entry, model)), next: cursor }
    },
  )
}

function filterOf(
  { machine, severity, type, by }: Static<typeof QuerySchema>,
  { info, devices }: ApiContext['options'],
): (entry: AlarmEntry | EventEntry) => boolean {
  const model = info.model()
  const machineOf = (entry: AlarmEntry | EventEntry): string | undefined =>
    entry.kind === 'alarm' ? model.sensor(entry.alarm.sensor)?.machine : devices.get(entry.source)?.machine
  return (entry) =>
    (machine === undefined || machineOf(entry) === machine) &&
    (severity === undefined || (entry.kind === 'alarm' ? entry.alarm.severity : entry.severity) === severity) &&
    (type === undefined || (entry.kind === 'alarm' ? entry.change : entry.type).startsWith(type)) &&
    (by === undefined || byOf(entry) === by)
}
