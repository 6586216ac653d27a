// Looks for units on a Modbus line, and for what can be read of each. Gently: one request at a time, pauses, reads only.

import type { Clock } from '#kit/clock.ts'
import { isAboutAddresses, isUnreachable } from './exceptions.ts'
import { findAreas, type Area, type Ask, type AskOutcome, type FoundAreas } from './find-areas.ts'
import { BASIC, identificationRequest, readIdentification, REGULAR, type Identification } from './identification.ts'
import { exceptionOf, isShort, readRequest, READ_DATA_START } from './pdu.ts'
import { isBitTable, type Register } from './point.ts'
import { ScanLine } from './scan-line.ts'
import type { ModbusDeviceConfig } from './schema.ts'

const ILLEGAL_FUNCTION = 1
/** A device may hand out its objects one by one; seven have names. */
const MAX_IDENTIFICATION_PARTS = 10

export interface ModbusScanOptions {
  readonly connection: ModbusDeviceConfig['connection']
  /** Unit ids that are asked, in this order. */
  readonly units: readonly number[]
  readonly tables: readonly Register[]
  /** Addresses that are looked at, both ends included. */
  readonly addresses: Area
  /** Registers in one request; of coils and discrete inputs eight times as many. */
  readonly block: number
  /** Distance of the addresses that are tried where a block is refused. */
  readonly step: number
  readonly pauseMs: number
  readonly identify: boolean
  /** When every unit answers, it is taken for one device that does not look at the unit id, as many do on TCP. */
  readonly mayIgnoreUnit: boolean
  /** Somebody else talks to the same end: after each request the line rests for as long as the answer took. */
  readonly isShared?: boolean
  readonly clock?: Clock
  readonly signal: AbortSignal
  readonly onProgress?: (progress: ModbusScanProgress) => void
  /** Each unit, as soon as it was looked into. */
  readonly onUnit?: (unit: ScannedUnit) => void
}

export interface ModbusScanProgress {
  readonly unit: number
  /** null: it is being looked for, or asked who it is. */
  readonly table: Register | null
  readonly address: number | null
  readonly requests: number
  readonly unitsFound: number
}

export interface ScannedTable extends FoundAreas {
  readonly table: Register
  /** What the readable addresses hold: registers 0 to 65535, bits 0 or 1. */
  readonly values: ReadonlyMap<number, number>
}

export interface ScannedUnit {
  readonly unit: number
  /** null: it does not say, or was not asked. */
  readonly identification: Identification | null
  readonly tables: readonly ScannedTable[]
}

export interface ModbusScan {
  readonly units: readonly ScannedUnit[]
  readonly requests: number
  /** Every unit id was answered: only the first was looked into. */
  readonly ignoresUnit: boolean
}

/** Throws CONNECTION_FAILED, TIMEOUT (no connection), ABORTED. */
export async function scanModbus(options: ModbusScanOptions): Promise<ModbusScan> {
  const { connection, pauseMs, isShared = false, clock, onUnit } = options
  const line = new ScanLine({ connection, pauseMs, isShared, ...(clock && { clock }) })
  try {
    await line.open()
    const present: UnitScan[] = []
    for (const unit of options.units) {
      const look = new UnitScan(unit, line, options, present.length)
      if (await look.isThere()) present.push(look)
    }
    const ignoresUnit = options.mayIgnoreUnit && present.length > 2 && present.length === options.units.length
    const units: ScannedUnit[] = []
    for (const look of ignoresUnit ? present.slice(0, 1) : present) {
      const unit = await look.everything()
      units.push(unit)
      onUnit?.(unit)
    }
    return { units, requests: line.requests, ignoresUnit }
  } finally {
    line.close()
  }
}

class UnitScan {
  readonly #unit: number
  readonly #line: ScanLine
  readonly #options: ModbusScanOptions
  readonly #unitsFound: number

  constructor(unit: number, line: ScanLine, options: ModbusScanOptions, unitsFound: number) {
    this.#unit = unit
    this.#line = line
    this.#options = options
    this.#unitsFound = unitsFound
  }

  /** Any answer but that of a gateway which cannot reach it. A refusal of one table says nothing about the others. */
  async isThere(): Promise<boolean> {
    this.#progress(null, null)
    const { tables, addresses } = this.#options
    const request = readRequest(tables[0] ?? 'holding', addresses.from, 1)
    // On a serial line one byte of noise is enough; and a slave by libmodbus takes the request that follows one for an absent
    // unit for that unit's answer, and says nothing: the second request puts it right.
    const tries = this.#options.connection.transport === 'rtu' ? 2 : 1
    for (let turn = 0; turn < tries; turn++) {
      const answer = await this.#ask(request)
      if (answer !== null) return !isUnreachable(exceptionOf(answer))
    }
    return false
  }

  async everything(): Promise<ScannedUnit> {
    const identification = this.#options.identify ? await this.#identification() : null
    const tables: ScannedTable[] = []
    for (const table of this.#options.tables) tables.push(await this.#table(table))
    return { unit: this.#unit, identification, tables }
  }

  async #identification(): Promise<Identification | null> {
    for (const kind of [REGULAR, BASIC]) {
      let found: Identification = {}
      let hasAnswered = false
      let next: number | null = 0
      for (let part = 0; part < MAX_IDENTIFICATION_PARTS && next !== null; part++) {
        const answer = await this.#ask(identificationRequest(kind, next))
        if (answer === null || exceptionOf(answer) !== null) break
        const said = readIdentification(answer)
        hasAnswered = true
        found = { ...found, ...said.identification }
        next = said.next
      }
      if (hasAnswered) return Object.keys(found).length === 0 ? null : found
    }
    return null
  }

  async #table(table: Register): Promise<ScannedTable> {
    const { addresses, block, step } = this.#options
    const width = isBitTable(table) ? Math.min(2000, block * 8) : block
    const search = findAreas({ ...addresses, block: width, step })
    const values = new Map<number, number>()
    let outcome: AskOutcome = 'failed'
    for (;;) {
      const next = search.next(outcome)
      if (next.done === true) return { table, ...next.value, values }
      outcome = await this.#read(table, next.value, values)
    }
  }

  async #read(table: Register, { address, width }: Ask, values: Map<number, number>): Promise<AskOutcome> {
    this.#progress(table, address)
    const request = readRequest(table, address, width)
    const answer = await this.#ask(request)
    if (answer === null) return 'failed'
    const exception = exceptionOf(answer)
    if (exception === ILLEGAL_FUNCTION) return 'absent'
    if (exception !== null) return isAboutAddresses(exception) ? 'refused' : 'failed'
    if (isShort(request, answer)) return 'refused'
    for (let index = 0; index < width; index++) {
      const value = isBitTable(table)
        ? (answer[READ_DATA_START + (index >> 3)]! >> (index & 7)) & 1
        : answer.readUInt16BE(READ_DATA_START + index * 2)
      values.set(address + index, value)
    }
    return 'answered'
  }

  #ask(pdu: Buffer): Promise<Buffer | null> {
    return this.#line.ask(this.#unit, pdu, this.#options.signal)
  }

  #progress(table: Register | null, address: number | null): void {
    const { requests } = this.#line
    this.#options.onProgress?.({ unit: this.#unit, table, address, requests, unitsFound: this.#unitsFound })
  }
}
