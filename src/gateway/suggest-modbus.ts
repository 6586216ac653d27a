// A Modbus unit that a scan found, as a device of gateway.yaml. Pure. What a register means nobody knows: each is a uint16,
// with what it holds at present, and with the float that it would begin where that looks like a measured value.

import { idFromName } from '#domain/ids.ts'
import type { ModbusScanRequest, SuggestedDevice, SuggestedSensor } from '#domain/scan.ts'
import type { ScannedTable, ScannedUnit } from './modbus-tools.ts'

const MAX_ID_LENGTH = 64

export interface SuggestModbusOptions {
  readonly connection: ModbusScanRequest['connection']
  /** Host, host and port, or path: the device is named after it. */
  readonly where: string
  /** Most sensors. */
  readonly limit: number
}

/** First number of each table in manuals that count from 1. */
const MANUAL = { coil: 1, discrete: 10_001, input: 30_001, holding: 40_001 } as const

export function suggestModbus(found: ScannedUnit, { connection, where, limit }: SuggestModbusOptions): SuggestedDevice {
  const { unit, identification, tables } = found
  const chosen = tables.flatMap(sensorsOf)
  const maxRegisters = narrowest(tables)
  const { transport, ...end } = connection
  return {
    config: {
      id: deviceId(where, unit),
      driver: 'modbus',
      connection: { ...(transport === 'tcp' ? {} : { transport }), ...end, unit },
      ...(maxRegisters === null ? {} : { reads: { maxRegisters } }),
    },
    title: printable(Object.values(identification ?? {}).join(' · ')),
    sensors: chosen.slice(0, limit),
    left: Math.max(0, chosen.length - limit),
    notes: tables.flatMap(notesOf),
  }
}

/** `0–99`, `7`. */
export function shownAddress({ from, to }: { from: number; to: number }): string {
  return from === to ? String(from) : `${from}–${to}`
}

function deviceId(where: string, unit: number): string {
  const name = idFromName(where.split('/').at(-1) ?? where)
  return `${name.slice(0, MAX_ID_LENGTH - 9)}-unit-${unit}`
}

function narrowest(tables: readonly ScannedTable[]): number | null {
  const widths = tables.flatMap(({ table, maxWidth }) =>
    maxWidth === null || table === 'coil' || table === 'discrete' ? [] : [maxWidth],
  )
  return widths.length === 0 ? null : Math.min(...widths)
}

function notesOf({ table, areas, failed }: ScannedTable): string[] {
  const base = MANUAL[table]
  return [
    ...areas.map(({ from, to }) => {
      const manual = shownAddress({ from: base + from, to: base + to })
      return `${table} ${shownAddress({ from, to })} can be read (${manual} in manuals that count from 1)`
    }),
    ...failed.map((area) => `${table} ${shownAddress(area)}: no answer`),
  ]
}

/** One for each address that holds something, and for the first of each area. */
function sensorsOf({ table, areas, values }: ScannedTable): SuggestedSensor[] {
  const isBit = table === 'coil' || table === 'discrete'
  return areas.flatMap(({ from, to }) => {
    const sensors: SuggestedSensor[] = []
    for (let address = from; address <= to; address++) {
      const value = values.get(address) ?? 0
      if (value === 0 && address !== from) continue
      sensors.push({
        config: { id: `${table}-${address}`, register: table, address },
        value: isBit ? value === 1 : value,
        alternatives: isBit ? [] : floats(value, address < to ? values.get(address + 1) : undefined),
      })
    }
    return sensors
  })
}

function floats(word: number, next: number | undefined): SuggestedSensor['alternatives'] {
  if (next === undefined || (word === 0 && next === 0)) return []
  const orders = [
    ['ABCD', word, next],
    ['CDAB', next, word],
  ] as const
  return orders.flatMap(([order, high, low]) => {
    const value = floatOf(high, low)
    return looksMeasured(value) ? [{ config: { type: 'float32', order }, value: Number(value.toPrecision(6)) }] : []
  })
}

function floatOf(high: number, low: number): number {
  const view = new DataView(new ArrayBuffer(4))
  view.setUint16(0, high)
  view.setUint16(2, low)
  return view.getFloat32(0)
}

function looksMeasured(value: number): boolean {
  return Number.isFinite(value) && Math.abs(value) >= 0.001 && Math.abs(value) < 1e6
}

/** A device's own words must not end the comment in which they stand. */
function printable(text: string): string {
  return text.replace(/[^\x20-\x7e\xa0-\xff·]/g, '?').slice(0, 200)
}
