// Where every write passes, whoever commands it: how often and what may be written, until when it is wanted, and the event
// that tells of it. Refusals for coming too often are counted, not told one by one: else they would fill the journal.

import type { EventEntry } from '#domain/alarm.ts'
import type { Log } from '#domain/driver.ts'
import { TelemetryError } from '#domain/errors.ts'
import { DEFAULT_WRITE_LIMITS, type Sensor, type SensorNumber, type WriteLimits } from '#domain/sensor.ts'
import { jsonValue, type Value } from '#domain/value.ts'
import type { WriteOrigin } from '#domain/views.ts'
import type { Clock } from '#kit/clock.ts'
import type { WriteOrder } from './device-writer.ts'
import { driverError } from './failure.ts'
import { WriteRate } from './write-rate.ts'

/** Where writes are told of. */
export interface WriteJournal {
  /** Latest value in engineering units; null when there is none, or a bad one. */
  latest(sensor: SensorNumber): Value | null
  record(event: EventEntry): void
}

export interface WriteDeskOptions {
  readonly clock: Clock
  readonly log: Log
  readonly journal: WriteJournal | null
}

export interface WriteCommand {
  readonly sensor: Sensor
  /** In engineering units. */
  readonly value: Value
  readonly origin: WriteOrigin
}

/** written: done and read back · refused: never sent · failed: sent, and the device refused it, or nobody knows what became of it. */
type Outcome = 'written' | 'refused' | 'failed'

interface Account {
  readonly outcome: Outcome
  readonly before: Value | null
  readonly readBack: Value | null
  readonly error: TelemetryError | null
  readonly tookMs: number
}

const EVENTS: Readonly<Record<Outcome, { readonly type: string; readonly severity: EventEntry['severity'] }>> = {
  written: { type: 'sensor-written', severity: 'info' },
  refused: { type: 'sensor-write-refused', severity: 'warning' },
  failed: { type: 'sensor-write-failed', severity: 'warning' },
}
/** Longest text of a value that an event repeats. */
const MAX_SHOWN = 200

export class WriteDesk {
  readonly #options: WriteDeskOptions
  readonly #rate: WriteRate
  /** Refused for coming too often since the last event of the sensor. */
  readonly #refused = new Map<SensorNumber, number>()

  constructor(options: WriteDeskOptions) {
    this.#options = options
    this.#rate = new WriteRate(options.clock)
  }

  /** Resolves with what was read back. Throws RATE_LIMITED, NOT_WRITABLE, OUT_OF_RANGE, EXPIRED and what `send` throws. */
  async write(command: WriteCommand, send: (order: WriteOrder) => Promise<Value>): Promise<Value> {
    const { sensor } = command
    this.#checkRate(command)
    const { clock, journal } = this.#options
    const before = journal?.latest(sensor.number) ?? null
    const startedAt = clock.monotonic()
    let isSent = false
    try {
      const order = this.#order(command, () => {
        isSent = true
      })
      const readBack = await send(order)
      const tookMs = clock.monotonic() - startedAt
      this.#tell(command, { outcome: 'written', before, readBack, error: null, tookMs })
      return readBack
    } catch (thrown) {
      const error = driverError(thrown)
      const tookMs = clock.monotonic() - startedAt
      this.#tell(command, {
        outcome: isSent && !isRefusal(error) ? 'failed' : 'refused',
        before,
        readBack: null,
        error,
        tookMs,
      })
      throw error
    }
  }

  #checkRate(command: WriteCommand): void {
    const { sensor } = command
    const retryAfterMs = this.#rate.take(sensor.number, limitsOf(sensor))
    if (retryAfterMs === 0) return
    const often = `${sensor.id} was written too often: at most ${limitsOf(sensor).perMinute} times a minute`
    const error = new TelemetryError('RATE_LIMITED', often, { retryable: true, context: { retryAfterMs } })
    const refused = this.#refused.get(sensor.number)
    if (refused === undefined)
      this.#tell(command, { outcome: 'refused', before: null, readBack: null, error, tookMs: 0 })
    this.#refused.set(sensor.number, (refused ?? 0) + 1)
    throw error
  }

  #order({ sensor, value, origin }: WriteCommand, onSent: () => void): WriteOrder {
    if (!sensor.writable) throw new TelemetryError('NOT_WRITABLE', `${sensor.id} is not configured as writable`)
    const limits = limitsOf(sensor)
    checkLimits(sensor, value, limits)
    const restMs = (origin.expiresAt ?? Infinity) - this.#options.clock.now()
    if (restMs <= 0) {
      const told = `The write to ${sensor.id} was not sent: it was wanted until a time that is over`
      throw new TelemetryError('EXPIRED', told, { retryable: true })
    }
    return { value, validMs: Math.min(limits.validMs, restMs), onSent }
  }

  #tell(command: WriteCommand, account: Account): void {
    const { sensor, value, origin } = command
    const { outcome, before, readBack, error, tookMs } = account
    const { clock, log, journal } = this.#options
    const refused = this.#refused.get(sensor.number) ?? 0
    this.#refused.delete(sensor.number)
    const data = {
      sensor: sensor.id,
      by: origin.by,
      from: origin.from,
      outcome,
      before: shown(before),
      requested: shown(value),
      readBack: shown(readBack),
      tookMs: Math.round(tookMs),
      ...(error && { code: error.code, reason: error.message }),
      // The first of them had an event of its own.
      ...(refused > 1 && { refusedBefore: refused - 1 }),
    }
    const message = messageOf(command, account)
    const { type, severity } = EVENTS[outcome]
    if (outcome === 'written') log.info(data, 'A sensor was written')
    else log.warn(data, 'A sensor was not written')
    journal?.record({ kind: 'event', type, severity, time: clock.now(), message, source: sensor.device, data })
  }
}

/** The driver refused it itself. */
function isRefusal({ code }: TelemetryError): boolean {
  return code === 'OUT_OF_RANGE' || code === 'NOT_WRITABLE'
}

function limitsOf(sensor: Sensor): WriteLimits {
  return sensor.writeLimits ?? DEFAULT_WRITE_LIMITS
}

function checkLimits(sensor: Sensor, value: Value, { min, max }: WriteLimits): void {
  if ((min === null && max === null) || typeof value === 'string') return
  const number = typeof value === 'bigint' ? value : Number(value)
  if ((min === null || number >= min) && (max === null || number <= max)) return
  const range = min === null ? `at most ${max}` : max === null ? `at least ${min}` : `from ${min} to ${max}`
  throw new TelemetryError('OUT_OF_RANGE', `${sensor.id} takes values ${range}, not ${String(value)}`, {
    context: { sensor: sensor.id, min, max },
  })
}

function messageOf({ sensor, value, origin }: WriteCommand, { outcome, before, readBack, error }: Account): string {
  const who = `by ${origin.by} (${origin.from})`
  if (outcome !== 'written') return `${sensor.id} ← ${shown(value)} ${who}: ${outcome}, ${error?.message ?? ''}`
  const from = before === null ? '' : ` from ${shown(before)}`
  const differs = readBack === value ? '' : `, read back as ${shown(readBack)}`
  return `${sensor.id} was set${from} to ${shown(value)} ${who}${differs}`
}

function shown(value: Value | null): ReturnType<typeof jsonValue> {
  return typeof value === 'string' && value.length > MAX_SHOWN ? `${value.slice(0, MAX_SHOWN)}…` : jsonValue(value)
}
