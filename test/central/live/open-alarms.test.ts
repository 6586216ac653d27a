// Open alarms of a live view, read from storage while batches come.

import { expect, it } from 'vitest'
import { isOpen, type Alarm } from '#domain/alarm.ts'
import { TelemetryError } from '#domain/errors.ts'
import { ENTRY } from '#domain/reading.ts'
import type { TakenBatch } from '#central/ingest-ports.ts'
import { OpenAlarms } from '#central/live/open-alarms.ts'
import { TenantView } from '#central/live/tenant-view.ts'
import type { CentralAlarm } from '#central/ports.ts'
import { silentLogger } from '#kit/logger.ts'
import { ManualClock } from '#kit/manual-clock.ts'
import { ReceivedBatch } from '#rpc/received-batch.ts'
import { makeAlarm } from '#test/api/fakes.ts'
import { EVENTUALLY } from '#test/eventually.ts'

const OVER = { active: false, acknowledged: true, clearedAt: 1, acknowledgedAt: 1 }

function told(alarm: Alarm, lane: 'live' | 'backlog' = 'live'): TakenBatch {
  const head = { epoch: 1, lane, historical: false, firstSeq: 1, lastSeq: 1, openSeqs: [] } as const
  const batch = new ReceivedBatch(head, 1)
  batch.length = 1
  batch.sensor[0] = ENTRY
  batch.entries.set(0, { kind: 'alarm', change: 'raised', time: 0, by: null, comment: null, alarm })
  return { tenant: 1, gateway: 'mill', batch, rows: [0], sensorOf: () => undefined }
}

function openAlarms(kept: Map<string, Alarm>) {
  const view = new TenantView(new Set())
  const clock = new ManualClock()
  const named = (alarm: Alarm): CentralAlarm => ({ gateway: 'mill', alarm, machine: null, unit: null })
  const storage = {
    isAway: false,
    reads: 0,
    onRead: () => {},
  }
  const alarms = {
    open: async () => {
      storage.reads += 1
      if (storage.isAway) throw new TelemetryError('UNAVAILABLE', 'away', { retryable: true })
      const items = [...kept.values()].filter(isOpen).map(named)
      storage.onRead()
      return { items, next: null }
    },
    get: async (_tenant: number, _gateway: string, id: string) => (kept.has(id) ? named(kept.get(id)!) : null),
  }
  const options = { tenant: 1, view, alarms, clock, log: silentLogger }
  return { view, clock, storage, reader: new OpenAlarms(options) }
}

it('does not open again what was over before storage had answered', async () => {
  const alarm = makeAlarm('1-1', 'press.oil')
  const { reader, storage, view } = openAlarms(new Map([[alarm.id, alarm]]))
  storage.onRead = () => void view.take(told({ ...alarm, ...OVER }))
  await reader.read()
  expect(view.alarms.list()).toEqual([])
})

it('tells what has become of an alarm that storage has no longer open', async () => {
  const alarm = makeAlarm('1-1', 'press.oil')
  const kept = new Map([[alarm.id, alarm]])
  const { reader, view } = openAlarms(kept)
  await reader.read()
  expect(view.alarms.list()).toMatchObject([{ id: 'mill/1-1', active: true }])
  const changes: Alarm[] = []
  view.alarms.subscribe((change) => changes.push(change))
  await reader.read()
  expect(changes).toEqual([]) // nothing is another than it was
  kept.set(alarm.id, { ...alarm, ...OVER })
  await reader.read()
  expect(changes).toMatchObject([{ id: 'mill/1-1', active: false }])
  expect(view.alarms.list()).toEqual([])
})

it('asks storage again when it was away, and no more once it has ended', async () => {
  const alarm = makeAlarm('1-1', 'press.oil')
  const { clock, reader, storage, view } = openAlarms(new Map([[alarm.id, alarm]]))
  expect(view.take(told(alarm, 'backlog'))).toBe('alarmsInDoubt')
  expect(view.alarms.list()).toEqual([])
  storage.isAway = true
  reader.doubt()
  reader.doubt()
  await expect.poll(() => clock.pending, EVENTUALLY).toBe(1)
  storage.isAway = false
  await clock.advance(10_000)
  await expect.poll(() => view.alarms.list(), EVENTUALLY).toMatchObject([{ id: 'mill/1-1' }])
  expect(storage.reads).toBe(2)
  reader.end()
  reader.doubt()
  expect(storage.reads).toBe(2)
})
