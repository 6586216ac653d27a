// Words of the system → words of people: units, levels, states, names.

import type { DeviceState, Level, Quality, Sensor, Severity, UplinkState } from '../client/wire.ts'

// As in src/domain/display.ts, for the messages of alarms: test/domain/display.test.ts holds both to one rule.
const UNITS: Readonly<Record<string, string>> = {
  degC: '°C',
  degF: '°F',
  ohm: 'Ω',
  kohm: 'kΩ',
  percent: '%',
  m2: 'm²',
  m3: 'm³',
  'm3/h': 'm³/h',
  'm/s2': 'm/s²',
  'mm/s2': 'mm/s²',
  'l/min': 'L/min',
  um: 'µm',
  'uS/cm': 'µS/cm',
  'kg/m3': 'kg/m³',
  'kW/m3': 'kW/m³',
  'kWh/m3': 'kWh/m³',
  deg: '°',
  '1': '',
}

/** A configured unit as it is printed: `degC` → `°C`. Unknown ones stay as they are. */
export function displayUnit(unit: string): string {
  return Object.hasOwn(UNITS, unit) ? UNITS[unit]! : unit
}

/** `oil-temperature` → `Oil temperature` */
export function nameFromId(id: string): string {
  const words = id.replace(/[-_]+/g, ' ').trim()
  return words.charAt(0).toUpperCase() + words.slice(1)
}

/** What a sensor is called: its description, else its id in words. */
export function sensorName(sensor: Pick<Sensor, 'name' | 'description'>): string {
  return sensor.description === '' ? nameFromId(sensor.name) : sensor.description
}

export const SEVERITY_WORDS: Readonly<Record<Severity, string>> = {
  urgent: 'Urgent',
  high: 'High',
  medium: 'Medium',
  low: 'Low',
}

export const LEVEL_WORDS: Readonly<Record<Level, string>> = {
  lowLow: 'Low-low limit',
  low: 'Low limit',
  high: 'High limit',
  highHigh: 'High-high limit',
  anomaly: 'Anomaly',
  flatline: 'Does not move',
  stale: 'No good reading',
  expression: 'Condition',
  fault: 'Fault of the gateway',
}

export const QUALITY_WORDS: Readonly<Record<Quality, string>> = { good: 'Good', uncertain: 'Uncertain', bad: 'Bad' }

export const DEVICE_WORDS: Readonly<Record<DeviceState, string>> = {
  up: 'Up',
  connecting: 'Connecting',
  down: 'Down',
  paused: 'Paused',
  stopped: 'Stopped',
}

export const UPLINK_WORDS: Readonly<Record<UplinkState, string>> = {
  online: 'Online',
  connecting: 'Connecting',
  waiting: 'Receiver not ready',
  retrying: 'Retrying',
  stopped: 'Stopped',
}

/** `BadCommunicationError` → `communication error`, for behind the quality's own word. Empty for a plain `Good` or `Bad`. */
export function statusWords(status: string): string {
  const match = /^(?:Good|Uncertain|Bad)(.*)$/.exec(status)
  if (match === null || match[1]!.startsWith('(')) return status
  return match[1]!.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`).trim()
}

/** A number and the unit behind it are not parted at the end of a line: `65 °C`. */
export function unparted(text: string): string {
  return text.replace(/(\d) (?=[°%µΩ]|m[23]|[A-Za-z]{1,3}(?:[/²³.,;)]|$))/g, '$1\u00a0')
}

/** `1 sensor`, `3 sensors` */
export function counted(count: number, one: string, many = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`
}

/** `a`, `a and b`, `a, b and c` */
export function listed(words: readonly string[]): string {
  return words.length < 2 ? (words[0] ?? '') : `${words.slice(0, -1).join(', ')} and ${words.at(-1)}`
}
