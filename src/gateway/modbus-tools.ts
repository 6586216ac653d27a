// What people do with a Modbus line before there is a device: look for units and registers. The driver's files are loaded
// when they are needed.

import type { ModbusScan, ModbusScanOptions, ModbusScanProgress } from '#drivers/modbus/scan.ts'

export type { ModbusScan, ModbusScanProgress, ScannedTable, ScannedUnit } from '#drivers/modbus/scan.ts'

/** On TCP a device mostly has one unit, and silence costs a time-out. */
export const TCP_UNITS: readonly number[] = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 255]
export const SERIAL_UNITS: readonly number[] = Array.from({ length: 32 }, (_, index) => index + 1)

/** Finds units and what can be read of each. Throws CONNECTION_FAILED, TIMEOUT, ABORTED. */
export async function scanModbusLine(
  options: Omit<ModbusScanOptions, 'signal'> & { readonly signal?: AbortSignal },
): Promise<ModbusScan> {
  const { scanModbus } = await import('#drivers/modbus/scan.ts')
  const awake = setInterval(() => {}, 1000) // the system clock's timers do not keep the process alive
  try {
    return await scanModbus({ signal: new AbortController().signal, ...options }) // without one, Ctrl-C ends the process
  } finally {
    clearInterval(awake)
  }
}

export function progressText({ unit, table, address, requests, unitsFound }: ModbusScanProgress): string {
  const what = table === null ? 'looking' : `${table} ${address}`
  const [units, asked] = [
    unitsFound === 1 ? '1 unit' : `${unitsFound} units`,
    requests === 1 ? '1 request' : `${requests} requests`,
  ]
  return `unit ${unit}: ${what}; ${units} before, ${asked}`
}
