// One OPC UA server as a device: connects, reads or subscribes, writes. A connection is made anew each time, with the
// node ids found anew: nothing of a server that was restarted is taken over.

import type { Device, DriverContext, PollOutcome, WireFrame } from '#domain/driver.ts'
import { TelemetryError } from '#domain/errors.ts'
import type { ReadingSink } from '#domain/reading.ts'
import type { SensorNumber } from '#domain/sensor.ts'
import type { Value } from '#domain/value.ts'
import type { Clock } from '#kit/clock.ts'
import { FrameRecorder } from '#kit/frame-recorder.ts'
import { openConnection, type Connection } from './connection.ts'
import { loadLibrary } from './library.ts'
import type { Pki } from './pki.ts'
import type { OpcuaPoint } from './point.ts'
import { readGroup } from './read-group.ts'
import type { OpcuaDeviceConfig } from './schema.ts'
import type { Security } from './security.ts'
import { Subscription } from './subscription.ts'
import { writeValue } from './write.ts'

export interface OpcuaDeviceOptions {
  readonly id: string
  readonly endpoint: string
  readonly security: Security
  readonly user: OpcuaDeviceConfig['connection']['user']
  readonly timeoutMs: number
  readonly publishIntervalMs: number
  /** null: sent by the server. */
  readonly groups: readonly { readonly intervalMs: number | null; readonly points: readonly OpcuaPoint[] }[]
  readonly pki: Pki
  readonly clock: Clock
  readonly context: DriverContext
}

export class OpcuaDevice implements Device {
  readonly bus: string
  readonly #options: OpcuaDeviceOptions
  readonly #points = new Map<SensorNumber, OpcuaPoint>()
  /** Nothing is recorded before the login is over: a chunk of it may hold a password. */
  readonly #frames: FrameRecorder
  #connection: Connection | null = null
  /** Ends an attempt to connect when the device is closed. */
  #closing = new AbortController()

  constructor(options: OpcuaDeviceOptions) {
    this.#options = options
    this.#frames = new FrameRecorder({ now: () => options.context.now() })
    // Each device has a connection of its own, whatever else is behind the same address.
    this.bus = `opcua:${options.id}@${new URL(options.endpoint).host}`
    for (const point of options.groups.flatMap((group) => group.points)) this.#points.set(point.sensor, point)
  }

  async connect(signal: AbortSignal): Promise<void> {
    const { context, endpoint, security, user, timeoutMs, clock, pki } = this.#options
    const closing = this.#closing.signal
    const former = this.#connection
    this.#connection = null
    await former?.close()
    const library = await loadLibrary()
    let opened: Connection | null = null
    const onLost = (cause: TelemetryError): void => {
      if (this.#connection !== opened) return
      this.#connection = null
      context.lost(cause)
    }
    const onChunk = (direction: WireFrame['direction'], chunk: Buffer): void => this.#frames[direction](chunk)
    opened = await openConnection(
      { library, pki, endpoint, security, user, timeoutMs, clock, onLost, onChunk },
      AbortSignal.any([signal, closing]),
    )
    if (closing.aborted || signal.aborted) {
      opened.abort()
      throw new TelemetryError('ABORTED', `Connecting to ${endpoint} was stopped`)
    }
    if (opened.ended.aborted) throw opened.ended.reason
    this.#connection = opened
  }

  async poll(group: number, sink: ReadingSink, signal: AbortSignal): Promise<PollOutcome> {
    const connection = this.#connected()
    const points = this.#options.groups[group]?.points ?? []
    try {
      return { requests: await readGroup(connection, points, sink, signal) }
    } catch (error) {
      this.#giveUpAfter(connection, error)
      throw error
    }
  }

  async subscribe(sink: ReadingSink, signal: AbortSignal): Promise<void> {
    const { publishIntervalMs, context, groups } = this.#options
    const points = groups.filter((group) => group.intervalMs === null).flatMap((group) => group.points)
    await new Subscription({ connection: this.#connected(), points, publishIntervalMs, sink, context }).start(signal)
  }

  async write(sensor: SensorNumber, value: Value, signal: AbortSignal): Promise<Value> {
    const point = this.#points.get(sensor)
    if (point === undefined) throw new TelemetryError('NOT_FOUND', 'The device has no such sensor')
    if (!point.isWritable) throw new TelemetryError('NOT_WRITABLE', `${point.id} is not configured as writable`)
    return await writeValue(this.#connected(), point, value, signal)
  }

  frames(): readonly WireFrame[] {
    return this.#frames.frames()
  }

  async close(): Promise<void> {
    this.#closing.abort()
    this.#closing = new AbortController()
    const connection = this.#connection
    this.#connection = null
    await connection?.close()
  }

  #connected(): Connection {
    if (this.#connection !== null) return this.#connection
    throw new TelemetryError('CONNECTION_LOST', 'The device is not connected', { retryable: true })
  }

  /** After silence or nonsense the connection is of no use: what comes late on it must not be heard. */
  #giveUpAfter(connection: Connection, error: unknown): void {
    if (!(error instanceof TelemetryError) || error.code === 'ABORTED' || error.code === 'DEVICE_EXCEPTION') return
    if (this.#connection === connection) this.#connection = null
    connection.abort()
  }
}
