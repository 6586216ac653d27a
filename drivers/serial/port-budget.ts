// Whether a port can carry what is asked on it: from baud rate, requests and the shortest answers to the time that they take
// of each second. Pure. What instruments need to think, and how long their answers really are, is not known and not counted:
// what is refused here cannot hold, what is accepted may still be too much.

import { DEFAULT_BAUD_RATE } from '#kit/serial-port.ts'
import type { BusDevice, BusProblem } from '#domain/driver.ts'
import type { SerialDeviceConfig, SerialSensorConfig } from './schema.ts'

/** Shorter intervals are problems of their own. */
const SHORTEST_MS = 10

interface Demand {
  /** Position among all devices of the driver. */
  readonly index: number
  readonly id: string
  readonly path: string
  readonly charMs: number
  /** Of requests and their answers, in each second. */
  readonly requests: number
  readonly bytes: number
}

/** A problem for each port that cannot keep up, told at the device that asks most. */
export function budgetProblems(devices: readonly BusDevice[]): readonly BusProblem[] {
  const demands = devices.flatMap((device, index) => demandOf(device, index))
  return [...Map.groupBy(demands, ({ path }) => path).values()].flatMap((port) => {
    const totalMs = port.reduce((sum, demand) => sum + busyMs(demand), 0)
    if (totalMs <= 1000) return []
    const [largest] = port.toSorted((a, b) => busyMs(b) - busyMs(a))
    return [{ device: largest!.index, path: ['connection', 'path'], message: words(port, totalMs, largest!) }]
  })
}

function demandOf({ id, config: own, sensors }: BusDevice, index: number): Demand[] {
  const config = own as SerialDeviceConfig
  const { connection, request } = config
  if (request === undefined) return [] // it sends by itself: nobody has chosen how much
  // As when it runs: sensors with the same request and interval share one exchange.
  const exchanges = new Map<string, { bytes: number; perSecond: number }>()
  for (const { intervalMs, config: sensor } of sensors) {
    if (intervalMs < SHORTEST_MS) continue // told at the interval
    const send = (sensor as SerialSensorConfig).send ?? request.send ?? ''
    const bytes = send.length + shortestAnswer(config)
    exchanges.set(`${intervalMs} ${send}`, { bytes, perSecond: 1000 / intervalMs })
  }
  const all = [...exchanges.values()]
  const requests = all.reduce((sum, { perSecond }) => sum + perSecond, 0)
  const bytes = all.reduce((sum, exchange) => sum + exchange.bytes * exchange.perSecond, 0)
  return [{ index, id, path: connection.path, charMs: characterMs(connection), requests, bytes }]
}

function shortestAnswer({ framing }: SerialDeviceConfig): number {
  const { length, delimiter = '', start = '', end = '' } = framing
  return length ?? delimiter.length + start.length + end.length + 1
}

function characterMs({
  baudRate = DEFAULT_BAUD_RATE,
  parity = 'none',
  dataBits = 8,
  stopBits = 1,
}: SerialDeviceConfig['connection']): number {
  const bits = 1 + dataBits + (parity === 'none' ? 0 : 1) + stopBits
  return (bits * 1000) / baudRate
}

function busyMs({ bytes, charMs }: Demand): number {
  return bytes * charMs
}

function words(port: readonly Demand[], totalMs: number, largest: Demand): string {
  const requests = port.reduce((sum, demand) => sum + demand.requests, 0)
  const bytes = port.reduce((sum, demand) => sum + demand.bytes, 0)
  return (
    `${largest.path} cannot carry what is asked on it: at least ${Math.round(totalMs)} ms of each second. ` +
    `${count(requests)} requests of ${port.length} ${port.length === 1 ? 'device' : 'devices'}, ${count(bytes)} bytes with the ` +
    `shortest answers. ${largest.id} takes most, ${Math.round(busyMs(largest))} ms: ask less often, or raise the baud rate`
  )
}

function count(value: number): string {
  return value >= 100 ? String(Math.round(value)) : String(Number(value.toPrecision(3)))
}
