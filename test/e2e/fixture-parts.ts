// What the plant of the browser tests has beside its sensors: uplinks with their dead letters, checks, wire frames, registers.

import type { KeptLetter } from '#domain/dead-letter.ts'
import type { BlockRead, WireFrame } from '#domain/driver.ts'
import { TelemetryError } from '#domain/errors.ts'
import { ENTRY } from '#domain/reading.ts'
import type { Model } from '#domain/sensor.ts'
import type { UplinkStatus } from '#domain/uplink.ts'
import type { CheckDesk, CheckStatus, UplinkDirectory } from '#domain/views.ts'
import { makeAlarm, type FakeAlarms } from '../api/fakes.ts'

/** Two uplinks: one that has delivered everything, one with a backlog and refused records. */
export function fixtureUplinks(): UplinkDirectory {
  const kept = new Map([1, 2, 3].map((id) => [id, letter(id)]))
  let delivered = 0
  let discarded = 0
  return {
    list: () => statuses(kept.size, delivered, discarded),
    letters: {
      list: async (uplink, after, limit) =>
        uplink === 'historian' ? [...kept.values()].filter(({ id }) => id > after).slice(0, limit) : [],
      retry: async (_uplink, id) => {
        if (!kept.has(id)) throw new TelemetryError('NOT_FOUND', `There is no dead letter ${id}`)
        if (id === 2) return false
        kept.delete(id)
        delivered += 1
        return true
      },
      discard: async (_uplink, ids) => {
        const gone = ids.filter((id) => kept.delete(id)).length
        discarded += gone
        return gone
      },
    },
  }
}

function letter(id: number): KeptLetter {
  const at = Date.now() - 3_600_000 + id * 1000
  return {
    id,
    epoch: 3,
    seq: 1_100_000 + id,
    sensor: ENTRY,
    sourceTime: null,
    receivedAt: at,
    status: 0,
    bits: 0n,
    text: JSON.stringify({ kind: 'event', type: 'batch-done', message: `Batch ${4710 + id} is done` }),
    reason: 'The table "batches" does not exist',
    rejectedAt: at + 2000,
    attempts: id,
  }
}

function statuses(letters: number, delivered: number, discarded: number): readonly UplinkStatus[] {
  return [
    {
      id: 'hq',
      type: 'mqtt',
      state: 'online',
      reason: null,
      cursor: '3/1284021',
      accepted: 1_284_021,
      delivered: 1_284_021,
      pending: 0,
      rejected: 0,
      filtered: 0,
      dropped: {},
      oldestPendingAge: 0,
      lanes: [{ lane: 'inOrder', cursor: '3/1284021', pending: 0 }],
      breaker: { state: 'closed', failures: 0, retryAt: null },
      deadLetters: 0,
      replayRate: 0,
    },
    {
      id: 'historian',
      type: 'central',
      state: 'retrying',
      reason: 'historian.example:8883 refused the connection. The next try is in 8 s.',
      cursor: '3/1210544',
      accepted: 1_284_021,
      delivered: 1_208_109 + delivered,
      pending: 73_477,
      rejected: 3 - delivered - discarded,
      filtered: 2402,
      dropped: { retention: 30, discarded },
      oldestPendingAge: 5412,
      lanes: [
        { lane: 'live', cursor: '3/1284000', pending: 21 },
        { lane: 'backlog', cursor: '3/1210544', pending: 73_456 },
      ],
      breaker: { state: 'open', failures: 12, retryAt: Date.now() + 8000 },
      deadLetters: letters,
      replayRate: 0,
    },
  ]
}

/** The threshold of each sensor that has one. */
export function fixtureChecks(model: Model, alarms: FakeAlarms): CheckDesk {
  const out = new Set<number>()
  const standIn = (sensor: number, check: string, more: object) => {
    const { id } = model.sensorAt(sensor)!
    const at = Date.now()
    const quiet = { active: false, acknowledged: true, raisedAt: at, clearedAt: at, message: 'Out of service' }
    return alarms.put(makeAlarm(`s-${sensor}`, id, { check, ...quiet, ...more }))
  }
  return {
    takeOutOfService: (sensor, check, { untilMs }) => {
      out.add(sensor)
      return standIn(sensor, check, { outOfService: true, ...(untilMs !== null && { outOfServiceUntil: untilMs }) })
    },
    returnToService: (sensor, check) => {
      out.delete(sensor)
      return standIn(sensor, check, { outOfService: false })
    },
    status: (sensor): readonly CheckStatus[] =>
      (model.sensorAt(sensor)?.checks ?? []).map(() => ({
        id: 'threshold',
        type: 'threshold',
        learning: null,
        level: null,
        isPending: false,
        isOutOfService: out.has(sensor),
      })),
    trial: () => {
      throw new TelemetryError('CONFLICT', 'There is nothing to try')
    },
  }
}

/** A poll each second: holding registers 100 to 103 of unit 1, over Modbus TCP. */
export function frames(id: string, now: number): readonly WireFrame[] {
  if (id !== 'press-1') return []
  const start = Math.floor(now / 1000)
  return Array.from({ length: 10 }, (_, index): WireFrame[] => {
    const second = start - 9 + index
    const number = second & 0xffff
    const head = (length: number): number[] => [number >> 8, number & 255, 0, 0, 0, length, 1]
    return [
      { time: second * 1000, direction: 'sent', bytes: Uint8Array.from([...head(6), 3, 0, 100, 0, 4]) },
      {
        time: second * 1000 + 4,
        direction: 'received',
        bytes: Uint8Array.from([...head(11), 3, 8, 0x42, 0x8e, 0x80, 0, 0, second % 60, 0xff, 0xfe]),
      },
    ]
  }).flat()
}

/** From address 100: 71.25 as float32 ABCD, then CDAB, then 712 as an integer with one decimal, and text. */
const REGISTERS: Readonly<Record<number, number>> = {
  100: 0x428e,
  101: 0x8000,
  102: 0x8000,
  103: 0x428e,
  104: 712,
  105: 0xfffe,
  106: 0x5072,
  107: 0x6573,
  108: 0x7320,
  109: 0x3100,
}

export function fixtureBlock(id: string, { table, address, count }: BlockRead): Uint8Array {
  if (id !== 'press-1') throw new TelemetryError('CONNECTION_LOST', `${id} is not connected: no answer within 1 s`)
  if (address + count > 200)
    throw new TelemetryError('DEVICE_EXCEPTION', 'Unit 1 refuses: exception 2, illegal data address')
  if (table === 'coil' || table === 'discrete') return Uint8Array.from({ length: (count + 7) >> 3 }, () => 0b0101_0011)
  return Uint8Array.from({ length: count * 2 }, (_, index) => {
    const word = REGISTERS[address + (index >> 1)] ?? 0
    return index % 2 === 0 ? word >> 8 : word & 255
  })
}
