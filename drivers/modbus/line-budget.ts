// Whether a serial line can carry the polls of all its devices: from baud rate, frame lengths, pauses and delays to the time
// that they take of each second. Pure.
//
//   a request   8 characters, then an answer of 5 and its data, before each of them 3.5 characters of silence, then the
//               device's delayAfterRequest. What a device needs to think is not known and not counted.

import type { BusDevice, BusProblem } from '#domain/driver.ts'
import { bitsOfCharacter, characterMs, connectionOf, frameGapMs, type Connection } from './connection.ts'
import { planLimits } from './plan-limits.ts'
import { planRequests, type PlannedRead } from './plan-requests.ts'
import { isBitTable, pointOf } from './point.ts'
import { RTU_OVERHEAD_BYTES } from './rtu-frame.ts'
import type { ModbusDeviceConfig, ModbusSensorConfig } from './schema.ts'
import type { SerialSettings } from './serial-wire.ts'

const REQUEST_BYTES = 5 + RTU_OVERHEAD_BYTES
const ANSWER_HEAD_BYTES = 2

interface LineDevice {
  /** Position among all devices of the driver. */
  readonly index: number
  readonly device: BusDevice
  readonly config: ModbusDeviceConfig
  readonly connection: Connection
  readonly settings: SerialSettings
}

/** What one device asks of its line, in each second. */
interface Demand {
  readonly of: LineDevice
  requests: number
  bytes: number
  delayMs: number
  longestAnswerBytes: number
}

/** Problems of the serial lines among all Modbus devices. */
export function lineProblems(devices: readonly BusDevice[]): readonly BusProblem[] {
  const lines = new Map<string, LineDevice[]>()
  for (const [index, device] of devices.entries()) {
    const config = device.config as ModbusDeviceConfig
    const connection = connectionOf(config.connection)
    if (connection.end.kind !== 'rtu') continue
    const line = lines.get(connection.bus) ?? []
    line.push({ index, device, config, connection, settings: connection.end })
    lines.set(connection.bus, line)
  }
  return [...lines.values()].flatMap((line) => {
    const disagreements = [...settingProblems(line)]
    return disagreements.length > 0 ? disagreements : [...budgetProblems(line)]
  })
}

function* settingProblems([first, ...others]: readonly LineDevice[]): Generator<BusProblem> {
  const expected = comparable(first!)
  for (const other of others) {
    const found = comparable(other)
    for (const key of ['baudRate', 'parity', 'stopBits', 'echo'] as const) {
      if (found[key] === expected[key]) continue
      const message = `${first!.device.id} uses the same serial port with ${key} ${expected[key]}, not ${found[key]}`
      yield { device: other.index, path: ['connection', key], message }
    }
  }
}

function comparable({ settings, connection }: LineDevice) {
  const { baudRate, parity, stopBits } = settings
  return { baudRate, parity, stopBits, echo: connection.hasEcho }
}

function* budgetProblems(line: readonly LineDevice[]): Generator<BusProblem> {
  const { settings } = line[0]!
  const charMs = characterMs(settings)
  const demands = line.map((device) => demandOf(device))
  for (const { of, longestAnswerBytes } of demands) {
    const answerMs = longestAnswerBytes * charMs
    const { timeoutMs } = of.connection
    if (answerMs < timeoutMs) continue
    const message =
      `An answer of ${longestAnswerBytes} bytes takes ${ms(answerMs)} at ${settings.baudRate} baud, longer than the timeout of ` +
      `${ms(timeoutMs)}: a longer timeout, or a smaller reads.maxRegisters`
    yield { device: of.index, path: ['connection', 'timeout'], message }
  }
  const shares = demands.map((demand) => lineMs(demand, settings))
  const totalMs = shares.reduce((sum, share) => sum + share, 0)
  if (totalMs <= 1000) return
  const largest = demands[shares.indexOf(Math.max(...shares))]!
  yield { device: largest.of.index, path: ['poll'], message: budgetText(demands, totalMs, largest) }
}

/** Milliseconds of line time in each second. */
function lineMs({ requests, bytes, delayMs }: Demand, settings: SerialSettings): number {
  return bytes * characterMs(settings) + 2 * requests * frameGapMs(settings) + delayMs
}

function budgetText(demands: readonly Demand[], totalMs: number, largest: Demand): string {
  const { settings, device } = largest.of
  const sum = (of: (demand: Demand) => number): number => demands.reduce((total, demand) => total + of(demand), 0)
  const requests = sum((demand) => demand.requests)
  const bytes = sum((demand) => demand.bytes)
  const delays = sum((demand) => demand.delayMs)
  return (
    `The line ${settings.path} cannot carry its polls: they take ${ms(totalMs)} of each second. ` +
    `${count(requests)} requests of ${demands.length} ${demands.length === 1 ? 'device' : 'devices'}, ${count(bytes)} bytes: ` +
    `${ms(bytes * characterMs(settings))} at ${settings.baudRate} baud and ${bitsOfCharacter(settings)} bits a character, ` +
    `${ms(2 * requests * frameGapMs(settings))} of silence between frames, ${ms(delays)} of delayAfterRequest. ` +
    `${device.id} takes most, ${ms(lineMs(largest, settings))}: poll less often, or raise the baud rate`
  )
}

function demandOf(of: LineDevice): Demand {
  const demand: Demand = { of, requests: 0, bytes: 0, delayMs: 0, longestAnswerBytes: 0 }
  if (of.connection.unit === 0) return demand // never polled
  const { delayAfterRequest = 0 } = of.config.quirks ?? {}
  const groups = Map.groupBy(of.device.sensors, (sensor) => sensor.intervalMs)
  for (const [intervalMs, sensors] of groups) {
    const points = sensors.map((sensor) => pointOf(sensor.config as ModbusSensorConfig))
    for (const read of planRequests(points, planLimits(of.config)).reads) {
      const answer = answerBytes(read)
      const eachSecond = 1000 / intervalMs
      demand.requests += eachSecond
      demand.bytes += eachSecond * (REQUEST_BYTES + answer)
      demand.delayMs += eachSecond * delayAfterRequest
      demand.longestAnswerBytes = Math.max(demand.longestAnswerBytes, answer)
    }
  }
  return demand
}

function answerBytes({ register, width }: PlannedRead): number {
  const data = isBitTable(register) ? Math.ceil(width / 8) : width * 2
  return RTU_OVERHEAD_BYTES + ANSWER_HEAD_BYTES + data
}

function ms(value: number): string {
  return `${count(value)} ms`
}

function count(value: number): string {
  return value >= 100 ? String(Math.round(value)) : String(Number(value.toPrecision(3)))
}
