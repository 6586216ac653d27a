// The wire of a scan: one request at a time with a pause after each, opened again when it broke. Only reads are sent.

import { isTelemetryError, TelemetryError } from '#domain/errors.ts'
import { systemClock, type Clock } from '#kit/clock.ts'
import { connectionOf, transportFor } from './connection.ts'
import type { ModbusDeviceConfig } from './schema.ts'
import { SerialPorts } from './serial-wire.ts'
import type { FrameTrace, Transport } from './transport.ts'

const NOBODY: FrameTrace = { sent: () => {}, received: () => {} }
/** A TCP connection may be dead without saying so: after so many requests without an answer it is made anew. */
const MAX_SILENT = 8

export interface ScanLineOptions {
  readonly connection: ModbusDeviceConfig['connection']
  readonly pauseMs: number
  /** Rests after each request for as long as its answer took, `pauseMs` at least: half of the time is for others. */
  readonly isShared?: boolean
  readonly clock?: Clock
}

export class ScanLine {
  requests = 0
  readonly #clock: Clock
  readonly #transport: Transport
  readonly #pauseMs: number
  readonly #isShared: boolean
  readonly #timeoutMs: number
  #readyAt = 0
  #silent = 0

  constructor({ connection, pauseMs, isShared = false, clock = systemClock }: ScanLineOptions) {
    const complete = connectionOf(connection)
    this.#clock = clock
    this.#pauseMs = pauseMs
    this.#isShared = isShared
    this.#timeoutMs = complete.timeoutMs
    const parts = { clock, lineClock: clock, serialPorts: new SerialPorts() }
    this.#transport = transportFor(complete, parts, { broken: () => {}, lateAnswer: () => {}, damaged: () => {} })
  }

  /** Throws CONNECTION_FAILED, TIMEOUT. */
  async open(): Promise<void> {
    if (!this.#transport.isOpen) await this.#transport.open(Math.max(this.#timeoutMs, 3000))
  }

  /** The answer's PDU, or an exception's; null for silence or nonsense. Throws CONNECTION_FAILED when the wire is gone for good. */
  async ask(unit: number, pdu: Buffer, signal: AbortSignal): Promise<Buffer | null> {
    if (this.#silent >= MAX_SILENT && this.#transport.mayDieSilently) this.#transport.close()
    await this.open()
    this.requests += 1
    const begunAt = Math.max(this.#clock.monotonic(), this.#readyAt)
    try {
      const request = { unit, pdu, timeoutMs: this.#timeoutMs, notBeforeMs: this.#readyAt, trace: NOBODY }
      const answer = await this.#transport.exchange(request, signal)
      this.#silent = 0
      return answer
    } catch (error) {
      if (!(error instanceof TelemetryError) || isTelemetryError(error, 'ABORTED')) throw error
      this.#silent = this.#silent >= MAX_SILENT ? 1 : this.#silent + 1
      return null
    } finally {
      const now = this.#clock.monotonic()
      this.#readyAt = now + (this.#isShared ? Math.max(this.#pauseMs, now - begunAt) : this.#pauseMs)
    }
  }

  close(): void {
    this.#transport.close()
  }
}
