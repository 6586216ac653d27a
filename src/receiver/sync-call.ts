// One gateway's stream: hello, welcome, batches in, acknowledgements out in the order of the batches.

import { create } from '@bufbuild/protobuf'
import type { handleBidiStreamingCall } from '@grpc/grpc-js'
import { isTelemetryError } from '#domain/errors.ts'
import type { Log } from '#domain/driver.ts'
import { KnownSensors } from '#rpc/dictionary.ts'
import {
  SyncResponseSchema,
  WelcomeSchema,
  type CommandResult,
  type Hello,
  type SyncResponse,
} from '#rpc/generated/telemetryx/v1/ingest_pb.js'
import type { IncomingSync } from '#rpc/ingest-service.ts'
import { PacedWriter } from '#rpc/paced-writer.ts'
import { refusal, type Refusal } from '#rpc/server.ts'
import type { Taken } from './intake.ts'

/** Batches that are not on the disk yet, beyond which nothing more is read from the stream, if nothing else is said. */
const MAX_UNDER_WAY = 64

/** Messages that a gateway does not read, beyond which its stream is ended. */
const MAX_WAITING = 10_000

/** A stream of one gateway as grpc-js gives it. */
export type SyncStream = Parameters<handleBidiStreamingCall<IncomingSync, SyncResponse>>[0]

/** Where batches go; `F` is what it keeps of one gateway. See Intake. */
export interface BatchIntake<F> {
  open(gateway: string, hello?: Hello): Promise<F>
  take(gateway: string, file: F, sensors: KnownSensors, bytes: Uint8Array): Promise<Pick<Taken, 'acknowledgement'>>
}

export interface SyncCallOptions<F> {
  readonly stream: SyncStream
  readonly intake: BatchIntake<F>
  readonly log: Log
  /** For the welcome: name and version of this receiver, and its largest message. */
  readonly receiver: string
  readonly maxMessageBytes: number
  /** Batches that are not durable yet, beyond which nothing more is read. Default 64. */
  readonly maxUnderWay?: number
  /** A gateway has said hello. */
  readonly onHello: (gateway: string, call: SyncCall<F>) => void
  readonly onResult: (gateway: string, result: CommandResult) => void
}

export class SyncCall<F> {
  readonly #options: SyncCallOptions<F>
  readonly #sensors = new KnownSensors()
  readonly #writer: PacedWriter<SyncResponse>
  #gateway: string | null = null
  #opening: Promise<F> | null = null
  #file: F | null = null
  #underWay = 0
  #isOver = false
  #hasEnded = false
  #isLeaving = false

  constructor(options: SyncCallOptions<F>) {
    this.#options = options
    const { stream } = options
    this.#writer = new PacedWriter({ stream, maxWaiting: MAX_WAITING })
    stream.on('data', (message: IncomingSync) => this.#take(message))
    stream.on('end', () => this.#onEnd())
    stream.on('cancelled', () => (this.#isOver = true))
    stream.on('error', () => (this.#isOver = true))
  }

  /** An alert, a change of a rule or a command to this gateway. False when the stream is over. */
  send(message: SyncResponse['message']): boolean {
    if (this.#isOver) return false
    if (this.#writer.write(create(SyncResponseSchema, { message }))) return true
    this.#refuse(refusal('RESOURCE_EXHAUSTED', 'The gateway does not read what it is sent'))
    return false
  }

  /** Says that the receiver goes away, once what is under way has been acknowledged; the gateway comes again. */
  end(): void {
    this.#isLeaving = true
    this.#options.stream.pause()
    if (this.#underWay === 0) this.#refuse(refusal('UNAVAILABLE', 'The receiver stops'))
  }

  #take(message: IncomingSync): void {
    if (this.#isOver) return
    try {
      if (message.case === 'hello') this.#greet(message.value)
      else if (this.#opening === null)
        this.#refuse(refusal('FAILED_PRECONDITION', 'The stream does not begin with a hello'))
      else if (message.case === 'batch') this.#takeBatch(message.value)
      else if (message.case === 'dictionary') this.#sensors.learn(message.value)
      else if (message.case === 'commandResult') this.#options.onResult(this.#gateway ?? '', message.value)
    } catch (cause) {
      this.#fail(cause)
    }
  }

  #greet(hello: Hello): void {
    if (this.#opening !== null) return this.#refuse(refusal('FAILED_PRECONDITION', 'A second hello'))
    const { intake, log, maxMessageBytes, onHello, receiver, stream } = this.#options
    this.#gateway = hello.gateway
    this.#sensors.learn(hello.dictionary)
    stream.pause() // until the gateway's file is open
    this.#opening = intake.open(hello.gateway, hello)
    this.#opening
      .then((file) => {
        if (this.#isOver) return
        this.#file = file
        this.send({ case: 'welcome', value: create(WelcomeSchema, { receiver, maxMessageBytes }) })
        log.info({ gateway: hello.gateway, epoch: hello.epoch, version: hello.version }, 'Gateway connected')
        onHello(hello.gateway, this)
        if (!this.#isLeaving) stream.resume()
      })
      .catch((cause: unknown) => this.#fail(cause))
  }

  #takeBatch(bytes: Uint8Array): void {
    const { intake, maxUnderWay = MAX_UNDER_WAY, stream } = this.#options
    this.#underWay += 1
    if (this.#underWay >= maxUnderWay) stream.pause()
    intake
      .take(this.#gateway!, this.#file!, this.#sensors, bytes) // nothing is read before the file is open
      .then(({ acknowledgement }) => {
        this.#underWay -= 1
        this.send({ case: 'acknowledgement', value: acknowledgement })
        if (this.#isLeaving) this.end()
        else if (stream.isPaused()) stream.resume()
        if (this.#hasEnded) this.#onEnd()
      })
      .catch((cause: unknown) => this.#fail(cause))
  }

  /** The gateway sends nothing more: what is under way is acknowledged first. */
  #onEnd(): void {
    this.#hasEnded = true
    if (this.#underWay > 0 || this.#isOver) return
    this.#isOver = true
    this.#options.stream.end()
  }

  #fail(cause: unknown): void {
    const message = cause instanceof Error ? cause.message : String(cause)
    this.#options.log.warn({ gateway: this.#gateway, reason: message }, 'Gateway refused')
    if (isTelemetryError(cause, 'PROTOCOL')) this.#refuse(refusal('INVALID_ARGUMENT', message))
    else if (isTelemetryError(cause, 'UNAUTHENTICATED')) this.#refuse(refusal('UNAUTHENTICATED', message))
    else if (isTelemetryError(cause, 'PERMISSION_DENIED')) this.#refuse(refusal('PERMISSION_DENIED', message))
    else this.#refuse(refusal('UNAVAILABLE', message))
  }

  #refuse(reason: Refusal): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#options.stream.emit('error', reason) // grpc-js: an error of a handler's stream is the status of the call
  }
}
