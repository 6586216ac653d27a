// One look at the devices of a configuration, without a gateway: every sensor is read once through the real drivers and the
// real pipeline, so that values are what a gateway would show. Nothing is written to a device, nothing is kept.

import type { GatewayConfig } from '#config/gateway-config.ts'
import type { Catalogue } from '#config/load.ts'
import { TelemetryError } from '#domain/errors.ts'
import { Status, statusName, type Quality } from '#domain/quality.ts'
import type { Sensor } from '#domain/sensor.ts'
import type { Value } from '#domain/value.ts'
import type { Clock } from '#kit/clock.ts'
import { silentLogger } from '#kit/logger.ts'
import { Registry } from '#kit/metrics.ts'
import { RingProducer } from '#kit/record-ring.ts'
import { allocateRing } from '#kit/ring-memory.ts'
import { createPipeline, type Pipeline } from '#pipeline/pipeline.ts'
import { acquiredDevices } from './devices.ts'
import { buildModel, sensorKeys } from './model.ts'
import { adviceFor } from './probe-advice.ts'
import { ProbedConnection, type ProbeFailure } from './probe-connection.ts'

export interface ProbeOptions {
  readonly config: GatewayConfig
  readonly catalogue: Catalogue
  readonly clock: Clock
  /** Id of the only device to look at; null: all. */
  readonly device: string | null
  /** Longest time for everything, milliseconds. What was not read by then is bad. */
  readonly deadlineMs: number
  /** Longest wait for the first value of a device that sends by itself, milliseconds. */
  readonly waitMs: number
  readonly onProgress?: (done: number, of: number) => void
}

export interface ProbedSensor {
  /** Full id. */
  readonly sensor: string
  readonly value: Value | null
  readonly unit: string
  readonly quality: Quality
  /** Name of the OPC UA status code. */
  readonly status: string
  /** Unix milliseconds; null for a sensor without a reading. */
  readonly time: number | null
  /** From asking to the value, or from the subscription to the first one; null where nothing came. */
  readonly latencyMs: number | null
  /** Why it is bad, and what to do about it; null when it is not. */
  readonly reason: string | null
  readonly advice: string | null
}

export interface ProbedDevice {
  readonly id: string
  readonly driver: string
  readonly bus: string
  /** Time to connect; null when it did not. */
  readonly connectMs: number | null
  /** Why a device cannot be looked at without its gateway; its sensors are then left out of the verdict. */
  readonly skipped: string | null
  readonly sensors: readonly ProbedSensor[]
}

/** Looks at the devices, those of one bus one after the other. Throws NOT_FOUND when there is no such device. Never rejects because of a device. */
export async function probeDevices(options: ProbeOptions): Promise<readonly ProbedDevice[]> {
  const { config, catalogue, clock, device, onProgress } = options
  const model = buildModel(
    config,
    sensorKeys(config).map((_, number) => number),
  )
  const wanted = acquiredDevices(config, catalogue, model).filter(({ setup }) => device === null || setup.id === device)
  if (wanted.length === 0 && device !== null) throw new TelemetryError('NOT_FOUND', `There is no device "${device}"`)
  const registry = new Registry()
  const memory = allocateRing(model.sensors.length * 8)
  const ring = new RingProducer({ memory, epoch: 1, whenFull: 'dropOldest' })
  const pipeline = createPipeline({ clock, log: silentLogger, registry, ring, model, openAlarms: [] })
  const deadline = new AbortController()
  const timer = clock.after(options.deadlineMs, () =>
    deadline.abort(new TelemetryError('TIMEOUT', `Not read within ${options.deadlineMs} ms, the limit of this look`)),
  )
  const connections = wanted.map(
    (acquired) =>
      new ProbedConnection({
        acquired,
        services: { gateway: config.gateway.id, dataDir: config.data, purpose: 'look' },
        sink: pipeline.sink,
        clock,
        waitMs: options.waitMs,
        deadline: deadline.signal,
      }),
  )
  try {
    let done = 0
    const progress = (): void => onProgress?.(++done, connections.length)
    await Promise.all(byBus(connections).map((line) => probeLine(line, progress)))
    return connections.map((connection) => deviceResult(connection, pipeline))
  } finally {
    timer.cancel()
    pipeline.close()
  }
}

/** Devices that are asked share their bus in turn; those that send by themselves are heard at the same time. */
function byBus(connections: readonly ProbedConnection[]): readonly (readonly ProbedConnection[])[] {
  const lines = new Map<unknown, ProbedConnection[]>()
  for (const connection of connections) {
    const key = connection.isHeard ? connection : connection.bus
    lines.set(key, [...(lines.get(key) ?? []), connection])
  }
  return [...lines.values()]
}

/** Connections stay open until the last device of the bus has been read: they share one, which is made once. */
async function probeLine(line: readonly ProbedConnection[], progress: () => void): Promise<void> {
  for (const connection of line) {
    await connection.read()
    progress()
  }
  for (const connection of line) await connection.close()
}

function deviceResult(connection: ProbedConnection, pipeline: Pipeline): ProbedDevice {
  const { id, driver, bus, connectMs, skipped } = connection
  const sensors = connection.sensors.map((sensor) => sensorResult(sensor, connection, pipeline))
  return { id, driver, bus, connectMs, skipped, sensors }
}

function sensorResult(sensor: Sensor, connection: ProbedConnection, { latest }: Pipeline): ProbedSensor {
  const reading = latest.read(sensor.number)
  const failure = connection.failureOf(sensor.number)
  const status = reading?.status ?? Status.BadNoData
  const quality = reading?.quality ?? 'bad'
  const isBad = quality === 'bad'
  return {
    sensor: sensor.id,
    value: reading?.value ?? null,
    unit: sensor.unit,
    quality,
    status: statusName(status),
    time: isBad ? null : (reading?.time ?? null),
    latencyMs: connection.latencyOf(sensor.number),
    ...(isBad ? explained({ status, failure, connection }) : { reason: null, advice: null }),
  }
}

interface Unread {
  readonly status: number
  readonly failure: ProbeFailure | null
  readonly connection: ProbedConnection
}

function explained({ status, failure, connection }: Unread): { reason: string; advice: string } {
  const { driver, bus, isHeard, waitMs } = connection
  return adviceFor({ driver, bus, status, failure, waitMs: isHeard ? waitMs : null })
}
