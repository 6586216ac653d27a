// A brain with analytics on a free port, and clients of it: over gRPC, as everybody else.

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { create, type DescMessage, type MessageInitShape } from '@bufbuild/protobuf'
import { timestampFromMs } from '@bufbuild/protobuf/wkt'
import { Client, credentials, Metadata, type ClientDuplexStream, type ServiceError, status } from '@grpc/grpc-js'
import { startBrain, type Brain } from '#brain/brain.ts'
import { AnalyticsService, type AnalyticsOptions } from '#brain/analytics/analytics-service.ts'
import { defaultBrainConfig } from '#config/brain-load.ts'
import type { BrainConfig } from '#config/brain-config.ts'
import { systemClock } from '#kit/clock.ts'
import { silentLogger } from '#kit/logger.ts'
import {
  AnalyticsService as Analytics,
  ReadingsSchema,
  WatchAnomaliesRequestSchema,
  WatchConfigurationSchema,
} from '#rpc/generated/telemetryx/v1/analytics_pb.js'
import type { WatchAnomaliesRequest, WatchAnomaliesResponse } from '#rpc/generated/telemetryx/v1/analytics_pb.js'
import { ValueType } from '#rpc/generated/telemetryx/v1/events_pb.js'
import { IngestRequestSchema, IngestService } from '#rpc/generated/telemetryx/v1/ingest_pb.js'
import { serviceDefinition } from '#rpc/service-definition.ts'
import { hasPostgres, startPostgres } from '../../sim/postgres.ts'

const analytics = serviceDefinition(Analytics)
const ingest = serviceDefinition(IngestService)

export const TOKENS = [
  { name: 'a-engineer', token: 'token-of-a-engineer', tenant: 'a', role: 'admin', gateways: [] },
  { name: 'a-viewer', token: 'token-of-a-viewer-1', tenant: 'a', role: 'viewer', gateways: [] },
  { name: 'b-engineer', token: 'token-of-b-engineer', tenant: 'b', role: 'admin', gateways: [] },
] as const

export interface Bed {
  readonly brain: Brain
  readonly port: number
  /** Of `a-engineer` unless another is named. */
  client(token?: (typeof TOKENS)[number]['name']): AnalyticsClient
  stop(): Promise<void>
  /** Stops and starts it again on the same data. */
  restart(): Promise<Bed>
}

export interface BedOptions {
  /** `embedded`: PGlite. Default: a PostgreSQL of its own where there is one, which starts in a fraction of the time. */
  readonly databaseUrl?: string
  readonly redisUrl?: string
  readonly folder?: string
  readonly analytics?: AnalyticsOptions
  readonly limits?: Partial<BrainConfig['limits']>
}

export async function startBed(options: BedOptions = {}): Promise<Bed> {
  const own = options.databaseUrl === undefined && hasPostgres ? await startPostgres() : null
  const databaseUrl = own?.url ?? (options.databaseUrl === 'embedded' ? null : (options.databaseUrl ?? null))
  const folder = options.folder ?? mkdtempSync(join(tmpdir(), 'telemetryx-analytics-'))
  const byDefault = defaultBrainConfig(folder)
  const config: BrainConfig = {
    ...byDefault,
    listen: { host: '127.0.0.1', port: 0 },
    http: { host: '127.0.0.1', port: 0 },
    data: join(folder, 'data'),
    tokens: TOKENS,
    databaseUrl,
    redisUrl: options.redisUrl ?? null,
    limits: { ...byDefault.limits, ...options.limits },
  }
  const brain = await startBrain({
    config,
    clock: systemClock,
    log: silentLogger,
    random: Math.random,
    version: '0.0.0-test',
    services: [new AnalyticsService(options.analytics)],
  })
  const clients: AnalyticsClient[] = []
  const end = async (): Promise<void> => {
    for (const client of clients) client.close()
    await brain.stop({ deadlineMs: 10_000 })
  }
  return {
    brain,
    port: brain.ports.grpc,
    client: (name = 'a-engineer') => {
      const { token } = TOKENS.find((one) => one.name === name)!
      const client = new AnalyticsClient(brain.ports.grpc, token)
      clients.push(client)
      return client
    },
    stop: async () => {
      await end()
      await own?.stop()
      rmSync(folder, { recursive: true, force: true })
    },
    restart: async () => {
      await end()
      return startBed({ ...options, folder })
    },
  }
}

type Method = (typeof analytics)[keyof typeof analytics]

export class AnalyticsClient {
  readonly #client: Client
  readonly #metadata = new Metadata()
  #seq = 0

  constructor(port: number, token: string | null) {
    this.#client = new Client(`127.0.0.1:${port}`, credentials.createInsecure(), {
      'grpc.max_receive_message_length': -1,
      'grpc.use_local_subchannel_pool': 1,
    })
    if (token !== null) this.#metadata.set('authorization', `Bearer ${token}`)
  }

  call<K extends keyof typeof Analytics.method>(
    name: K,
    request: MessageInitShape<(typeof Analytics.method)[K]['input']>,
    deadlineMs = 60_000,
  ): Promise<NonNullable<unknown> & Awaited<ReturnType<Parser<K>>>> {
    const method = analytics[name] as Method
    const message = create(Analytics.method[name].input as DescMessage, request as never)
    return new Promise((resolve, reject) => {
      this.#client.makeUnaryRequest(
        method.path,
        method.requestSerialize as (value: unknown) => Buffer,
        method.responseDeserialize as (bytes: Buffer) => never,
        message,
        this.#metadata,
        { deadline: Date.now() + deadlineMs },
        (error: ServiceError | null, response?: never) => (error ? reject(error) : resolve(response!)),
      )
    })
  }

  /** All that a server stream says. */
  async collect<K extends 'analyze' | 'exportReadings'>(
    name: K,
    request: MessageInitShape<(typeof Analytics.method)[K]['input']>,
  ): Promise<Awaited<ReturnType<Parser<K>>>[]> {
    const method = analytics[name] as Method
    const stream = this.#client.makeServerStreamRequest(
      method.path,
      method.requestSerialize as (value: unknown) => Buffer,
      method.responseDeserialize as (bytes: Buffer) => unknown,
      create(Analytics.method[name].input as DescMessage, request as never),
      this.#metadata,
    )
    const all: unknown[] = []
    for await (const message of stream) all.push(message)
    return all as Awaited<ReturnType<Parser<K>>>[]
  }

  watch(): Watch {
    const { path, requestSerialize, responseDeserialize } = analytics.watchAnomalies
    return new Watch(this.#client.makeBidiStreamRequest(path, requestSerialize, responseDeserialize, this.#metadata))
  }

  /** Hands readings in as a gateway: by sensor, its times and values. */
  async handIn(
    gateway: string,
    sensors: Readonly<Record<string, { times: Iterable<number>; values: Iterable<number> }>>,
  ): Promise<void> {
    const names = Object.keys(sensors)
    const rows = names.flatMap((name, number) => {
      const times = [...sensors[name]!.times]
      return [...sensors[name]!.values].map((value, at) => ({ number: number + 1, time: times[at]!, value }))
    })
    for (let start = 0; start < rows.length; start += 5000)
      await this.#send(gateway, names, rows.slice(start, start + 5000))
  }

  async #send(
    gateway: string,
    names: string[],
    rows: { number: number; time: number; value: number }[],
  ): Promise<void> {
    const firstSeq = BigInt(this.#seq + 1)
    this.#seq += rows.length
    const first = rows[0]!.time
    const request = create(IngestRequestSchema, {
      gateway,
      dictionary: {
        sensors: names.map((id, at) => ({
          number: at + 1,
          id,
          valueType: ValueType.NUMBER,
          machine: 'm',
          factory: 'f',
        })),
      },
      batch: {
        epoch: 1,
        lastSeq: BigInt(this.#seq),
        blocks: [
          {
            firstSeq,
            sensors: rows.map(({ number }) => number),
            receivedAtMs: BigInt(first),
            receivedDeltas: rows.map(({ time }, at) => (at === 0 ? 0 : time - rows[at - 1]!.time)),
            numbers: rows.map(({ value }) => value),
          },
        ],
      },
    })
    await new Promise<void>((resolve, reject) => {
      const { path, requestSerialize, responseDeserialize } = ingest.ingest
      this.#client.makeUnaryRequest(path, requestSerialize, responseDeserialize, request, this.#metadata, (error) =>
        error ? reject(error) : resolve(),
      )
    })
  }

  close(): void {
    this.#client.close()
  }
}

/** A stream of WatchAnomalies, and all that it has said. */
export class Watch {
  readonly stream: ClientDuplexStream<WatchAnomaliesRequest, WatchAnomaliesResponse>
  readonly heard: WatchAnomaliesResponse['message'][] = []
  /** null at its end, else the error. */
  readonly ended: Promise<ServiceError | null>

  constructor(stream: ClientDuplexStream<WatchAnomaliesRequest, WatchAnomaliesResponse>) {
    this.stream = stream
    this.ended = new Promise((resolve) => {
      stream.on('end', () => resolve(null))
      stream.on('error', (error: ServiceError) => resolve(error))
    })
  }

  listen(): this {
    this.stream.on('data', ({ message }: WatchAnomaliesResponse) => this.heard.push(message))
    return this
  }

  configure(configuration: MessageInitShape<typeof WatchConfigurationSchema>): this {
    const value = create(WatchConfigurationSchema, configuration)
    this.stream.write(create(WatchAnomaliesRequestSchema, { message: { case: 'configuration', value } }))
    return this
  }

  send(readings: MessageInitShape<typeof ReadingsSchema>['readings']): this {
    const value = create(ReadingsSchema, { readings: readings! })
    this.stream.write(create(WatchAnomaliesRequestSchema, { message: { case: 'readings', value } }))
    return this
  }

  of<C extends 'anomaly' | 'scores' | 'progress'>(
    name: C,
  ): Extract<WatchAnomaliesResponse['message'], { case: C }>['value'][] {
    return this.heard.flatMap((message) => (message.case === name ? [message.value] : [])) as never
  }
}

type Parser<K extends keyof typeof Analytics.method> = (typeof analytics)[K]['responseDeserialize']

/** The status and words of a call that must fail; `details` are the bytes of google.rpc.Status. */
export async function refusalOf(call: Promise<unknown>): Promise<{ code: string; message: string; details: string }> {
  try {
    await call
  } catch (error) {
    const { code, details, metadata } = error as ServiceError
    const bytes = metadata?.get('grpc-status-details-bin')[0]
    return { code: status[code], message: details, details: bytes instanceof Buffer ? bytes.toString('latin1') : '' }
  }
  throw new Error('The call was not refused')
}

export const at = timestampFromMs
export const seconds = (count: number) => ({ seconds: BigInt(count), nanos: 0 })

/** A Series of the wire. */
export function wireSeries(sensor: string, times: ArrayLike<number>, values: ArrayLike<number>) {
  return {
    sensor,
    firstTimeMs: BigInt(times[0] ?? 0),
    timeDeltas: Array.from(times, (time, index) => (index === 0 ? 0 : time - times[index - 1]!)),
    values: Array.from(values),
  }
}
