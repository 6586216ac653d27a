// Which readings pass on to the journal, judged against the last one that did. Pure, apart from reading the table.
//
// A change of status always passes. A bad reading with the status of the one before never does again, save after the
// deadband's longest silence. Without a deadband every good and uncertain reading passes. With one, a number passes when
// it differs by `absolute` or more, a boolean or text when it differs at all, and anything after the longest silence;
// an equal value never passes by its value, also with `absolute: 0`.

import { isBad, type StatusCode } from '#domain/quality.ts'
import type { SensorNumber } from '#domain/sensor.ts'
import { Band, integerOf, type SensorTable } from './sensor-table.ts'

// The reading under way is the latest one in the table: its numbers stay in typed arrays, where no call boxes them.

/** True when the latest reading passes whatever its value is; false when that is for the value to decide. */
export function passesByItself(table: SensorTable, sensor: SensorNumber, status: StatusCode): boolean {
  const { latest, passed } = table
  const silentMs = latest.receivedAt[sensor]! - passed.receivedAt[sensor]!
  // NaN before the first reading; negative after the clock was set back: then no interval is known.
  if (!(silentMs >= 0) || status !== passed.status[sensor] || silentMs >= table.bandMaxInterval[sensor]!) return true
  return table.band[sensor] === Band.none && !isBad(status)
}

/** For values held as float64: numbers, and booleans as 0 and 1 (every change of which passes). */
export function passesByNumber(table: SensorTable, sensor: SensorNumber, isBoolean: boolean): boolean {
  const difference = Math.abs(table.latest.value[sensor]! - table.passed.value[sensor]!)
  return difference > 0 && (isBoolean || difference >= table.bandAbsolute[sensor]!)
}

/** For 64-bit integers. The difference is exact before it is compared. */
export function passesByInteger(table: SensorTable, sensor: SensorNumber): boolean {
  const difference = integerOf(table, table.latest, sensor) - integerOf(table, table.passed, sensor)
  if (difference === 0n) return false
  return Number(difference < 0n ? -difference : difference) >= table.bandAbsolute[sensor]!
}
