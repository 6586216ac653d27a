// A Modbus unit that a scan found, as a device to be pasted below `devices:`. Pure. What a register means nobody knows: each is a
// uint16, with what it holds at present beside it, and with the float that it would begin where that looks like a measured value.

import { idFromName } from '#domain/ids.ts'
import type { ScannedTable, ScannedUnit } from '#gateway/modbus-tools.ts'

const MAX_ID_LENGTH = 64

export interface ModbusConnection {
  readonly transport: 'tcp' | 'rtu' | 'rtu-over-tcp'
  readonly host?: string
  readonly port?: number
  readonly path?: string
  readonly baudRate?: number
  readonly parity?: 'none' | 'even' | 'odd'
  readonly stopBits?: 1 | 2
}

export interface ModbusYamlOptions {
  readonly connection: ModbusConnection
  /** As it was named on the command line. */
  readonly where: string
  /** Most sensors. */
  readonly limit: number
}

/** First number of each table in manuals that count from 1. */
const MANUAL = { coil: 1, discrete: 10_001, input: 30_001, holding: 40_001 } as const

export function modbusYaml(found: ScannedUnit, { connection, where, limit }: ModbusYamlOptions): string {
  const { unit, identification, tables } = found
  const chosen = tables.flatMap(sensorsOf)
  const shown = chosen.slice(0, limit)
  const maxWidth = narrowest(tables)
  const said = Object.values(identification ?? {}).join(' · ')
  return [
    ...(said === '' ? [] : [`  # ${printable(said)}`]),
    ...tables.flatMap(areaComments),
    `  - id: ${deviceId(where, unit)}`,
    '    driver: modbus',
    `    connection: { ${connectionText(connection)}, unit: ${unit} }`,
    ...(maxWidth === null ? [] : [`    reads: { maxRegisters: ${maxWidth} }`]),
    ...(shown.length === 0 ? ['    sensors: []'] : ['    sensors:', ...shown]),
    ...(chosen.length > shown.length ? [`      # ${chosen.length - shown.length} more: see --limit`] : []),
  ].join('\n')
}

/** `0–99`, `7`. */
export function shownAddress({ from, to }: { from: number; to: number }): string {
  return from === to ? String(from) : `${from}–${to}`
}

function connectionText({ transport, ...rest }: ModbusConnection): string {
  const keys = { ...(transport === 'tcp' ? {} : { transport }), ...rest }
  return Object.entries(keys)
    .map(([key, value]) => `${key}: ${/^[a-z0-9][a-z0-9.-]*$/i.test(String(value)) ? value : JSON.stringify(value)}`)
    .join(', ')
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

function areaComments({ table, areas, failed }: ScannedTable): string[] {
  const base = MANUAL[table]
  return [
    ...areas.map(({ from, to }) => {
      const manual = shownAddress({ from: base + from, to: base + to })
      return `  # ${table} ${shownAddress({ from, to })} can be read (${manual} in manuals that count from 1)`
    }),
    ...failed.map((area) => `  # ${table} ${shownAddress(area)}: no answer`),
  ]
}

/** One for each address that holds something, and for the first of each area. */
function sensorsOf({ table, areas, values }: ScannedTable): string[] {
  const isBit = table === 'coil' || table === 'discrete'
  return areas.flatMap(({ from, to }) => {
    const lines: string[] = []
    for (let address = from; address <= to; address++) {
      const value = values.get(address) ?? 0
      if (value === 0 && address !== from) continue
      const hint = isBit ? '' : floatHint(value, address < to ? values.get(address + 1) : undefined)
      lines.push(
        `      - { id: ${table}-${address}, register: ${table}, address: ${address} } # ${isBit ? value === 1 : value}${hint}`,
      )
    }
    return lines
  })
}

function floatHint(word: number, next: number | undefined): string {
  if (next === undefined || (word === 0 && next === 0)) return ''
  const hints = (
    [
      ['ABCD', word, next],
      ['CDAB', next, word],
    ] as const
  ).flatMap(([order, high, low]) => {
    const value = floatOf(high, low)
    return looksMeasured(value) ? [`float32 ${order} would be ${Number(value.toPrecision(6))}`] : []
  })
  return hints.length === 0 ? '' : `; ${hints.join('; ')}`
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

/** A device's own words must not end the comment. */
function printable(text: string): string {
  return text.replace(/[^\x20-\x7e\xa0-\xff·]/g, '?').slice(0, 200)
}
