// What is wrong with a serial device's configuration beyond what its schema can say; everything at once.

import { DEFAULT_BAUD_RATE } from '#kit/serial-port.ts'
import type { BusDevice, BusProblem, ConfigProblem } from '#domain/driver.ts'
import { bytesOf } from './bytes.ts'
import { checksumBytes } from './checksum.ts'
import { convertField, serialValueType } from './convert.ts'
import { jsonPath } from './json-fields.ts'
import { groupNames } from './pattern.ts'
import { budgetProblems } from './port-budget.ts'
import { DEFAULT_MAX_BYTES, type ParseConfig, type SerialDeviceConfig, type SerialSensorConfig } from './schema.ts'

/** Shortest and longest time between polls, as for `poll`. */
const MIN_EVERY_MS = 10
const MAX_EVERY_MS = 86_400_000

/** Problems with paths from the device's YAML: `['sensors', 3, 'field']`. */
export function serialProblems(
  device: SerialDeviceConfig,
  sensors: readonly SerialSensorConfig[],
): readonly ConfigProblem[] {
  return [
    ...framingProblems(device),
    ...checksumProblems(device),
    ...requestProblems(device, sensors),
    ...parseProblems(device.parse),
    ...sensors.flatMap((sensor, index) =>
      [...sensorProblems(sensor, device)].map(({ path, message }) => ({
        path: ['sensors', index, ...path],
        message,
      })),
    ),
  ]
}

function* framingProblems({ framing }: SerialDeviceConfig): Generator<ConfigProblem> {
  const { delimiter, length, start, end, maxBytes, maxPause } = framing
  const kinds = [delimiter !== undefined, length !== undefined, start !== undefined || end !== undefined]
  if (kinds.filter(Boolean).length !== 1)
    yield { path: ['framing'], message: 'Frames are told apart by one of: delimiter; length; start and end' }
  else if ((start === undefined) !== (end === undefined))
    yield { path: ['framing'], message: 'start and end belong together' }
  for (const key of ['delimiter', 'start', 'end'] as const) yield* byteProblems(framing[key], ['framing', key])
  if (start !== undefined && end !== undefined && end.includes(start))
    yield {
      path: ['framing', 'end'],
      message: 'end must differ from start and not contain it; for equal marks use delimiter',
    }
  if (length !== undefined && maxBytes !== undefined)
    yield { path: ['framing', 'maxBytes'], message: 'With length every frame has this length: leave maxBytes out' }
  if (maxPause === 0) yield { path: ['framing', 'maxPause'], message: 'A pause of 0 ends every frame at once' }
}

function* checksumProblems({ checksum, framing }: SerialDeviceConfig): Generator<ConfigProblem> {
  if (checksum === undefined) return
  const isMarked = framing.start !== undefined && framing.end !== undefined
  if (checksum.position === 'afterEnd' && !isMarked)
    yield { path: ['checksum', 'position'], message: 'afterEnd needs framing by start and end' }
  if (checksum.includeStart === true && !isMarked)
    yield { path: ['checksum', 'includeStart'], message: 'There is no start: it needs framing by start and end' }
  if (checksum.includeEnd === true && checksum.position !== 'afterEnd')
    yield { path: ['checksum', 'includeEnd'], message: 'end stands behind the checksum unless position is afterEnd' }
  yield* byteProblems(checksum.separator, ['checksum', 'separator'])
  const room = framing.length ?? framing.maxBytes ?? DEFAULT_MAX_BYTES
  if (checksum.position !== 'afterEnd' && checksumBytes(checksum) >= room)
    yield { path: ['checksum'], message: 'A frame has no room for it' }
}

function* requestProblems(
  { request }: SerialDeviceConfig,
  sensors: readonly SerialSensorConfig[],
): Generator<ConfigProblem> {
  if (request === undefined) return
  yield* byteProblems(request.send, ['request', 'send'])
  if (request.timeout === 0)
    yield { path: ['request', 'timeout'], message: 'A timeout of 0 leaves no time for an answer' }
  if (request.every !== undefined && (request.every < MIN_EVERY_MS || request.every > MAX_EVERY_MS))
    yield { path: ['request', 'every'], message: 'every must be from 10ms to 1d' }
  if (request.send === undefined && sensors.some(({ send }) => send === undefined))
    yield { path: ['request'], message: 'send is missing, and not every sensor has its own' }
}

function* parseProblems(parse: ParseConfig): Generator<ConfigProblem> {
  const { pattern, type, separator, columns, ignore } = parse
  if ((pattern === undefined) === (type === undefined))
    yield { path: ['parse'], message: 'A frame is parsed either by pattern or by type' }
  for (const [key, value] of [
    ['separator', separator],
    ['columns', columns],
  ] as const) {
    if (value !== undefined && type !== 'csv') yield { path: ['parse', key], message: `${key} belongs to type csv` }
  }
  for (const [key, source] of [
    ['pattern', pattern],
    ['ignore', ignore],
  ] as const) {
    const fault = source === undefined ? null : expressionFault(source)
    if (fault !== null) yield { path: ['parse', key], message: `This is no regular expression: ${fault}` }
  }
  const twice = columns?.findIndex((name, index) => columns.indexOf(name) !== index) ?? -1
  if (twice !== -1) yield { path: ['parse', 'columns', twice], message: 'Two columns have this name' }
}

function* sensorProblems(sensor: SerialSensorConfig, device: SerialDeviceConfig): Generator<ConfigProblem> {
  const fault = fieldFault(sensor.field, device.parse)
  if (fault !== null) yield { path: ['field'], message: fault }
  for (const [text, value] of Object.entries(sensor.map ?? {})) {
    const { value: converted } = convertField(value, { ...sensor, map: undefined }, '.')
    if (converted === null)
      yield { path: ['map', text], message: `${JSON.stringify(value)} is no ${serialValueType(sensor)}` }
  }
  yield* byteProblems(sensor.send, ['send'])
  if (sensor.send !== undefined && device.request === undefined)
    yield {
      path: ['send'],
      message: 'The device sends by itself: give it a request (every, timeout) to ask for sensors',
    }
  const { write } = sensor
  if (write === undefined) return
  yield* byteProblems(write.send, ['write', 'send'])
  if (!write.send.includes('{value}'))
    yield { path: ['write', 'send'], message: 'It must hold {value}, in whose place the value is put' }
  const expectFault = write.expect === undefined ? null : expressionFault(write.expect)
  if (expectFault !== null)
    yield { path: ['write', 'expect'], message: `This is no regular expression: ${expectFault}` }
  if (device.request === undefined)
    yield { path: ['write'], message: 'What is written is read back: that needs a request' }
}

function* byteProblems(text: string | undefined, path: readonly (string | number)[]): Generator<ConfigProblem> {
  if (text !== undefined && bytesOf(text) === null)
    yield { path, message: 'Each character stands for one byte: none beyond \\xff' }
}

/** What is wrong with a regular expression; null when nothing is. */
function expressionFault(source: string): string | null {
  try {
    return RegExp(source) && null
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}

function fieldFault(field: string | number, parse: ParseConfig): string | null {
  if (parse.pattern !== undefined) {
    if (expressionFault(parse.pattern) !== null) return null // told at the pattern
    const names = groupNames(parse.pattern)
    if (names.includes(String(field))) return null
    return names.length === 0
      ? 'The pattern has no named group: write for example (?<weight>[0-9.]+)'
      : `The pattern has no group "${field}"; it has ${names.join(', ')}`
  }
  if (parse.type === 'json')
    return jsonPath(String(field)) === null ? 'This is no path into JSON: write for example a.b[0]' : null
  if (parse.type !== 'csv') return null
  const { columns } = parse
  if (columns === undefined)
    return /^[1-9][0-9]{0,3}$/.test(String(field))
      ? null
      : 'Without columns a field of csv is the number of its column, from 1'
  return columns.includes(String(field)) ? null : `There is no column "${field}"; there are ${columns.join(', ')}`
}

/** A port has one setting, and what one device hears by itself another cannot ask for. */
export function portProblems(devices: readonly BusDevice[]): readonly BusProblem[] {
  const problems: BusProblem[] = []
  const first = new Map<string, { id: string; config: SerialDeviceConfig }>()
  for (const [index, { id, config: unknownConfig }] of devices.entries()) {
    const config = unknownConfig as SerialDeviceConfig
    const { path } = config.connection
    const other = first.get(path)
    if (other === undefined) first.set(path, { id, config })
    else if (config.request === undefined || other.config.request === undefined)
      problems.push({
        device: index,
        path: ['connection', 'path'],
        message: `${other.id} is on this port: only devices that are all asked (request) can share one`,
      })
    else if (settingsOf(config) !== settingsOf(other.config))
      problems.push({
        device: index,
        path: ['connection'],
        message: `${other.id} is on this port with other settings (${settingsOf(other.config)})`,
      })
  }
  return problems.length > 0 ? problems : budgetProblems(devices)
}

function settingsOf({ connection }: SerialDeviceConfig): string {
  const { baudRate = DEFAULT_BAUD_RATE, parity = 'none', dataBits = 8, stopBits = 1 } = connection
  return `${baudRate} baud, ${dataBits} data bits, parity ${parity}, ${stopBits} stop bits`
}
