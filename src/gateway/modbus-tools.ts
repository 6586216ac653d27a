// What the command line does with a Modbus line before there is a device: look for units and registers. The driver's files
// are loaded when they are needed.

import type { ModbusScan, ModbusScanOptions } from '#drivers/modbus/scan.ts'

export type { ModbusScan, ModbusScanProgress, ScannedTable, ScannedUnit } from '#drivers/modbus/scan.ts'

/** Finds units and what can be read of each. Throws CONNECTION_FAILED, TIMEOUT. */
export async function scanModbusLine(options: Omit<ModbusScanOptions, 'signal'>): Promise<ModbusScan> {
  const { scanModbus } = await import('#drivers/modbus/scan.ts')
  const awake = setInterval(() => {}, 1000) // the system clock's timers do not keep the process alive
  try {
    return await scanModbus({ ...options, signal: new AbortController().signal }) // Ctrl-C ends the process
  } finally {
    clearInterval(awake)
  }
}
