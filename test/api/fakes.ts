// In-memory implementations of the ports that the API uses: small, complete and honest, so that a test drives them and the
// real server in front of them.

import { confirm, reset, returnToService, takeOutOfService } from '#alarms/alarm-state.ts'
import type { Alarm } from '#domain/alarm.ts'
import type { HealthReason } from '#domain/component.ts'
import type { BlockRead, WireFrame } from '#domain/driver.ts'
import { TelemetryError } from '#domain/errors.ts'
import { qualityOf, type StatusCode } from '#domain/quality.ts'
import type { Reading } from '#domain/reading.ts'
import type { Model, Sensor, SensorNumber } from '#domain/sensor.ts'
import type { KeptLetter } from '#domain/dead-letter.ts'
import type { UplinkStatus } from '#domain/uplink.ts'
import type { Value } from '#domain/value.ts'
import type {
  AlarmMeasures,
  AlarmRegister,
  DeviceDirectory,
  DeviceLatency,
  DeviceStatus,
  GatewayInfo,
  LatestValues,
  UplinkDirectory,
  UplinkLetters,
  WriteOrigin,
} from '#domain/views.ts'
import type { Clock } from '#kit/clock.ts'

export function makeSensor(number: SensorNumber, id: string, more: Partial<Sensor> = {}): Sensor {
  const [device, name] = id.split('.') as [string, string]
  return {
    number,
    id,
    device,
    name,
    description: '',
    machine: device,
    valueType: 'number',
    unit: '',
    writable: false,
    scale: null,
    deadband: null,
    checks: [],
    ...more,
  }
}

export function makeModel(sensors: readonly Sensor[]): Model {
  const machines = [...new Set(sensors.map(({ machine }) => machine))].map((id) => ({
    id,
    name: id.toUpperCase(),
    factory: 'plant-a',
  }))
  const byId = new Map(sensors.map((sensor) => [sensor.id, sensor]))
  const byNumber = new Map(sensors.map((sensor) => [sensor.number, sensor]))
  return {
    gateway: 'edge-01',
    factories: [{ id: 'plant-a', name: 'Plant A' }],
    machines,
    sensors,
    sensor: (id) => byId.get(id),
    sensorAt: (number) => byNumber.get(number),
  }
}

export class FakeInfo implements GatewayInfo {
  readonly id = 'edge-01'
  readonly version = '0.1.0'
  readonly epoch = 3
  readonly startedAt = Date.UTC(2026, 0, 1)
  reasons: HealthReason[] = []
  present: Model
  constructor(model: Model) {
    this.present = model
  }
  health = (): readonly HealthReason[] => this.reasons
  model = (): Model => this.present
}

export class FakeLatest implements LatestValues {
  readonly readings = new Map<SensorNumber, Reading>()
  readonly #listeners = new Set<(changed: Uint32Array, count: number) => void>()
  readonly #info: FakeInfo
  constructor(info: FakeInfo) {
    this.#info = info
  }
  get listeners(): number {
    return this.#listeners.size
  }
  read = (sensor: SensorNumber): Reading | null => this.readings.get(sensor) ?? null
  subscribe(listener: (changed: Uint32Array, count: number) => void): () => void {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }
  /** New readings, told in one call, from an array that is reused. */
  put(time: number, values: Readonly<Record<string, Value | null>>, status: StatusCode = 0): void {
    const changed = new Uint32Array(1024)
    let count = 0
    for (const [id, value] of Object.entries(values)) {
      const number = this.#info.model().sensor(id)!.number
      this.readings.set(number, { sensor: id, value, status, quality: qualityOf(status), time, receivedAt: time })
      changed[count++] = number
    }
    for (const listener of this.#listeners) listener(changed, count)
    changed.fill(0xffff_ffff)
  }
}

export function makeAlarm(id: string, sensor: string, more: Partial<Alarm> = {}): Alarm {
  return {
    id,
    sensor,
    check: 'threshold',
    checkType: 'threshold',
    level: 'high',
    severity: 'medium',
    active: true,
    acknowledged: false,
    shelvedUntil: null,
    raisedAt: Date.UTC(2026, 0, 1),
    clearedAt: null,
    acknowledgedAt: null,
    acknowledgedBy: null,
    message: `${sensor} is high`,
    finding: { value: 80, limit: 75 },
    ...more,
  }
}

export class FakeAlarms implements AlarmRegister {
  readonly #alarms = new Map<string, Alarm>()
  readonly #listeners = new Set<(alarm: Alarm) => void>()
  readonly #clock: Clock
  readonly comments: (string | null)[] = []
  constructor(clock: Clock) {
    this.#clock = clock
  }
  get listeners(): number {
    return this.#listeners.size
  }
  list = (): readonly Alarm[] => [...this.#alarms.values()]
  get = (id: string): Alarm | undefined => this.#alarms.get(id)
  put(alarm: Alarm): Alarm {
    this.#alarms.set(alarm.id, alarm)
    for (const listener of this.#listeners) listener(alarm)
    return alarm
  }
  acknowledge(id: string, by: string, comment: string | null): Alarm {
    const alarm = this.#find(id)
    if (alarm.acknowledged) throw new TelemetryError('CONFLICT', `Alarm ${id} is already acknowledged`)
    this.comments.push(comment)
    return this.put({ ...alarm, acknowledged: true, acknowledgedAt: this.#clock.now(), acknowledgedBy: by })
  }
  shelve(
    id: string,
    untilMs: number,
    by: string,
    comment: string | null,
    shelving: 'timed' | 'oneShot' = 'timed',
  ): Alarm {
    this.comments.push(comment)
    const lastComment = comment === null ? {} : { lastComment: { text: comment, by, time: this.#clock.now() } }
    return this.put({ ...this.#find(id), shelvedUntil: untilMs, shelving, ...lastComment })
  }
  unshelve(id: string): Alarm {
    const alarm = this.#find(id)
    if (alarm.shelvedUntil === null) throw new TelemetryError('CONFLICT', `Alarm ${id} is not shelved`)
    const { shelving: _, ...rest } = alarm
    return this.put({ ...rest, shelvedUntil: null })
  }
  confirm(id: string, by: string, comment: string | null): Alarm {
    this.comments.push(comment)
    return this.put(confirm(this.#find(id), this.#clock.now(), by))
  }
  reset(id: string, _by: string, comment: string | null): Alarm {
    this.comments.push(comment)
    return this.put(reset(this.#find(id)))
  }
  comment(id: string, by: string, text: string): Alarm {
    return this.put({ ...this.#find(id), lastComment: { text, by, time: this.#clock.now() } })
  }
  takeOutOfService(id: string, _by: string, comment: string | null, untilMs: number | null = null): Alarm {
    this.comments.push(comment)
    return this.put(takeOutOfService(this.#find(id), this.#clock.now(), untilMs))
  }
  returnToService(id: string, _by: string, comment: string | null): Alarm {
    this.comments.push(comment)
    return this.put(returnToService(this.#find(id)))
  }
  measures = (): AlarmMeasures => ({
    active: this.list().filter(({ active }) => active).length,
    unacknowledged: 0,
    shelved: 0,
    suppressed: 0,
    outOfService: 0,
    inTenMinutes: 1,
    flood: { isActive: false, since: null },
  })
  subscribe(listener: (alarm: Alarm) => void): () => void {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }
  #find(id: string): Alarm {
    const alarm = this.#alarms.get(id)
    if (!alarm) throw new TelemetryError('NOT_FOUND', `There is no alarm ${id}`)
    return alarm
  }
}

export class FakeDevices implements DeviceDirectory {
  readonly restarted: string[] = []
  readonly written: { sensor: SensorNumber; value: Value; origin: WriteOrigin }[] = []
  /** What a write reads back; default: what was written. */
  readBack: ((value: Value) => Value | Promise<Value>) | null = null
  readonly statuses: DeviceStatus[]
  /** Sensors that are not writable. */
  readonly readOnly = new Set<SensorNumber>()
  constructor(ids: readonly string[]) {
    this.statuses = ids.map((id, index) => ({
      id,
      driver: 'modbus',
      machine: id,
      bus: `tcp://192.0.2.${10 + index}:502`,
      state: index === 0 ? 'up' : 'down',
      since: Date.UTC(2026, 0, 1),
      reason: index === 0 ? null : 'No answer within 1 s',
      sensors: 2,
      badSensors: 0,
      polls: 10,
      skippedPolls: 0,
      requests: 20,
      reconnects: 1,
      errors: { crc: 2 },
      pollMs: index === 0 ? { p50: 1.5, p99: 4, max: 9 } : null,
      lagMs: null,
      lastReadingAt: index === 0 ? Date.UTC(2026, 0, 1) : null,
      ...(index === 0 && { plan: { pointRequests: 200, requests: 4 } }),
    }))
  }
  latency = (): DeviceLatency => ({
    poll: [
      { upToMs: 1, count: 3 },
      { upToMs: 2, count: 7 },
    ],
    lag: [],
  })
  frames = (id: string): readonly WireFrame[] | null =>
    id === this.statuses[0]?.id
      ? [
          { time: Date.UTC(2026, 0, 1), direction: 'sent', bytes: Uint8Array.of(1, 3, 0, 10) },
          { time: Date.UTC(2026, 0, 1) + 5, direction: 'received', bytes: Uint8Array.of(1, 0x83, 2) },
        ]
      : null
  list = (): readonly DeviceStatus[] => this.statuses
  get = (id: string): DeviceStatus | undefined => this.statuses.find((status) => status.id === id)
  restart = async (id: string): Promise<void> => void this.restarted.push(id)
  readonly blocks: BlockRead[] = []
  /** Bytes of every block, or what went wrong with it. */
  block: Uint8Array | TelemetryError = Uint8Array.of(0x12, 0x34, 0xff, 0xff)
  /** Of each read of a block. */
  readonly blockSignals: AbortSignal[] = []
  /** Reads of blocks wait for it. */
  blockHold: Promise<void> | null = null
  async readBlock(_id: string, block: BlockRead, signal: AbortSignal): Promise<Uint8Array> {
    this.blocks.push(block)
    this.blockSignals.push(signal)
    await this.blockHold
    if (this.block instanceof TelemetryError) throw this.block
    return this.block
  }
  async probe(id: string): Promise<void> {
    if (this.get(id)?.state !== 'up') throw new TelemetryError('TIMEOUT', 'No answer within 1 s', { retryable: true })
  }
  async write(sensor: SensorNumber, value: Value, origin: WriteOrigin): Promise<Value> {
    if (this.readOnly.has(sensor)) throw new TelemetryError('NOT_WRITABLE', 'It is not configured as writable')
    this.written.push({ sensor, value, origin })
    return this.readBack ? this.readBack(value) : value
  }
}

export class FakeUplinks implements UplinkDirectory {
  list = (): readonly UplinkStatus[] => [
    {
      id: 'hq',
      type: 'mqtt',
      state: 'online',
      reason: null,
      cursor: '3/1042',
      accepted: 1050,
      delivered: 1040,
      pending: 7,
      rejected: 0,
      filtered: 2,
      dropped: { retention: 1 },
      oldestPendingAge: 0.4,
      lanes: [{ lane: 'inOrder', cursor: '3/1042', pending: 7 }],
      breaker: { state: 'open', failures: 6, retryAt: 1_795_000_000_000 },
      deadLetters: 2,
      replayRate: 120,
    },
  ]
  /** By id; the receiver still refuses those in `refused`, and is away when `isAway`. */
  readonly kept = new Map<number, KeptLetter>()
  readonly refused = new Set<number>()
  isAway = false
  readonly letters: UplinkLetters = {
    list: async (_uplink, after, limit) => [...this.kept.values()].filter(({ id }) => id > after).slice(0, limit),
    retry: async (_uplink, id) => {
      if (!this.kept.has(id)) throw new TelemetryError('NOT_FOUND', `There is no dead letter ${id}`)
      if (this.isAway) throw new TelemetryError('CONNECTION_FAILED', 'Uplink hq is not online', { retryable: true })
      if (this.refused.has(id)) return false
      return this.kept.delete(id)
    },
    discard: async (_uplink, ids) => ids.filter((id) => this.kept.delete(id)).length,
  }
}
