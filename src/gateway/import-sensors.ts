// A list of sensors in CSV, as from a spreadsheet → entries for a device's `sensors`, or what is wrong with it, by line and column.

import { stringify } from 'yaml'
import type { Driver } from '#domain/driver.ts'
import type { ImportedSensors } from '#domain/configuration.ts'
import { readSensorRows } from '#config/sensor-rows.ts'

const LABEL = 'sensors.csv'

export function importSensors(csv: string, driver: Driver): ImportedSensors {
  const { problems, rows } = readSensorRows(csv, LABEL, driver)
  if (problems.length > 0) return { problems, count: 0, yaml: '' }
  const yaml = rows.map((row) => `- ${flow(row)}\n`).join('')
  return { problems: [], count: rows.length, yaml }
}

function flow(row: Readonly<Record<string, unknown>>): string {
  return stringify(row, { collectionStyle: 'flow', lineWidth: 0 }).trimEnd()
}
