// A central uplink at work: registers the gateway with its model, then sends deliveries over one line.

import { create, toJsonString } from '@bufbuild/protobuf'
import { toTelemetryError, TelemetryError } from '#domain/errors.ts'
import type { Model } from '#domain/sensor.ts'
import type { Delivery, DeliveryResult, UplinkConnection, UplinkContext, UplinkSetup } from '#domain/uplink.ts'
import { sleep, systemClock } from '#kit/clock.ts'
import { wireDictionaries, wireStatuses } from '#rpc/dictionary.ts'
import { DictionarySchema, HelloSchema } from '#rpc/generated/telemetryx/v1/ingest_pb.js'
import { pem } from '../mqtt/client-options.ts'
import { Bodies } from './bodies.ts'
import { closedError, retryAfterMs, statusError } from './failure.ts'
import { HttpLine, type LineTls } from './http-line.ts'
import { Offers } from './offers.ts'
import type { CentralUplinkConfig } from './schema.ts'
import { AskedToWait, Sender } from './sender.ts'

/** A connect waits this long for the moment that central has named; a later one is left to the next connect. */
const PATIENCE_MS = 20_000
/** Of a server that keeps no register of gateways, for example the minimal one. */
const NO_REGISTER: ReadonlySet<number> = new Set([404, 405, 501])

interface Session {
  readonly line: HttpLine
  readonly sender: Sender
  readonly offers: Offers | null
  told: Model
}

export class CentralConnection implements UplinkConnection {
  readonly #setup: UplinkSetup<CentralUplinkConfig>
  readonly #context: UplinkContext
  readonly #url: URL
  readonly #bodies: Bodies
  readonly #proof = { hasTaken: false }
  #session: Session | null = null
  /** Unix milliseconds before which central does not want to hear of us. */
  #notBefore = 0

  constructor(setup: UplinkSetup<CentralUplinkConfig>, context: UplinkContext) {
    this.#setup = setup
    this.#context = context
    if (!URL.canParse(setup.config.url))
      throw new TelemetryError('CONFIG_INVALID', 'The url of a central uplink is not valid')
    this.#url = new URL(setup.config.url)
    this.#bodies = new Bodies(setup.gateway, setup.factory)
  }

  async connect(signal: AbortSignal): Promise<void> {
    this.#drop(closedError(this.#url.host))
    if (signal.aborted) throw new TelemetryError('ABORTED', 'Connecting was stopped', { cause: signal.reason })
    await this.#waitUntilWanted(signal)
    const tls = await this.#tls()
    const line = new HttpLine({
      url: this.#url,
      token: this.#setup.config.token,
      tls,
      userAgent: `telemetryx/${this.#context.version ?? '0'}`,
      onLost: (cause) => this.#lost(line, cause),
    })
    const model = this.#context.model()
    try {
      await this.#register(line, model, signal)
    } catch (cause) {
      line.end()
      if (signal.aborted) throw new TelemetryError('ABORTED', 'Connecting was stopped', { cause })
      throw cause
    }
    this.#session = this.#begin(line, model)
  }

  async deliver(delivery: Delivery, signal: AbortSignal): Promise<DeliveryResult> {
    const session = this.#session
    if (!session || signal.aborted) throw closedError(this.#url.host)
    const onAbort = (): void => {
      if (session === this.#session) this.#drop(closedError(this.#url.host))
    }
    signal.addEventListener('abort', onAbort, { once: true })
    try {
      return await session.sender.send(delivery)
    } catch (cause) {
      if (cause instanceof AskedToWait) this.#notBefore = systemClock.now() + cause.waitMs
      const error = toTelemetryError(cause, 'CONNECTION_LOST', { retryable: true })
      this.#lost(session.line, error)
      throw error
    } finally {
      signal.removeEventListener('abort', onAbort)
    }
  }

  modelChanged(): void {
    const session = this.#session
    const model = this.#context.model()
    if (!session || model === session.told) return
    session.told = model
    this.#register(session.line, model).catch((cause: unknown) => this.#lost(session.line, toTelemetryError(cause)))
  }

  close(): Promise<void> {
    this.#drop(closedError(this.#url.host))
    return Promise.resolve()
  }

  #begin(line: HttpLine, told: Model): Session {
    const { config, gateway, id } = this.#setup
    const { configuration, stateDir, log, epoch, trace } = this.#context
    const sender = new Sender({
      clock: systemClock,
      gateway,
      line,
      bodies: this.#bodies,
      model: () => this.#context.model(),
      format: config.format ?? 'protobuf',
      isCompressed: (config.compression ?? 'zstd') === 'zstd',
      proof: this.#proof,
      ...(trace && { trace }),
    })
    const desk = config.configuration?.accept === true ? configuration?.() : null
    const everyMs = config.configuration?.every
    const offers = desk
      ? new Offers({
          clock: systemClock,
          log,
          line,
          desk,
          gateway,
          uplink: id,
          stateDir,
          epoch: epoch ?? 0,
          ...(everyMs === undefined ? {} : { everyMs }),
        })
      : null
    offers?.start()
    return { line, sender, offers, told }
  }

  /** Tells central who this is and what sensors it has. */
  async #register(line: HttpLine, model: Model, signal?: AbortSignal): Promise<void> {
    const { gateway, factory } = this.#setup
    const { epoch = 0, version = '' } = this.#context
    const dictionary = create(DictionarySchema, {
      sensors: wireDictionaries({ ...model, retired: [] }).flatMap(({ sensors }) => sensors),
    })
    const hello = create(HelloSchema, { gateway, factory, epoch, version, dictionary, statuses: wireStatuses() })
    const body = Buffer.from(toJsonString(HelloSchema, hello))
    const path = `/api/v1/gateways/${encodeURIComponent(gateway)}`
    const answer = await line.send(
      { method: 'PUT', path, headers: { 'Content-Type': 'application/json' }, body },
      signal,
    )
    if (answer.status < 300 && answer.status >= 200) return
    if (NO_REGISTER.has(answer.status)) {
      this.#context.log.debug(
        { uplink: this.#setup.id, status: answer.status },
        'The server keeps no register of gateways',
      )
      return
    }
    const waitMs = answer.status === 429 || answer.status === 503 ? retryAfterMs(answer, systemClock.now()) : null
    if (waitMs === null) throw statusError(answer, line.name)
    this.#notBefore = systemClock.now() + waitMs
    throw new AskedToWait(answer, line.name, waitMs)
  }

  async #waitUntilWanted(signal: AbortSignal): Promise<void> {
    const waitMs = this.#notBefore - systemClock.now()
    if (waitMs <= 0) return
    if (waitMs > PATIENCE_MS) {
      const message = `${this.#url.host} asked to be left alone for another ${Math.ceil(waitMs / 1000)} s`
      throw new TelemetryError('RATE_LIMITED', message, { retryable: true })
    }
    await sleep(systemClock, waitMs, signal)
  }

  async #tls(): Promise<LineTls> {
    const { ca, cert, key, rejectUnauthorized } = this.#setup.config.tls ?? {}
    const file = (path: string | undefined) => pem(path, this.#context.configDir ?? process.cwd())
    return {
      ca: await file(ca),
      cert: await file(cert),
      key: await file(key),
      rejectUnauthorized: rejectUnauthorized ?? true,
    }
  }

  #lost(line: HttpLine, cause: TelemetryError): void {
    if (this.#session?.line !== line) return
    this.#drop(cause)
    this.#context.lost(cause)
  }

  #drop(cause: TelemetryError): void {
    const session = this.#session
    this.#session = null
    session?.offers?.end()
    session?.sender.end(cause)
    session?.line.end()
  }
}
