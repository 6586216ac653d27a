// One serial device at run time: asks for its points when it is polled, or hears what the device sends by itself.

import type { Device, DriverContext, PollOutcome, WireFrame } from '#domain/driver.ts'
import { isTelemetryError, TelemetryError } from '#domain/errors.ts'
import { Status } from '#domain/quality.ts'
import { NO_TIME, type ReadingSink } from '#domain/reading.ts'
import type { SensorNumber } from '#domain/sensor.ts'
import type { Value } from '#domain/value.ts'
import { FrameRecorder } from '#kit/frame-recorder.ts'
import type { Clock } from '#kit/clock.ts'
import type { Asker } from './conversation.ts'
import { convertField } from './convert.ts'
import { createFramer, maxPauseMs } from './framing.ts'
import type { Framer } from './framer.ts'
import type { Line, LineMember } from './line.ts'
import { Listener } from './listener.ts'
import { exchangesOf, type Exchange, type SerialPoint } from './point.ts'
import { frameReader, giveFields, type FrameReading, type ReadFrame } from './read-frame.ts'
import { DEFAULT_TIMEOUT_MS, type SerialDeviceConfig } from './schema.ts'
import { SensorWrite } from './write.ts'

/** Pieces that come within this time of the one before are shown as one. */
const JOIN_MS = 50

export interface SerialDeviceOptions {
  readonly bus: string
  readonly config: SerialDeviceConfig
  readonly groups: readonly (readonly SerialPoint[])[]
  readonly line: Line
  readonly clock: Clock
  readonly context: DriverContext
}

export class SerialDevice implements Device, LineMember, Asker {
  readonly bus: string
  readonly framer: Framer
  readonly log: FrameRecorder
  readonly timeoutMs: number
  /** Set for devices that send by themselves. */
  readonly receive?: (chunk: Uint8Array) => void
  readonly #options: SerialDeviceOptions
  readonly #decimal: '.' | ','
  readonly #groups: readonly (readonly Exchange[])[]
  readonly #points: readonly SerialPoint[]
  readonly #readFrame: ReadFrame
  readonly #listener: Listener | null
  #sink: ReadingSink | null = null
  #closing = new AbortController()

  constructor(options: SerialDeviceOptions) {
    const { config, groups, clock, context } = options
    this.bus = options.bus
    this.framer = createFramer(config.framing, config.checksum)
    this.log = new FrameRecorder({ now: () => context.now(), joinMs: JOIN_MS })
    this.timeoutMs = config.request?.timeout ?? DEFAULT_TIMEOUT_MS
    this.#options = options
    this.#decimal = config.parse.decimal ?? '.'
    this.#groups = groups.map((points) => exchangesOf(points, config))
    this.#points = groups.flat()
    this.#readFrame = frameReader(config)
    this.#listener = null
    if (config.request !== undefined) return
    this.#listener = new Listener({
      clock,
      framer: this.framer,
      maxPauseMs: maxPauseMs(config.framing),
      frame: (frame) => this.#hear(this.#readFrame(frame)),
      countError: (kind) => this.countError(kind),
    })
    this.receive = (chunk) => {
      this.log.received(chunk)
      this.#listener?.receive(chunk)
    }
  }

  async connect(signal: AbortSignal): Promise<void> {
    const { line, config } = this.#options
    await line.join(this, config.connection, AbortSignal.any([signal, this.#closing.signal]))
  }

  async poll(group: number, sink: ReadingSink, signal: AbortSignal): Promise<PollOutcome> {
    const exchanges = this.#groups[group] ?? []
    const unread: Exchange[] = []
    let requests = 0
    for (const exchange of exchanges) {
      requests += 1
      const { fields, problem } = await this.#ask(exchange.bytes, { signal, requests })
      if (problem === null) {
        giveFields(fields, exchange.points, { sink, decimal: this.#decimal })
        continue
      }
      this.#distrust(problem)
      unread.push(exchange)
      // Nothing that came made sense: this is not one refused request, but a device that is not understood.
      if (unread.length === exchanges.length) throw unreadable(problem, requests)
    }
    for (const { points } of unread) giveBad(points, sink)
    return { requests }
  }

  subscribe(sink: ReadingSink): Promise<void> {
    this.#sink = sink
    this.#listener?.start()
    return Promise.resolve()
  }

  async write(sensor: SensorNumber, value: Value, signal: AbortSignal): Promise<Value> {
    const point = this.#points.find((candidate) => candidate.sensor === sensor)
    if (point === undefined) throw new TelemetryError('NOT_FOUND', 'The device has no such sensor')
    const write = new SensorWrite(point.config, this.#decimal)
    const bytes = write.bytesFor(value)
    const { line, config } = this.#options
    if (write.expectsAnswer) {
      const ask = {
        asker: this,
        bytes,
        read: (frame: Parameters<ReadFrame>[0]) => write.verdict(frame, config.checksum),
      }
      const refusal = await line.ask(this, ask, signal)
      if (refusal !== '') throw refused(refusal)
    } else await line.tell(this, { asker: this, bytes }, signal)
    const exchange = this.#groups.flat().find(({ points }) => points.includes(point))!
    const { fields, problem } = await this.#ask(exchange.bytes, { signal, requests: 2 })
    if (problem !== null) {
      this.#distrust(problem)
      throw unreadable(problem, 2)
    }
    const held = convertField(fields(point.config.field), point.config, this.#decimal)
    if (held.value === null)
      throw new TelemetryError('PROTOCOL', 'What was read back makes no sense', { retryable: true })
    return held.value
  }

  frames(): readonly WireFrame[] {
    return this.log.frames()
  }

  async close(): Promise<void> {
    this.#closing.abort()
    this.#closing = new AbortController()
    this.#deaf()
    await this.#options.line.leave(this)
  }

  /** From the line. */
  lost(cause: TelemetryError): void {
    this.#deaf()
    this.#options.context.lost(cause)
  }

  countError(kind: string): void {
    this.#options.context.countError(kind)
  }

  /** Errors carry the number of requests that the poll has sent. */
  async #ask(
    bytes: Uint8Array,
    { signal, requests }: { signal: AbortSignal; requests: number },
  ): Promise<FrameReading> {
    try {
      return await this.#options.line.ask(this, { asker: this, bytes, read: this.#readFrame }, signal)
    } catch (error) {
      if (!isTelemetryError(error)) throw error
      const { code, message, retryable, context, cause } = error
      throw new TelemetryError(code, message, { retryable, context: { ...context, requests }, cause })
    }
  }

  #hear(reading: FrameReading | null): void {
    const sink = this.#sink
    if (sink === null || reading === null) return
    if (reading.problem === null) {
      giveFields(reading.fields, this.#points, { sink, decimal: this.#decimal })
      return
    }
    this.countError(reading.problem)
    giveBad(this.#points, sink)
  }

  #distrust(problem: string): void {
    this.countError(problem)
    this.#options.line.distrust()
  }

  #deaf(): void {
    this.#listener?.stop()
    this.#sink = null
  }
}

function giveBad(points: readonly SerialPoint[], sink: ReadingSink): void {
  for (const { sensor } of points) sink.bad(sensor, Status.BadDecodingError, NO_TIME)
}

const PROBLEM_WORDS = {
  checksum: 'its checksum is wrong',
  'no-match': 'it is not of the configured form',
  'not-text': 'it is no UTF-8 text',
  'pattern-too-slow': 'the pattern takes too long on it',
} as const

function unreadable(problem: keyof typeof PROBLEM_WORDS, requests: number): TelemetryError {
  return new TelemetryError('PROTOCOL', `The answer cannot be read: ${PROBLEM_WORDS[problem]}`, {
    retryable: true,
    context: { requests, problem },
  })
}

function refused(answer: string): TelemetryError {
  return new TelemetryError('DEVICE_EXCEPTION', `The device did not confirm the write, but answered: ${answer}`, {
    context: { answer },
  })
}
