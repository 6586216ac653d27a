// A driver whose devices do what a test tells them, in the time of a ManualClock. It also watches its caller: calls that
// overlap on one device or one bus are noted in `violations`.

import { Type } from 'typebox'
import type { Device, DeviceSetup, Driver, DriverContext, PollOutcome } from '#domain/driver.ts'
import { TelemetryError } from '#domain/errors.ts'
import { Status } from '#domain/quality.ts'
import { NO_TIME, type ReadingSink } from '#domain/reading.ts'
import { strictObject } from '#domain/schema.ts'
import type { SensorNumber } from '#domain/sensor.ts'
import type { Value, ValueType } from '#domain/value.ts'
import { sleep, type Clock } from '#kit/clock.ts'

export type ConnectBehaviour =
  | 'ok'
  | 'refuse'
  | 'hang'
  | 'ignore-abort'
  | 'throw-sync'
  | 'reject-odd'
  | 'lost-inside'
  | 'late-ok'
export type PollBehaviour =
  | 'answer'
  | 'silent'
  | 'garbage'
  | 'half'
  | 'forget'
  | 'twice'
  | 'foreign'
  | 'lost'
  | 'lost-inside'
  | 'lost-after'
  | 'hang'
  | 'ignore-abort'
  | 'throw-sync'
  | 'reject-odd'
  | 'refuse-points'
  | 'refuse-then-fail'
export type CloseBehaviour = 'ok' | 'hang' | 'throw-sync' | 'reject'

/** What a device does; a test may change it at any time. */
export interface Script {
  bus: string
  connect: ConnectBehaviour
  connectMs: number
  poll: PollBehaviour
  /** How long an answer takes. */
  answerMs: number
  /** The driver's own time limit for a silent device. */
  timeoutMs: number
  close: CloseBehaviour
  canWrite: boolean
  writeMs: number
  write: 'answer' | 'silent' | 'ignore-abort' | 'wrong-type' | 'lost' | 'lost-after'
  /** For 'lost-after' of polls and writes: turns of the microtask queue between the answer and the loss. */
  turns: number
  value: number
  valueType: ValueType
  subscribe: 'ok' | 'refuse' | 'missing'
  openThrows: boolean
}

/** What happened, by monotonic time. */
export interface Call {
  readonly kind: 'connect' | 'poll' | 'write' | 'close' | 'subscribe'
  readonly at: number
  readonly group: number
  endedAt: number | null
  /** Resolved, as the device sees it. */
  isAnswered: boolean
  isAborted: boolean
}

export class ScriptedDevice implements Device {
  readonly bus: string
  readonly subscribe?: (sink: ReadingSink, signal: AbortSignal) => Promise<void>
  readonly write?: (sensor: SensorNumber, value: Value, signal: AbortSignal) => Promise<Value>
  subscription: ReadingSink | null = null
  readonly context: DriverContext
  readonly #record: DeviceRecord
  readonly #driver: ScriptedDriver

  constructor(record: DeviceRecord, context: DriverContext, driver: ScriptedDriver) {
    this.#record = record
    this.#driver = driver
    this.context = context
    this.bus = record.script.bus
    if (record.script.canWrite) this.write = (sensor, value, signal) => this.#write(sensor, value, signal)
    if (record.script.subscribe !== 'missing') this.subscribe = (sink) => this.#subscribe(sink)
  }

  connect(signal: AbortSignal): Promise<void> {
    const { script } = this.#record
    if (script.connect === 'throw-sync') throw new Error('connect threw')
    return this.#call('connect', -1, signal, async () => {
      const { clock } = this.#driver
      if (script.connectMs > 0) await sleep(clock, script.connectMs, signal)
      if (script.connect === 'refuse') {
        throw new TelemetryError('CONNECTION_FAILED', 'Connection refused', { retryable: true })
      }
      if (script.connect === 'hang') await untilAborted(signal)
      if (script.connect === 'ignore-abort') await new Promise<never>(() => {})
      // oxlint-disable-next-line typescript/only-throw-error -- what a bad driver may do
      if (script.connect === 'reject-odd') throw Object.create(null)
      if (script.connect === 'lost-inside') this.context.lost(new Error('closed while connecting'))
      if (script.connect === 'late-ok') await untilAborted(signal).catch(() => {})
    })
  }

  poll(group: number, sink: ReadingSink, signal: AbortSignal): Promise<PollOutcome> {
    const { script } = this.#record
    this.#record.sinks.push(sink)
    if (script.poll === 'throw-sync') {
      this.#record.calls.push({
        kind: 'poll',
        at: this.#driver.clock.monotonic(),
        group,
        endedAt: this.#driver.clock.monotonic(),
        isAnswered: false,
        isAborted: false,
      })
      throw new Error('poll threw')
    }
    return this.#call('poll', group, signal, () => this.#answer(group, sink, signal))
  }

  close(): Promise<void> {
    const { script, calls } = this.#record
    const now = this.#driver.clock.monotonic()
    calls.push({ kind: 'close', at: now, group: -1, endedAt: now, isAnswered: true, isAborted: false })
    this.subscription = null
    if (script.close === 'throw-sync') throw new Error('close threw')
    if (script.close === 'reject') return Promise.reject(new Error('close rejected'))
    if (script.close === 'hang') return new Promise(() => {})
    return Promise.resolve()
  }

  async #answer(group: number, sink: ReadingSink, signal: AbortSignal): Promise<PollOutcome> {
    const { script, setup } = this.#record
    const { clock } = this.#driver
    const points = setup.groups[group]!.points
    const give = (sensor: SensorNumber): void => sink.number(sensor, script.value, Status.Good, NO_TIME)
    if (script.poll === 'hang') await untilAborted(signal)
    if (script.poll === 'ignore-abort') await new Promise<never>(() => {})
    if (script.poll === 'lost-inside') this.context.lost(new Error('closed while polling'))
    // oxlint-disable-next-line typescript/only-throw-error -- what a bad driver may do
    if (script.poll === 'reject-odd') throw undefined
    if (script.poll === 'half') give(points[0]!.sensor.number)
    const isSilent = script.poll === 'silent' || script.poll === 'half'
    await sleep(clock, isSilent ? script.timeoutMs : script.answerMs, signal)
    if (isSilent) throw new TelemetryError('TIMEOUT', 'No answer', { retryable: true })
    if (script.poll === 'refuse-then-fail') {
      sink.bad(points[0]!.sensor.number, Status.BadOutOfRange, NO_TIME)
      throw new TelemetryError('DEVICE_EXCEPTION', 'The unit cannot be reached')
    }
    if (script.poll === 'garbage') throw new TelemetryError('PROTOCOL', 'Nonsense came')
    if (script.poll === 'lost') throw new TelemetryError('CONNECTION_LOST', 'Connection reset', { retryable: true })
    const answered =
      script.poll === 'forget' ? points.slice(1) : script.poll === 'twice' ? [...points, ...points] : points
    for (const { sensor } of answered) {
      if (script.poll === 'refuse-points') sink.bad(sensor.number, Status.BadOutOfRange, NO_TIME)
      else give(sensor.number)
    }
    if (script.poll === 'foreign') {
      give(999_999)
      give(this.#driver.foreignSensor)
    }
    if (script.poll === 'lost-after') void this.#loseSoon()
    return { requests: 1 }
  }

  async #loseSoon(): Promise<void> {
    for (let turn = 0; turn < this.#record.script.turns; turn++) await Promise.resolve()
    this.context.lost(new Error('closed after the answer'))
  }

  #write(sensor: SensorNumber, value: Value, signal: AbortSignal): Promise<Value> {
    const { script, written } = this.#record
    return this.#call('write', -1, signal, async () => {
      if (script.write === 'ignore-abort') return new Promise<Value>(() => {})
      if (script.write === 'silent') return untilAborted(signal)
      await sleep(this.#driver.clock, script.writeMs, signal)
      if (script.write === 'lost') throw new TelemetryError('CONNECTION_LOST', 'Connection reset', { retryable: true })
      written.push({ sensor, value })
      if (script.write === 'lost-after') void this.#loseSoon()
      return script.write === 'wrong-type' ? 'a text' : value
    })
  }

  #subscribe(sink: ReadingSink): Promise<void> {
    return this.#call('subscribe', -1, null, async () => {
      if (this.#record.script.subscribe === 'refuse') throw new TelemetryError('PERMISSION_DENIED', 'Not allowed')
      this.subscription = sink
    })
  }

  /** Notes a call and watches that none overlaps another one that was not aborted. */
  async #call<T>(kind: Call['kind'], group: number, signal: AbortSignal | null, act: () => Promise<T>): Promise<T> {
    const { clock, violations } = this.#driver
    const record = this.#record
    const call: Call = { kind, at: clock.monotonic(), group, endedAt: null, isAnswered: false, isAborted: false }
    record.calls.push(call)
    const wire = kind === 'poll' || kind === 'write' ? this.#driver.wire(this.bus) : null
    if (record.underWay !== null) violations.push(`${record.setup.id}: ${kind} during ${record.underWay}`)
    if (wire !== null && wire.users > 0) violations.push(`${this.bus}: ${kind} while the wire is in use`)
    record.underWay = kind
    if (wire !== null) wire.users += 1
    let isOver = false
    const over = (): void => {
      if (isOver) return
      isOver = true
      if (record.underWay === kind) record.underWay = null
      if (wire !== null) wire.users -= 1
    }
    // One that never lets go is given up by acquisition, and then another call may come.
    signal?.addEventListener(
      'abort',
      () => {
        call.isAborted = true
        clock.after(900, over)
      },
      { once: true },
    )
    try {
      const result = await act()
      call.isAnswered = true
      return result
    } finally {
      call.endedAt = clock.monotonic()
      over()
    }
  }
}

/** Everything about one device, over all device objects made for it. */
export interface DeviceRecord {
  readonly script: Script
  setup: DeviceSetup
  readonly calls: Call[]
  readonly sinks: ReadingSink[]
  readonly written: { sensor: SensorNumber; value: Value }[]
  /** The newest device object. */
  device: ScriptedDevice | null
  opened: number
  underWay: Call['kind'] | null
}

export class ScriptedDriver implements Driver {
  readonly kind = 'scripted'
  readonly deviceSchema = strictObject({ bus: Type.Optional(Type.String()) })
  readonly sensorSchema = strictObject({})
  readonly clock: Clock
  readonly violations: string[] = []
  /** A sensor of another device, for the behaviour `foreign`. */
  foreignSensor = 0
  readonly #records = new Map<string, DeviceRecord>()
  readonly #wires = new Map<string, { users: number }>()

  constructor(clock: Clock) {
    this.clock = clock
  }

  valueType(sensorConfig: unknown): ValueType {
    return this.of(String(sensorConfig)).script.valueType
  }

  problems(): readonly never[] {
    return []
  }

  open(setup: DeviceSetup, context: DriverContext): ScriptedDevice {
    const record = this.of(setup.id)
    record.setup = setup
    if (record.script.openThrows) throw new Error('open threw')
    record.opened += 1
    record.underWay = null
    record.device = new ScriptedDevice(record, context, this)
    return record.device
  }

  of(id: string): DeviceRecord {
    let record = this.#records.get(id)
    if (record === undefined) {
      record = {
        script: defaultScript(id),
        setup: { id, config: {}, groups: [] },
        calls: [],
        sinks: [],
        written: [],
        device: null,
        opened: 0,
        underWay: null,
      }
      this.#records.set(id, record)
    }
    return record
  }

  wire(bus: string): { users: number } {
    let wire = this.#wires.get(bus)
    if (wire === undefined) {
      wire = { users: 0 }
      this.#wires.set(bus, wire)
    }
    return wire
  }
}

function defaultScript(id: string): Script {
  return {
    bus: `tcp://${id}`,
    connect: 'ok',
    connectMs: 0,
    poll: 'answer',
    answerMs: 10,
    timeoutMs: 500,
    close: 'ok',
    canWrite: true,
    writeMs: 20,
    turns: 0,
    write: 'answer',
    value: 1,
    valueType: 'number',
    subscribe: 'ok',
    openThrows: false,
  }
}

function untilAborted(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true })
  })
}
