// Takes what programs send by HTTP: devices report here, the API asks here. All of a batch or nothing: there must be room
// for all of it, and then it is pushed in one go.

import type { EventEntry } from '#domain/alarm.ts'
import { TelemetryError } from '#domain/errors.ts'
import type {
  AppearingSensor,
  Inbox,
  InboxEndpoint,
  IngestBatch,
  IngestEvent,
  IngestPort,
  IngestProblem,
} from '#domain/ingest.ts'
import type { Clock } from '#kit/clock.ts'

export interface IngestOptions {
  /** True when so many records with so many bytes of text fit into the buffer. */
  hasRoomFor(records: number, textBytes: number): boolean
  /** Records that the buffer holds altogether. */
  readonly capacity: number
  /** Why the store cannot write; null: it can. */
  storeFailure(): string | null
  record(event: EventEntry): boolean
  /** Resolves when everything accepted so far is durable. */
  durable(): Promise<void>
  readonly clock: Clock
  /** True for a device of the configuration that takes readings by HTTP. */
  isKnown(device: string): boolean
  /** Makes sensors of a device that takes any; the device opens anew. Throws OUT_OF_RANGE, NOT_FOUND, STORE_IO. */
  adopt(device: string, sensors: readonly AppearingSensor[]): Promise<void>
}

/** Alarms that readings raise take room too. */
const RESERVE_RECORDS = 256
const RESERVE_TEXT_BYTES = 64 * 1024
/** How long one waits for a device that is opened anew, because its sensors or its configuration changed. */
const OPEN_DEADLINE_MS = 5000

export class Ingest implements Inbox, IngestPort {
  readonly #options: IngestOptions
  readonly #endpoints = new Map<string, InboxEndpoint>()
  readonly #waiting = new Set<{ readonly device: string; go(): void }>()

  constructor(options: IngestOptions) {
    this.#options = options
  }

  open(device: string, endpoint: InboxEndpoint): () => void {
    this.#endpoints.set(device, endpoint)
    for (const waiting of this.#waiting) if (waiting.device === device) waiting.go()
    return () => {
      if (this.#endpoints.get(device) === endpoint) this.#endpoints.delete(device)
    }
  }

  whenOpen(device: string): Promise<void> {
    if (this.#endpoints.has(device) || !this.#options.isKnown(device)) return Promise.resolve()
    return new Promise((resolve) => {
      const go = (): void => {
        timer.cancel()
        this.#waiting.delete(waiting)
        resolve()
      }
      const timer = this.#options.clock.after(OPEN_DEADLINE_MS, go)
      const waiting = { device, go }
      this.#waiting.add(waiting)
    })
  }

  check(device: string, { readings }: IngestBatch): readonly IngestProblem[] {
    return this.#endpoint(device).check(readings)
  }

  async submit(device: string, { readings, events }: IngestBatch): Promise<void> {
    const options = this.#options
    const failure = options.storeFailure()
    if (failure !== null)
      throw new TelemetryError('STORE_IO', `The store cannot write: ${failure}`, { retryable: true })
    const entries = events.map((event) => entryOf(device, event, options.clock.now()))
    const records = 2 * readings.length + events.length + RESERVE_RECORDS
    if (records > options.capacity)
      throw new TelemetryError(
        'OUT_OF_RANGE',
        `The buffer is too small for so much at once: send less, or see buffer.capacity`,
      )
    const checkRoom = (): void => {
      if (options.hasRoomFor(records, 2 * textBytes(readings, entries) + RESERVE_TEXT_BYTES)) return
      throw new TelemetryError('BUFFER_FULL', 'The buffer has no room for all of it; try again', { retryable: true })
    }
    checkRoom()
    const endpoint = await this.#adopted(device, readings)
    if (this.#endpoints.get(device) !== endpoint) throw notOpen(device)
    checkRoom()
    // From here to the last push nothing else gets its turn.
    for (const entry of entries) options.record(entry)
    endpoint.take(readings)
    await options.durable()
  }

  /** The endpoint of a device that has all sensors of these readings, those that appear in them included. */
  async #adopted(device: string, readings: IngestBatch['readings']): Promise<InboxEndpoint> {
    const endpoint = this.#endpoint(device)
    const appearing = endpoint.appearing?.(readings) ?? []
    if (appearing.length === 0) return endpoint
    await this.#options.adopt(device, appearing)
    await this.whenOpen(device)
    const opened = this.#endpoint(device)
    // Others may have been first, with values of another type.
    const [problem] = opened.check(readings)
    if (problem === undefined && opened.appearing?.(readings).length === 0) return opened
    const words = problem ? `${readings[problem.reading]!.sensor}: ${problem.message}` : 'sensors went as they came'
    throw new TelemetryError('CONFLICT', `${device} has changed meanwhile: ${words}`, { retryable: true })
  }

  #endpoint(device: string): InboxEndpoint {
    const endpoint = this.#endpoints.get(device)
    if (endpoint !== undefined) return endpoint
    if (!this.#options.isKnown(device))
      throw new TelemetryError('NOT_FOUND', `There is no device "${device}" that takes readings by HTTP`)
    throw notOpen(device)
  }
}

function notOpen(device: string): TelemetryError {
  return new TelemetryError('ABORTED', `${device} takes nothing at the moment; try again`, { retryable: true })
}

function entryOf(device: string, { severity, message, type, time, data }: IngestEvent, now: number): EventEntry {
  const base = { kind: 'event', type, severity, time: time ?? now, message, source: device } as const
  return data === null ? base : { ...base, data }
}

function textBytes(readings: IngestBatch['readings'], entries: readonly EventEntry[]): number {
  let bytes = 0
  for (const { value } of readings) if (typeof value === 'string') bytes += Buffer.byteLength(value)
  for (const entry of entries) bytes += Buffer.byteLength(JSON.stringify(entry))
  return bytes
}
