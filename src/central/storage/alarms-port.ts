// Alarms, events and alerts of all gateways of a tenant.

import type { Queryable } from '#backing/database.ts'
import type { Alarm, Entry } from '#domain/alarm.ts'
import type { Page } from '#domain/history.ts'
import { cleanJson, cleanText } from '../ingest/clean-text.ts'
import { cleanId } from '../model/model-changed.ts'
import type { AlarmsPort, BrainAlert, CentralAlarm, JournalItem, TenantNumber } from '../ports.ts'
import { isoTime, keyOfCursor, pageOfRows } from './pages.ts'
import { findSeries } from './series.ts'
import type { TenantDatabase } from './tenant-database.ts'

interface AlarmRow {
  readonly [name: string]: unknown
  readonly gateway: string
  readonly gateway_number: number
  readonly raised_at: number
  readonly id: string
  readonly alarm: Alarm
  /** At central; null: there is no such sensor. */
  readonly sensor: string | null
  readonly machine: string | null
  readonly unit: string | null
}

interface EntryRow {
  readonly [name: string]: unknown
  readonly gateway: string
  readonly gateway_number: number
  readonly time: number
  readonly epoch: number
  readonly seq: number
  readonly entry: Entry
}

/** $1 is the tenant. */
const ALARMS = `SELECT g.id AS gateway, a.gateway AS gateway_number, a.raised_at, a.id, a.alarm, s.id AS sensor, s.machine, s.unit
  FROM central.alarm AS a JOIN central.gateway AS g ON g.number = a.gateway AND g.tenant = $1
  LEFT JOIN central.sensor AS s ON s.gateway = a.gateway AND s.source_id = a.sensor AND s.is_current AND s.tenant = $1
  WHERE a.tenant = $1`
const KEY = ['number', 'number', 'string'] as const

export function alarmsPort(database: TenantDatabase): AlarmsPort {
  return {
    open: (tenant, query) => database.read(tenant, (queryable) => open(queryable, tenant, query)),
    async get(tenant, gateway, id) {
      const [row] = await database.read(tenant, (queryable) =>
        queryable.query<AlarmRow>(`${ALARMS} AND g.id = $2 AND a.id = $3 ORDER BY a.raised_at DESC LIMIT 1`, [
          tenant,
          cleanId(gateway),
          cleanId(id),
        ]),
      )
      return row ? alarmOf(row) : null
    },
    occurrences: (tenant, query) => database.read(tenant, (queryable) => occurrences(queryable, tenant, query)),
    journal: (tenant, query) => database.read(tenant, (queryable) => journal(queryable, tenant, query)),
    async addAlert(tenant, alert) {
      const rows = await database.write(tenant, (queryable) =>
        queryable.query(
          `INSERT INTO central.alert (tenant, id, time, alert) VALUES ($1, $2, $3::timestamptz, $4::jsonb) ON CONFLICT DO NOTHING RETURNING id`,
          [tenant, cleanText(alert.id, 256), isoTime(alert.time), cleanJson(alert)],
        ),
      )
      return rows.length > 0
    },
    alerts: (tenant, query) => database.read(tenant, (queryable) => alerts(queryable, tenant, query)),
  }
}

async function open(
  queryable: Queryable,
  tenant: TenantNumber,
  { cursor, gateway, limit }: Parameters<AlarmsPort['open']>[1],
): Promise<Page<CentralAlarm>> {
  const key = keyOfCursor(cursor, KEY)
  const rows = await queryable.query<AlarmRow>(
    `${ALARMS} AND a.is_open AND ($2::text IS NULL OR g.id = $2) ${after(key, 4)}
     ORDER BY a.raised_at DESC, a.gateway DESC, a.id COLLATE "C" DESC LIMIT $3`,
    [tenant, gateway === undefined ? null : cleanId(gateway), limit + 1, ...keyValues(key)],
  )
  return pageOfRows(rows, limit, { item: alarmOf, key: alarmKey })
}

async function occurrences(
  queryable: Queryable,
  tenant: TenantNumber,
  query: Parameters<AlarmsPort['occurrences']>[1],
): Promise<Page<CentralAlarm>> {
  const { checkTypes, cursor, from, limit, sensor, to } = query
  const series = await findSeries(queryable, tenant, sensor)
  const key = keyOfCursor(cursor, KEY)
  const rows = await queryable.query<AlarmRow>(
    `${ALARMS} AND a.gateway = $2 AND a.sensor = $3 AND a.check_type = ANY($4) AND a.raised_at < $5::timestamptz
       AND a.alarm -> 'neverRaised' IS DISTINCT FROM 'true' AND (a.cleared_at IS NULL OR a.cleared_at >= $6::timestamptz) ${after(key, 8)}
     ORDER BY a.raised_at DESC, a.gateway DESC, a.id COLLATE "C" DESC LIMIT $7`,
    [tenant, series.gateway, series.sourceId, checkTypes, isoTime(to), isoTime(from), limit + 1, ...keyValues(key)],
  )
  return pageOfRows(rows, limit, { item: alarmOf, key: alarmKey })
}

async function journal(
  queryable: Queryable,
  tenant: TenantNumber,
  query: Parameters<AlarmsPort['journal']>[1],
): Promise<Page<JournalItem>> {
  const { cursor, from, gateway, kind, limit, to } = query
  const key = keyOfCursor(cursor, ['number', 'number', 'number', 'number'])
  const end = key === null ? to : Math.min(to, Number(key[0]) + 1)
  const rows = await queryable.query<EntryRow>(
    `SELECT g.id AS gateway, e.gateway AS gateway_number, e.time, e.epoch, e.seq, e.entry
     FROM central.entry AS e JOIN central.gateway AS g ON g.number = e.gateway AND g.tenant = $1
     WHERE e.tenant = $1 AND e.time >= '${isoTime(from)}' AND e.time < '${isoTime(end)}'
       AND ($2::text IS NULL OR e.kind = $2) AND ($3::text IS NULL OR g.id = $3)
       ${key === null ? '' : `AND (e.time, e.gateway, e.epoch, e.seq) < ('${isoTime(Number(key[0]))}', $5::int4, $6::int4, $7::int8)`}
     ORDER BY e.time DESC, e.gateway DESC, e.epoch DESC, e.seq DESC LIMIT $4`,
    [tenant, kind, gateway === undefined ? null : cleanId(gateway), limit + 1, ...(key?.slice(1) ?? [])],
  )
  return pageOfRows(rows, limit, {
    item: ({ entry, epoch, gateway: id, seq }) => ({ gateway: id, position: { epoch, seq }, entry }),
    key: ({ epoch, gateway_number, seq, time }) => [time, gateway_number, epoch, seq],
  })
}

async function alerts(
  queryable: Queryable,
  tenant: TenantNumber,
  { cursor, from, limit, to }: Parameters<AlarmsPort['alerts']>[1],
): Promise<Page<BrainAlert>> {
  const key = keyOfCursor(cursor, ['number', 'string'])
  const rows = await queryable.query<{ id: string; time: number; alert: BrainAlert }>(
    `SELECT id, time, alert FROM central.alert
     WHERE tenant = $1 AND time >= $2::timestamptz AND time < $3::timestamptz
       ${key === null ? '' : `AND (time, id COLLATE "C") < ('${isoTime(Number(key[0]))}', $5)`}
     ORDER BY time DESC, id COLLATE "C" DESC LIMIT $4`,
    [tenant, isoTime(from), isoTime(to), limit + 1, ...(key?.slice(1) ?? [])],
  )
  return pageOfRows(rows, limit, { item: ({ alert }) => alert, key: ({ id, time }) => [time, id] })
}

/** Newest raise first: what comes after a key. */
function after(key: readonly unknown[] | null, firstValue: number): string {
  if (key === null) return ''
  return `AND (a.raised_at, a.gateway, a.id COLLATE "C") < ($${firstValue}::timestamptz, $${firstValue + 1}::int4, $${firstValue + 2}::text)`
}

function keyValues(key: readonly (string | number)[] | null): unknown[] {
  return key === null ? [] : [isoTime(Number(key[0])), key[1], key[2]]
}

function alarmKey({ gateway_number, id, raised_at }: AlarmRow): (string | number)[] {
  return [raised_at, gateway_number, id]
}

function alarmOf({ alarm, gateway, machine, sensor, unit }: AlarmRow): CentralAlarm {
  return { gateway, alarm: { ...alarm, sensor: sensor ?? alarm.sensor }, machine, unit }
}
