// New alarm transitions and events into the journal, and the alarms as they are after them.

import type { Queryable } from '#backing/database.ts'
import { isOpen, type AlarmEntry, type Entry } from '#domain/alarm.ts'
import { cleanJson, cleanText } from './clean-text.ts'
import type { TenantNumber } from '../ports.ts'

export interface NewEntry {
  readonly gateway: number
  readonly epoch: number
  readonly seq: number
  readonly entry: Entry
}

export async function storeEntries(
  queryable: Queryable,
  tenant: TenantNumber,
  entries: readonly NewEntry[],
): Promise<void> {
  if (entries.length === 0) return
  await queryable.query(
    `INSERT INTO central.entry (tenant, gateway, epoch, seq, time, kind, entry)
     SELECT $1, gateway, epoch, seq, to_timestamp(ms / 1000), kind, entry::jsonb
     FROM unnest($2::int4[], $3::int4[], $4::int8[], $5::float8[], $6::text[], $7::text[]) AS e(gateway, epoch, seq, ms, kind, entry)`,
    [
      tenant,
      entries.map(({ gateway }) => gateway),
      entries.map(({ epoch }) => epoch),
      entries.map(({ seq }) => seq),
      entries.map(({ entry }) => entry.time),
      entries.map(({ entry }) => entry.kind),
      entries.map(({ entry }) => cleanJson(entry)),
    ],
  )
  await storeAlarms(queryable, tenant, newestTransitions(entries))
}

interface Transition extends NewEntry {
  readonly entry: AlarmEntry
}

/** Of each raise of an alarm the last transition. */
function newestTransitions(entries: readonly NewEntry[]): Transition[] {
  const newest = new Map<string, Transition>()
  for (const each of entries) {
    const { entry } = each
    if (entry.kind !== 'alarm' || entry.alarm.id === '') continue
    const key = `${each.gateway}/${entry.alarm.raisedAt}/${entry.alarm.id}`
    const before = newest.get(key)
    if (before === undefined || before.epoch < each.epoch || (before.epoch === each.epoch && before.seq < each.seq))
      newest.set(key, { ...each, entry })
  }
  return [...newest.values()].sort((a, b) => a.gateway - b.gateway || (a.entry.alarm.id < b.entry.alarm.id ? -1 : 1))
}

async function storeAlarms(
  queryable: Queryable,
  tenant: TenantNumber,
  transitions: readonly Transition[],
): Promise<void> {
  if (transitions.length === 0) return
  const alarms = transitions.map(({ entry }) => entry.alarm)
  await queryable.query(
    `INSERT INTO central.alarm AS a (tenant, gateway, id, raised_at, cleared_at, sensor, check_type, is_open, epoch, seq, alarm)
     SELECT $1, gateway, id, to_timestamp(raised / 1000), to_timestamp(cleared / 1000), sensor, check_type, is_open, epoch, seq, alarm::jsonb
     FROM unnest($2::int4[], $3::text[], $4::float8[], $5::float8[], $6::text[], $7::text[], $8::bool[], $9::int4[], $10::int8[], $11::text[])
       AS t(gateway, id, raised, cleared, sensor, check_type, is_open, epoch, seq, alarm)
     ON CONFLICT (gateway, id, raised_at) DO UPDATE SET cleared_at = excluded.cleared_at, is_open = excluded.is_open,
       epoch = excluded.epoch, seq = excluded.seq, alarm = excluded.alarm
     WHERE (excluded.epoch, excluded.seq) > (a.epoch, a.seq)`,
    [
      tenant,
      transitions.map(({ gateway }) => gateway),
      alarms.map(({ id }) => cleanText(id, 256)),
      alarms.map(({ raisedAt }) => raisedAt),
      alarms.map(({ clearedAt }) => clearedAt),
      alarms.map(({ sensor }) => cleanText(sensor, 256)),
      alarms.map(({ checkType }) => cleanText(checkType, 64)),
      alarms.map(isOpen),
      transitions.map(({ epoch }) => epoch),
      transitions.map(({ seq }) => seq),
      alarms.map(cleanJson),
    ],
  )
  // An alarm that is raised again before it was acknowledged keeps its id: only its last raise is open.
  await queryable.query(
    `UPDATE central.alarm AS a SET is_open = false FROM unnest($2::int4[], $3::text[]) AS t(gateway, id)
     WHERE a.tenant = $1 AND a.gateway = t.gateway AND a.id = t.id AND a.is_open AND EXISTS (SELECT FROM central.alarm AS later
       WHERE later.gateway = a.gateway AND later.id = a.id AND later.raised_at > a.raised_at)`,
    [tenant, transitions.map(({ gateway }) => gateway), alarms.map(({ id }) => cleanText(id, 256))],
  )
}
