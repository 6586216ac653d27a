// One Modbus unit at run time: polls its groups by prepared requests, decodes answers straight into the sink, writes.

import { isTelemetryError, TelemetryError } from '#domain/errors.ts'
import type { BlockRead, Device, DriverContext, PollOutcome, RequestPlan, WireFrame } from '#domain/driver.ts'
import { Status } from '#domain/quality.ts'
import { NO_TIME, type ReadingSink } from '#domain/reading.ts'
import type { SensorNumber } from '#domain/sensor.ts'
import type { Value } from '#domain/value.ts'
import { FrameRecorder } from '#kit/frame-recorder.ts'
import type { Clock } from '#kit/clock.ts'
import { PointDecoder } from './decode.ts'
import { exceptionText, isUnreachable } from './exceptions.ts'
import { Learned } from './learned.ts'
import type { Link, LinkMember } from './link.ts'
import { dataBytes, exceptionOf, READ_DATA_START, readRequest } from './pdu.ts'
import type { PlanLimits } from './plan-requests.ts'
import { ReadGroup, type Asking, type DevicePoint } from './read-group.ts'
import { MAX_ADDRESS } from './point.ts'
import { MAX_READ_BITS, MAX_READ_REGISTERS } from './schema.ts'
import { PointWriter, type SendRequest } from './write.ts'

/** Where a device gets its link from; links live as long as a device uses them. */
export interface LinkSource {
  link(): Link
  release(link: Link): void
}

export interface ModbusDeviceOptions {
  readonly id: string
  readonly bus: string
  readonly unit: number
  /** Unit 0 of a serial line: every unit obeys, none answers. */
  readonly isBroadcast: boolean
  readonly timeoutMs: number
  readonly pauseAfterConnectMs: number
  readonly delayAfterMs: number
  /** Holding registers are written and read back by one function 23. */
  readonly writesAndReads: boolean
  readonly limits: PlanLimits
  readonly groups: readonly (readonly DevicePoint[])[]
  readonly links: LinkSource
  readonly context: DriverContext
  readonly clock: Clock
}

export class ModbusDevice implements Device, LinkMember {
  readonly bus: string
  readonly unit: number
  readonly timeoutMs: number
  readonly pauseAfterConnectMs: number
  readonly delayAfterMs: number
  readonly trace: FrameRecorder
  readonly #options: ModbusDeviceOptions
  readonly #groups: readonly ReadGroup[]
  /** Kept over connections: what a device refuses is seldom another the next time. */
  readonly #learned = new Learned()
  readonly #writable = new Map<SensorNumber, DevicePoint>()
  readonly #writer: PointWriter
  #link: Link | null = null
  /** Grows with each connect and close: what is told about an older connection is out of date. */
  #connections = 0
  #closing = new AbortController()

  constructor(options: ModbusDeviceOptions) {
    this.bus = options.bus
    this.unit = options.unit
    this.timeoutMs = options.timeoutMs
    this.pauseAfterConnectMs = options.pauseAfterConnectMs
    this.delayAfterMs = options.delayAfterMs
    this.trace = new FrameRecorder({ now: () => options.context.now() })
    this.#options = options
    const { limits, groups } = options
    const decoder = new PointDecoder()
    this.#groups = groups.map((points) => new ReadGroup({ points, limits, learned: this.#learned, decoder }))
    for (const entry of options.groups.flat()) this.#writable.set(entry.sensor.number, entry)
    const { isBroadcast, writesAndReads } = options
    const send: SendRequest = (pdu, signal) => this.#request(pdu, signal)
    this.#writer = new PointWriter({ decoder, send, isBroadcast, writesAndReads })
  }

  async connect(signal: AbortSignal): Promise<void> {
    const link = this.#options.links.link()
    this.#link = link
    this.#connections += 1
    try {
      await link.join(this, AbortSignal.any([signal, this.#closing.signal]))
      this.#learned.retryAll()
    } catch (error) {
      this.#drop()
      throw error
    }
  }

  async poll(group: number, sink: ReadingSink, signal: AbortSignal): Promise<PollOutcome> {
    if (this.#options.isBroadcast) return this.#readNothing(group, sink)
    let requests = 0
    let isReachable = false
    const asking: Asking = {
      send: (request) => this.#ask(request, signal),
      answered: (exception) => {
        requests += 1
        isReachable ||= !isUnreachable(exception)
        if (exception !== null) this.countError(`exception-${exception}`)
      },
      refused: (exception) => {
        if (!isReachable) throw this.#unreachable(exception)
      },
      sink,
      nowMs: this.#options.clock.monotonic(),
    }
    try {
      await this.#groups[group]?.read(asking)
    } catch (error) {
      throw withRequests(error, requests)
    }
    return { requests }
  }

  plan(): RequestPlan {
    const { groups } = this.#options
    return {
      pointRequests: groups.reduce((sum, points) => sum + points.length, 0),
      requests: this.#groups.reduce((sum, group) => sum + group.requests, 0),
    }
  }

  frames(): readonly WireFrame[] {
    return this.trace.frames()
  }

  async write(sensor: SensorNumber, value: Value, signal: AbortSignal): Promise<Value> {
    const entry = this.#writable.get(sensor)
    const context = { device: this.#options.id, sensor: entry?.sensor.id ?? sensor }
    if (entry === undefined) throw new TelemetryError('NOT_FOUND', 'The device has no such sensor', { context })
    if (!entry.sensor.writable)
      throw new TelemetryError('NOT_WRITABLE', `${entry.sensor.id} is not configured as writable`, { context })
    return await this.#writer.write(entry.point, value, signal)
  }

  async readBlock({ table, address, count, unit }: BlockRead, signal: AbortSignal): Promise<Uint8Array> {
    const asked = unit ?? this.unit
    const most = table === 'coil' || table === 'discrete' ? MAX_READ_BITS : MAX_READ_REGISTERS
    if (count < 1 || count > most || address < 0 || address + count - 1 > MAX_ADDRESS)
      throw new TelemetryError('OUT_OF_RANGE', `1 to ${most} can be read at once, up to address ${MAX_ADDRESS}`)
    if (asked < 0 || asked > 255 || (asked === 0 && this.#options.isBroadcast))
      throw new TelemetryError('OUT_OF_RANGE', `Unit ${asked} cannot be read`)
    const request = readRequest(table, address, count)
    const answer = await this.#ask(request, signal, asked)
    const exception = exceptionOf(answer)
    const context = { device: this.#options.id, exception }
    if (exception !== null)
      throw new TelemetryError('DEVICE_EXCEPTION', `Unit ${asked} refuses: ${exceptionText(exception)}`, { context })
    const bytes = answer.length - READ_DATA_START
    if (bytes < dataBytes(request))
      throw new TelemetryError('DEVICE_EXCEPTION', `Unit ${asked} gives ${bytes} of ${dataBytes(request)} bytes`, {
        context,
      })
    return Uint8Array.from(answer.subarray(READ_DATA_START))
  }

  async close(): Promise<void> {
    this.#connections += 1
    this.#closing.abort()
    this.#closing = new AbortController()
    this.#link?.leave(this)
    this.#drop()
  }

  lost(cause: unknown): void {
    this.#drop()
    const connection = this.#connections
    // The request that broke the connection fails first, with the reason; then it is told that the connection is gone.
    setImmediate(() => {
      if (connection === this.#connections) this.#options.context.lost(cause)
    })
  }

  countError(kind: string): void {
    this.#options.context.countError(kind)
  }

  #readNothing(group: number, sink: ReadingSink): PollOutcome {
    for (const { sensor } of this.#options.groups[group] ?? []) sink.bad(sensor.number, Status.BadNotReadable, NO_TIME)
    return { requests: 0 }
  }

  #drop(): void {
    if (this.#link !== null) this.#options.links.release(this.#link)
    this.#link = null
  }

  #ask(pdu: Buffer, signal: AbortSignal, unit?: number): Promise<Buffer> {
    if (this.#link !== null) return this.#link.request(this, pdu, signal, unit)
    return Promise.reject(new TelemetryError('CONNECTION_LOST', 'The device is not connected', { retryable: true }))
  }

  async #request(pdu: Buffer, signal: AbortSignal): Promise<Buffer> {
    const answer = await this.#ask(pdu, signal)
    const exception = exceptionOf(answer)
    if (exception !== null) this.countError(`exception-${exception}`)
    return answer
  }

  /** The gateway in between gets no answer from the unit: asking for the other blocks would only hold up the bus. */
  #unreachable(exception: number): TelemetryError {
    return new TelemetryError('DEVICE_EXCEPTION', `Unit ${this.unit} cannot be reached: ${exceptionText(exception)}`, {
      retryable: true,
      context: { device: this.#options.id, exception },
    })
  }
}

/** The error of a poll with the requests that it sent, for the statistics. */
function withRequests(error: unknown, answered: number): unknown {
  if (!isTelemetryError(error)) return error
  const { code, message, retryable, context, cause } = error
  const wasSent = code === 'TIMEOUT' || code === 'PROTOCOL'
  const requests = answered + (wasSent ? 1 : 0)
  return new TelemetryError(code, message, { retryable, context: { ...context, requests }, cause })
}
