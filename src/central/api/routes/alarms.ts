// Alarms and events of all gateways, what detectors and limits found at a sensor, and alerts of the brain. Operators act on an alarm
// at its gateway, which is where it is decided whether it is over.

import { Type, type Static } from 'typebox'
import { mapPage, pageOf, pageParameters } from '#api/paging.ts'
import { AlarmSchema, alarmShape } from '#api/shapes/alarm-shape.ts'
import { ALARM_STATES, isInState } from '#api/shapes/alarm-states.ts'
import { AlarmEntrySchema, EventEntrySchema, journalShape } from '#api/shapes/journal-shape.ts'
import { LIMITS } from '#api/routes/findings.ts'
import { isoTime, rangeParameters, readRange, TimeSchema } from '#api/time.ts'
import { SEVERITIES } from '#domain/check.ts'
import { withGateway } from '#central/live/tenant-view.ts'
import type { AlarmsPort, BrainAlert, CentralAlarm, JournalItem, TenantNumber } from '#central/ports.ts'
import type { CentralContext, CentralServer } from '../context.ts'
import { IdParams, page, pageOfQuery, tenantOf } from '../request-parts.ts'

const config = { permission: 'read' } as const
const gateway = { gateway: Type.String({ description: 'Whose it is.' }) }
const gatewayFilter = Type.Optional(Type.String({ minLength: 1, maxLength: 64, description: 'Of this gateway only.' }))
/** Open alarms that one request looks through for those in a state; beyond that it answers what it has, with a cursor. */
const MAX_SCANNED = 10_000

export const CentralAlarmSchema = Type.Object({ ...AlarmSchema.properties, ...gateway })
export const OccurrencesSchema = pageOf(
  CentralAlarmSchema,
  'Occurrences that were active at some moment of the range, newest raise first',
)
export const AlertSchema = Type.Object({
  id: Type.String(),
  rule: Type.String(),
  ruleName: Type.String(),
  severity: Type.Enum([...SEVERITIES]),
  message: Type.String(),
  gateway: Type.String({ description: 'Empty when it is about several, or about none.' }),
  sensor: Type.String({ description: 'Empty when it is about several, or about none.' }),
  time: TimeSchema,
  data: Type.Record(Type.String(), Type.Unknown()),
})

export function centralAlarmShape({
  alarm,
  gateway: id,
  machine,
  unit,
}: CentralAlarm): Static<typeof CentralAlarmSchema> {
  const place = machine === null ? undefined : { machine, unit: unit ?? '' }
  return { ...alarmShape(withGateway(alarm, id), { sensor: () => place }), gateway: id }
}

export function alertShape({ data, time, ...alert }: BrainAlert): Static<typeof AlertSchema> {
  return { ...alert, time: isoTime(time), data: { ...data } }
}

export function registerAlarms(app: CentralServer, context: CentralContext): void {
  registerOpen(app, context)
  registerJournal(app, context)
  registerLimits(app, context)
  registerAlerts(app, context)
}

function registerOpen(app: CentralServer, { lanes, options: { clock, storage } }: CentralContext): void {
  app.get(
    '/alarms',
    {
      config,
      schema: {
        tags: ['alarms'],
        summary: 'Alarms of all gateways that are active or wait for an operator, shelved or out of service',
        description: 'A page may be shorter than `limit` although more follow: `next` tells.',
        querystring: Type.Object(
          {
            state: Type.Optional(Type.Enum([...ALARM_STATES], { default: 'all' })),
            gateway: gatewayFilter,
            ...page,
          },
          { additionalProperties: false },
        ),
        response: { 200: pageOf(CentralAlarmSchema, 'Alarms, newest raise first') },
      },
    },
    async (request) => {
      const tenant = tenantOf(request)
      const { gateway: of, state = 'all' } = request.query
      const { cursor: first, limit } = pageOfQuery(request.query)
      const items: CentralAlarm[] = []
      let cursor = first
      for (let scanned = 0; scanned < MAX_SCANNED; scanned += limit) {
        const query = { limit: limit - items.length, cursor, ...(of !== undefined && { gateway: of }) }
        const part = await lanes.run(tenant, () => storage.alarms.open(tenant, query))
        items.push(...part.items.filter(({ alarm }) => isInState(alarm, state, clock.now())))
        cursor = part.next
        if (cursor === null || items.length >= limit) break
      }
      return { items: items.map(centralAlarmShape), next: cursor }
    },
  )
}

const JournalEntrySchema = Type.Union([
  Type.Object({ ...AlarmEntrySchema.properties, ...gateway }),
  Type.Object({ ...EventEntrySchema.properties, ...gateway }),
])

function registerJournal(app: CentralServer, { lanes, options: { clock, storage } }: CentralContext): void {
  app.get(
    '/journal',
    {
      config,
      schema: {
        tags: ['alarms'],
        summary: 'What happened to alarms, or the events of gateways and programs, newest first',
        querystring: Type.Object(
          {
            ...rangeParameters,
            kind: Type.Optional(Type.Enum(['alarm', 'event'], { default: 'alarm' })),
            gateway: gatewayFilter,
            ...page,
          },
          { additionalProperties: false },
        ),
        response: { 200: pageOf(JournalEntrySchema, 'Entries, newest first') },
      },
    },
    async (request) => {
      const tenant = tenantOf(request)
      const { query } = request
      const { gateway: of, kind = 'alarm' } = query
      const range = readRange({ ...query, to: query.to ?? '+1s' }, clock.now())
      const wish = { kind, ...range, ...pageOfQuery(query), ...(of !== undefined && { gateway: of }) }
      return mapPage(await lanes.run(tenant, () => storage.alarms.journal(tenant, wish)), itemShape)
    },
  )
}

function itemShape({ entry, gateway: id, position }: JournalItem): Static<typeof JournalEntrySchema> {
  const named = entry.kind === 'alarm' ? { ...entry, alarm: withGateway(entry.alarm, id) } : entry
  return { ...journalShape({ entry: named, position }, { sensor: () => undefined }), gateway: id }
}

function registerLimits(app: CentralServer, context: CentralContext): void {
  app.get(
    '/sensors/:id/alerts',
    {
      config,
      schema: {
        tags: ['alarms'],
        summary: 'What the limits found',
        params: IdParams,
        querystring: Type.Object({ ...rangeParameters, ...page }, { additionalProperties: false }),
        response: { 200: OccurrencesSchema },
      },
    },
    async (request) => {
      const range = readRange(request.query, context.options.clock.now())
      const wish = { sensor: request.params.id, checkTypes: LIMITS, ...range, ...pageOfQuery(request.query) }
      return occurrencesOf(context, tenantOf(request), wish)
    },
  )
}

/** What checks of some kinds found at a sensor. */
export async function occurrencesOf(
  { lanes, options: { storage } }: CentralContext,
  tenant: TenantNumber,
  wish: Parameters<AlarmsPort['occurrences']>[1],
) {
  return mapPage(await lanes.run(tenant, () => storage.alarms.occurrences(tenant, wish)), centralAlarmShape)
}

function registerAlerts(app: CentralServer, { lanes, options: { clock, storage } }: CentralContext): void {
  app.get(
    '/alerts',
    {
      config,
      schema: {
        tags: ['alarms'],
        summary: 'What the rules of the brain said, newest first',
        querystring: Type.Object(
          { ...rangeParameters, ...pageParameters({ max: 1000, default: 100 }) },
          { additionalProperties: false },
        ),
        response: { 200: pageOf(AlertSchema, 'Alerts, newest first') },
      },
    },
    async (request) => {
      const tenant = tenantOf(request)
      const range = readRange({ ...request.query, to: request.query.to ?? '+1s' }, clock.now())
      const wish = { ...range, ...pageOfQuery(request.query) }
      return mapPage(await lanes.run(tenant, () => storage.alarms.alerts(tenant, wish)), alertShape)
    },
  )
}
