// WatchAnomalies: one stream. Readings that the client brings are answered at its own pace: while it does not read, nothing more is
// read from it. Readings that gateways hand in cannot wait: what the client does not take of them is dropped and counted.

import { create } from '@bufbuild/protobuf'
import type { ServerDuplexStream } from '@grpc/grpc-js'
import { isTelemetryError } from '#domain/errors.ts'
import { isGood } from '#domain/quality.ts'
import type { Timer } from '#kit/clock.ts'
import type { Reading } from '#rpc/generated/telemetryx/v1/events_pb.js'
import {
  WatchAnomaliesResponseSchema,
  type WatchAnomaliesRequest,
  type WatchAnomaliesResponse,
  type WatchConfiguration,
} from '#rpc/generated/telemetryx/v1/analytics_pb.js'
import { CallError, statusOf } from '../rpc/answers.ts'
import type { SensorMatcher } from '../rules/sensor-glob.ts'
import type { AcceptedRecords } from '../service.ts'
import { SensorStates } from './accepted-numbers.ts'
import type { AnalyticsParts } from './parts.ts'
import { readDetector } from './read-detector.ts'
import { FieldReader } from './read-fields.ts'
import { bytesOf } from './watch-budget.ts'
import { WatchScorers, type SensorWatcher, type WatchVerdict } from './watch-scorers.ts'

export type WatchStream = ServerDuplexStream<WatchAnomaliesRequest, WatchAnomaliesResponse>

/** Answers about the feed that wait for the client; beyond them new ones are dropped. */
const MAX_WAITING = 1000
const PROGRESS_READINGS = 50_000
const PROGRESS_MS = 5000
/** Stored readings of each sensor from which a detector learns before it begins. */
const WARM_UP_MS = 86_400_000
const WARM_UP_READINGS = 2048
const MAX_WARM_UP_SENSORS = 1000

interface FeedWatch {
  readonly gateway: string
  readonly watcher: SensorWatcher
}

export class WatchCall {
  readonly #parts: AnalyticsParts
  readonly #tenant: string
  readonly #onClose: () => void
  readonly #stream: WatchStream
  readonly #budget
  readonly #waiting: WatchAnomaliesResponse[] = []
  #scorers: WatchScorers | null = null
  #withScores = false
  #unsubscribe: (() => void) | null = null
  #timer: Timer | null = null
  #isBlocked = false
  #isConfiguring = false
  #isOver = false
  #scored = 0
  #ignored = 0
  #dropped = 0
  #told = 0

  /** @param onClose told once, when nothing is held any more. */
  constructor(parts: AnalyticsParts, caller: { tenant: string; onClose: () => void }, stream: WatchStream) {
    this.#parts = parts
    this.#tenant = caller.tenant
    this.#onClose = caller.onClose
    this.#stream = stream
    this.#budget = parts.budget.open()
    stream.on('data', (request: WatchAnomaliesRequest) => this.#take(request))
    stream.on('end', () => this.#onEnd())
    stream.on('cancelled', () => this.close())
    stream.on('error', () => this.close())
    this.#plan()
  }

  /** Frees all that it holds. Safe to call twice. */
  close(): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#timer?.cancel()
    this.#unsubscribe?.()
    this.#budget.release()
    this.#waiting.length = 0
    this.#onClose()
  }

  /** The brain stops: the client may come again. */
  leave(): void {
    this.#fail(new CallError('UNAVAILABLE', 'The brain stops', { retryAfterMs: 1000 }))
  }

  #take({ message }: WatchAnomaliesRequest): void {
    if (this.#isOver) return
    if (message.case === 'configuration') {
      this.#isConfiguring = true
      this.#stream.pause()
      this.#configure(message.value).then(
        () => {
          this.#isConfiguring = false
          this.#pump()
        },
        (cause: unknown) => this.#fail(cause),
      )
    } else if (message.case === 'readings') this.#score(message.value.readings)
    else this.#fail(new CallError('INVALID_ARGUMENT', 'A request without configuration or readings'))
  }

  async #configure(wire: WatchConfiguration): Promise<void> {
    const { feed, history, models, pool } = this.#parts
    const reader = new FieldReader()
    const detector = readDetector(reader, 'configuration.detector', wire.detector)
    const patterns = reader.patterns('configuration.sensors', wire.sensors, 0)
    reader.done()
    if (detector === null) return
    const chosen =
      detector.method === 'model' ? (await models.load(this.#tenant, detector.name, detector.version)).model : detector
    this.#unsubscribe?.()
    this.#unsubscribe = null
    this.#budget.release()
    const scorers = new WatchScorers(chosen, {
      budget: this.#budget,
      bytesEach: bytesOf(detector),
      fit: (spec, values) => pool.run('fit', { spec, values }),
    })
    if (patterns.length > 0) await this.#learn(scorers, patterns, history)
    if (this.#isOver) return
    this.#scorers = scorers
    this.#withScores = wire.withScores
    if (patterns.length === 0) return
    const states = new SensorStates<FeedWatch>(({ gateway, sensor }) => {
      const watcher = patterns.some((pattern) => pattern.test(sensor)) ? scorers.of(gateway, sensor) : null
      return watcher === null ? null : { gateway, watcher }
    })
    this.#unsubscribe = feed.subscribe(this.#tenant, (records) => this.#takeFed(records, states))
  }

  /** While the database is away detectors learn from what comes, as they do of a sensor that is new. */
  async #learn(
    scorers: WatchScorers,
    patterns: readonly SensorMatcher[],
    history: AnalyticsParts['history'],
  ): Promise<void> {
    try {
      await this.#warmUp(scorers, patterns, history)
    } catch (cause) {
      if (!isTelemetryError(cause) || !cause.retryable) throw cause
      this.#parts.log.warn({ reason: cause.message }, 'The database is away: a watch begins without what is stored')
    }
  }

  /** What is stored is learnt from, not reported. */
  async #warmUp(
    scorers: WatchScorers,
    patterns: readonly SensorMatcher[],
    history: AnalyticsParts['history'],
  ): Promise<void> {
    const now = this.#parts.clock.now()
    const stored = await history.sensors(this.#tenant, '')
    const wanted = stored.filter(({ sensor }) => patterns.some((pattern) => pattern.test(sensor)))
    for (const key of wanted.slice(0, MAX_WARM_UP_SENSORS)) {
      if (this.#isOver) return
      const watcher = scorers.of(key.gateway, key.sensor)
      if (watcher === null) continue
      const { times, values } = await history.read(key, now - WARM_UP_MS, Infinity)
      for (let at = Math.max(0, times.length - WARM_UP_READINGS); at < times.length; at++)
        watcher.take(values[at]!, times[at]!)
    }
  }

  #takeFed(records: AcceptedRecords, states: SensorStates<FeedWatch>): void {
    const { batch } = records
    this.#ignored += states.each(records, ({ gateway, watcher }, value, time, row) => {
      const verdict = watcher.take(value, time)
      this.#scored += 1
      if (verdict.anomaly === null) return
      if (this.#waiting.length >= MAX_WAITING) this.#dropped += 1
      else
        this.#waiting.push(
          anomalyOf(verdict, { gateway, time, position: { epoch: batch.epoch, seq: BigInt(batch.seq[row]!) } }),
        )
    })
    this.#pump()
  }

  #score(readings: readonly Reading[]): void {
    const scorers = this.#scorers
    if (scorers === null)
      return this.#fail(new CallError('FAILED_PRECONDITION', 'The stream does not begin with a configuration'))
    const scores: number[] = []
    for (const reading of readings) {
      const value = numberOf(reading)
      const watcher = Number.isFinite(value) ? scorers.of(reading.gateway, reading.sensor) : null
      if (watcher === null) {
        this.#ignored += 1
        if (this.#withScores) scores.push(Number.NaN)
        continue
      }
      const time = Number(reading.timeMs === 0n ? reading.receivedAtMs : reading.timeMs)
      const verdict = watcher.take(value, time)
      this.#scored += 1
      if (this.#withScores) scores.push(verdict.score)
      if (verdict.anomaly !== null) this.#waiting.push(anomalyOf(verdict, { ...reading, time }))
    }
    if (this.#withScores)
      this.#waiting.push(response({ case: 'scores', value: { $typeName: 'telemetryx.v1.WatchScores', scores } }))
    if (this.#scored + this.#ignored - this.#told >= PROGRESS_READINGS) this.#tell()
    this.#pump()
  }

  /** Sends what the client takes; while something waits, nothing is read from it. */
  #pump(): void {
    if (this.#isOver) return
    while (!this.#isBlocked && this.#waiting.length > 0) {
      if (this.#stream.write(this.#waiting.shift()!)) continue
      this.#isBlocked = true
      this.#stream.once('drain', () => {
        this.#isBlocked = false
        this.#pump()
      })
    }
    if (this.#isBlocked || this.#isConfiguring) this.#stream.pause()
    else this.#stream.resume()
  }

  #tell(): void {
    this.#told = this.#scored + this.#ignored
    this.#waiting.push(this.#progress())
  }

  #progress(): WatchAnomaliesResponse {
    return create(WatchAnomaliesResponseSchema, {
      message: {
        case: 'progress',
        value: {
          scored: BigInt(this.#scored),
          ignored: BigInt(this.#ignored),
          dropped: BigInt(this.#dropped),
          learning: this.#scorers?.learning ?? 0,
        },
      },
    })
  }

  #plan(): void {
    this.#timer = this.#parts.clock.after(PROGRESS_MS, () => {
      if (this.#isOver) return
      if (this.#scored + this.#ignored > this.#told && this.#waiting.length < MAX_WAITING) this.#tell()
      this.#pump()
      this.#plan()
    })
  }

  /** The client has said all it has. A stream that watches gateways goes on. */
  #onEnd(): void {
    if (this.#isOver || this.#unsubscribe !== null) return
    for (const message of this.#waiting) this.#stream.write(message)
    this.#stream.write(this.#progress())
    this.close()
    this.#stream.end()
  }

  #fail(cause: unknown): void {
    if (this.#isOver) return
    this.close()
    this.#stream.emit('error', statusOf(cause, this.#parts.log))
  }
}

/** NaN for a reading that says nothing to a detector. */
function numberOf({ status, value }: Reading): number {
  if (!isGood(status)) return Number.NaN
  switch (value?.kind.case) {
    case 'number':
      return value.kind.value
    case 'boolean':
      return value.kind.value ? 1 : 0
    case 'integer':
    case 'unsignedInteger':
      return Number(value.kind.value)
    case 'text':
    case undefined:
      return Number.NaN
  }
}

interface Place {
  readonly gateway: string
  readonly time: number
  readonly position?: Reading['position'] | { readonly epoch: number; readonly seq: bigint }
}

function anomalyOf({ anomaly, score }: WatchVerdict, { gateway, position, time }: Place): WatchAnomaliesResponse {
  const { expected, message, sensor, value } = anomaly!
  return create(WatchAnomaliesResponseSchema, {
    message: {
      case: 'anomaly',
      value: {
        $typeName: 'telemetryx.v1.Anomaly',
        sensor,
        timeMs: BigInt(Math.round(time)),
        value,
        score,
        message,
        gateway,
        ...(Number.isNaN(expected) ? {} : { expected }),
        ...(position === undefined
          ? {}
          : { position: { $typeName: 'telemetryx.v1.Position', epoch: position.epoch, seq: position.seq } }),
      },
    },
  })
}

function response(message: WatchAnomaliesResponse['message']): WatchAnomaliesResponse {
  return create(WatchAnomaliesResponseSchema, { message })
}
