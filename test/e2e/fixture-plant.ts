// The ports that the API serves, filled with a plant that moves: values each second, a day of history, alarms in each state,
// a silent device, an uplink with a backlog. The API in front of it is the real one.

import type { Alarm } from '#domain/alarm.ts'
import { TelemetryError } from '#domain/errors.ts'
import { Status } from '#domain/quality.ts'
import type { Sensor } from '#domain/sensor.ts'
import type { Value } from '#domain/value.ts'
import type { CheckDesk, DeviceDirectory, DeviceStatus, UplinkDirectory } from '#domain/views.ts'
import { systemClock, type Timer } from '#kit/clock.ts'
import { FakeHistory } from '../api/fake-history.ts'
import { FakeAlarms, FakeInfo, FakeLatest, makeAlarm } from '../api/fakes.ts'
import { fixtureBlock, fixtureChecks, fixtureUplinks, frames } from './fixture-parts.ts'
import { fixtureModel, HOT_SENSOR, ODD_SENSOR, SILENT_DEVICE, type FixtureModel } from './fixture-model.ts'

const STEP_MS = 1000
const MINUTE_MS = 60_000
const HOUR_MS = 3_600_000
const FINE_HISTORY_MS = 20 * MINUTE_MS
const COARSE_HISTORY_MS = 24 * HOUR_MS
const COARSE_STEP_MS = 30_000
const OUTAGE = { from: 9 * MINUTE_MS, to: 8 * MINUTE_MS }

/** Steps of half a doubling from 1.4 ms on. */
const LATENCY = {
  poll: [40, 900, 5200, 9100, 3100, 700, 210, 60, 12, 0, 3].map((count, index) => ({
    upToMs: Math.SQRT2 ** (index + 1),
    count,
  })),
  lag: [2000, 9000, 4000, 500, 90, 20].map((count, index) => ({ upToMs: 0.1 * Math.SQRT2 ** (index + 1), count })),
}

export class FixturePlant {
  readonly info: FakeInfo
  readonly latest: FakeLatest
  readonly alarms = new FakeAlarms(systemClock)
  readonly history = new FakeHistory()
  readonly devices: DeviceDirectory
  readonly uplinks: UplinkDirectory = fixtureUplinks()
  readonly checks: CheckDesk
  /** Devices that were restarted, in order. */
  readonly restarted: string[] = []
  readonly #fixture: FixtureModel
  readonly #written = new Map<number, Value>()
  readonly #openedAt = Date.now()
  #timer: Timer | null = null

  constructor(extraMachines = 0) {
    this.#fixture = fixtureModel(extraMachines)
    this.info = new FakeInfo(this.#fixture.model)
    this.latest = new FakeLatest(this.info)
    this.devices = {
      list: () => this.#fixture.model.machines.map(({ id }) => this.#device(id)),
      get: (id) => this.devices.list().find((device) => device.id === id),
      restart: async (id) => void this.restarted.push(id),
      write: async (sensor, value) => this.#write(sensor, value),
      latency: (id) => (id === SILENT_DEVICE ? { poll: [], lag: [] } : LATENCY),
      frames: (id) => frames(id, Date.now()),
      probe: async (id) => {
        if (id === SILENT_DEVICE) throw new TelemetryError('TIMEOUT', 'No answer within 1 s', { retryable: true })
      },
      readBlock: async (id, block) => fixtureBlock(id, block),
    }
    this.checks = fixtureChecks(this.#fixture.model, this.alarms)
    this.#fillHistory()
    this.#raiseAlarms()
    this.#step()
  }

  start(): void {
    this.#timer = systemClock.after(STEP_MS, () => {
      this.#step()
      this.start()
    })
  }

  stop(): void {
    this.#timer?.cancel()
  }

  /** How many readings of a sensor there are since a time in Unix milliseconds. */
  readingsSince(sensor: string, time: number): number {
    return (this.history.stored.get(sensor) ?? []).filter((reading) => reading.time >= time).length
  }

  /** A new alarm, as the pipeline would raise it. */
  raise(id: string, sensor: string, more: Partial<Alarm> = {}): Alarm {
    const alarm = makeAlarm(id, sensor, { raisedAt: Date.now(), ...more })
    this.history.addTransition('raised', alarm.raisedAt, alarm)
    return this.alarms.put(alarm)
  }

  /** The stroke rate of a press has a lower and an upper stop, so that a write may read back something else. */
  #write(sensor: number, value: Value): Value {
    if (this.#fixture.model.sensorAt(sensor)?.device === SILENT_DEVICE)
      throw new TelemetryError('CONNECTION_LOST', 'The device is gone')
    const kept = typeof value === 'number' ? Math.min(40, Math.max(6, value)) : value
    this.#written.set(sensor, kept)
    this.#step()
    return kept
  }

  #value(sensor: Sensor, time: number): Value | null {
    return this.#written.get(sensor.number) ?? this.#fixture.valueOf.get(sensor.number)!(time)
  }

  #step(): void {
    const now = Date.now()
    const good: Record<string, Value> = {}
    const bad: Record<string, null> = {}
    for (const sensor of this.#fixture.model.sensors) {
      const value = this.#value(sensor, now)
      if (value === null) bad[sensor.id] = null
      else good[sensor.id] = value
    }
    this.latest.put(now, good)
    for (const [id, value] of Object.entries(good)) this.history.addReadings(id, [{ time: now, value }])
    // A silent device gives one bad reading, not one each second.
    if (this.latest.read(this.#fixture.model.sensor(Object.keys(bad)[0]!)!.number) === null) {
      this.latest.put(now - 4 * MINUTE_MS, bad, Status.BadCommunicationError)
    }
  }

  #fillHistory(): void {
    const now = Date.now()
    for (const sensor of this.#fixture.model.sensors) {
      const readings: { time: number; value: Value | null; status?: number }[] = []
      for (let ago = COARSE_HISTORY_MS; ago > 0; ago -= ago > FINE_HISTORY_MS ? COARSE_STEP_MS : STEP_MS) {
        const value = this.#value(sensor, now - ago)
        const isOut = sensor.id === HOT_SENSOR && ago < OUTAGE.from && ago > OUTAGE.to
        if (value === null || isOut)
          readings.push({ time: now - ago, value: null, status: Status.BadCommunicationError })
        else readings.push({ time: now - ago, value })
      }
      this.history.addReadings(sensor.id, readings)
    }
  }

  #raiseAlarms(): void {
    const now = Date.now()
    this.raise('3-1', HOT_SENSOR, {
      raisedAt: now - 3 * MINUTE_MS,
      severity: 'high',
      level: 'high',
      message: 'Oil temperature 68.4 °C is above its high limit of 65 °C',
      finding: { value: 68.4, limit: 65 },
    })
    const anomaly = this.raise('3-2', ODD_SENSOR, {
      raisedAt: now - 11 * MINUTE_MS,
      clearedAt: now - 10 * MINUTE_MS,
      active: false,
      severity: 'low',
      level: 'anomaly',
      check: 'zscore',
      checkType: 'zscore',
      message: 'Frame vibration 4.91 mm/s lies 6.3 standard deviations from its mean of 2.4 mm/s',
      finding: { value: 4.91, limit: 6, score: 6.3, mean: 2.4, standardDeviation: 0.4, window: 120 },
    })
    this.history.addTransition('cleared', anomaly.clearedAt!, anomaly)
    for (let n = 0; n < 14; n++) {
      const raisedAt = now - 50 * MINUTE_MS + n * 15_000
      const alarm = makeAlarm(`2-${n}`, 'press-1.oil-pressure', {
        raisedAt,
        severity: n === 0 ? 'high' : 'low',
        message: 'Oil pressure 216 bar is above its high limit of 215 bar',
      })
      this.history.addTransition('raised', raisedAt, alarm)
      this.history.addTransition('cleared', raisedAt + 5000, { ...alarm, active: false, clearedAt: raisedAt + 5000 })
    }
    this.#addEvents(now)
    this.raise('3-3', 'compressor.dew-point', {
      raisedAt: now - 26 * MINUTE_MS,
      severity: 'medium',
      message: 'Dew point 5.2 °C is above its high limit of 5 °C',
      shelvedUntil: now + 34 * MINUTE_MS,
      acknowledged: true,
      acknowledgedAt: now - 25 * MINUTE_MS,
      acknowledgedBy: 'shift-lead',
      finding: { value: 5.2, limit: 5 },
    })
  }

  #addEvents(now: number): void {
    const events = [
      { type: 'gateway-started', severity: 'info', source: 'gateway', message: 'Started as 0.1.0', ago: 6 * HOUR_MS },
      {
        type: 'device-lost',
        severity: 'warning',
        source: SILENT_DEVICE,
        message: 'No answer within 1 s',
        ago: 240_000,
      },
    ] as const
    for (const [index, { ago, ...event }] of events.entries()) {
      const entry = { kind: 'event', time: now - ago, ...event } as const
      this.history.transitions.push({ position: { epoch: 2, seq: index + 1 }, entry })
    }
  }

  #device(id: string): DeviceStatus {
    const sensors = this.#fixture.model.sensors.filter((sensor) => sensor.device === id).length
    const isSilent = id === SILENT_DEVICE
    const polls = 254_300 + Math.floor((Date.now() - this.#openedAt) / STEP_MS)
    return {
      id,
      driver: 'modbus',
      machine: id,
      bus: `tcp://192.0.2.${20 + id.length}:502`,
      state: isSilent ? 'down' : 'up',
      since: this.#openedAt - (isSilent ? 4 * MINUTE_MS : 70 * HOUR_MS),
      reason: isSilent
        ? `No answer from 192.0.2.${20 + id.length}:502 within 1 s. The gateway tries again every few seconds.`
        : null,
      sensors,
      badSensors: isSilent ? sensors : 0,
      polls,
      skippedPolls: isSilent ? 12 : 0,
      requests: polls * 2,
      reconnects: isSilent ? 31 : 1,
      errors: isSilent ? { timeout: 243, 'connection-lost': 2 } : { timeout: 1 },
      pollMs: { p50: 2.4 + id.length / 10, p99: 9.8, max: 41 },
      lagMs: { p50: 0.21, p99: 1.6, max: 12 },
      lastReadingAt: isSilent ? this.#openedAt - 4 * MINUTE_MS : Date.now(),
      busUtilisation: { bus: isSilent ? 0.93 : 0.21, device: isSilent ? 0.9 : 0.043 },
      plan: { pointRequests: sensors, requests: Math.ceil(sensors / 4) },
    }
  }
}
