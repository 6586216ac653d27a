// A brain in this process, on free ports, and clients of it.

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { create, type DescMessage, type MessageInitShape } from '@bufbuild/protobuf'
import { BinaryReader } from '@bufbuild/protobuf/wire'
import type { ClientDuplexStream, ServiceError } from '@grpc/grpc-js'
import { vi } from 'vitest'
import { startBrain, type Brain } from '#brain/brain.ts'
import type { BrainService } from '#brain/service.ts'
import type { BrainConfig } from '#config/brain-config.ts'
import { defaultBrainConfig } from '#config/brain-load.ts'
import { systemClock } from '#kit/clock.ts'
import { silentLogger } from '#kit/logger.ts'
import { RpcClient, rpcAddress } from '#rpc/client.ts'
import { SyncRequestSchema, type SyncResponse } from '#rpc/generated/telemetryx/v1/ingest_pb.js'
import { RulesService, type RuleSchema } from '#rpc/generated/telemetryx/v1/rules_pb.js'
import { syncMethod, type OutgoingSync } from '#rpc/ingest-service.ts'
import { serviceDefinition } from '#rpc/service-definition.ts'

/** The embedded database compiles 20 MB of WebAssembly at each start: on a busy machine that takes a while. */
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 })

/** Of a call. */
const CALL_MS = 60_000

export const TOKENS = {
  gateway: 'gateway-token-of-plant-a',
  viewer: 'viewer-token-of-plant-a',
  engineer: 'engineer-token-of-plant-a',
  other: 'admin-token-of-plant-b',
  bound: 'token-of-edge-01-alone',
} as const

/** Tokens of two tenants. */
export const TWO_TENANTS: BrainConfig['tokens'] = [
  { name: 'gateway', token: TOKENS.gateway, tenant: 'plant-a', role: 'gateway', gateways: [] },
  { name: 'bound', token: TOKENS.bound, tenant: 'plant-a', role: 'gateway', gateways: ['edge-01'] },
  { name: 'viewer', token: TOKENS.viewer, tenant: 'plant-a', role: 'viewer', gateways: [] },
  { name: 'engineer', token: TOKENS.engineer, tenant: 'plant-a', role: 'engineer', gateways: [] },
  { name: 'other', token: TOKENS.other, tenant: 'plant-b', role: 'admin', gateways: [] },
]

export class BrainBed {
  readonly folder = mkdtempSync(join(tmpdir(), 'telemetryx-brain-'))
  readonly config: BrainConfig
  brain!: Brain
  readonly #clients: RpcClient[] = []
  readonly #services: () => readonly BrainService[]

  /** @param services beside rules and ingest, made anew at each start. */
  constructor(config: Partial<BrainConfig> = {}, services: () => readonly BrainService[] = () => []) {
    this.#services = services
    this.config = {
      ...defaultBrainConfig(this.folder),
      listen: { host: '127.0.0.1', port: 0 },
      http: { host: '127.0.0.1', port: 0 },
      data: this.folder,
      tokens: TWO_TENANTS,
      actions: { attempts: 5, firstRetryMs: 20, maxRetryMs: 50 },
      ...config,
    }
  }

  async start(): Promise<this> {
    const { config } = this
    this.brain = await startBrain({
      config,
      clock: systemClock,
      log: silentLogger,
      random: Math.random,
      version: 'test',
      services: this.#services(),
    })
    return this
  }

  async stop(): Promise<void> {
    for (const client of this.#clients.splice(0)) client.close()
    await this.brain.stop({ deadlineMs: 5000 })
  }

  /** A new brain on the same folder. */
  async restart(): Promise<void> {
    await this.stop()
    await this.start()
  }

  async close(): Promise<void> {
    await this.stop()
    rmSync(this.folder, { recursive: true, force: true })
  }

  client(token: string | null): RpcClient {
    const address = rpcAddress(`127.0.0.1:${this.brain.ports.grpc}`, false)
    const client = new RpcClient({ address, tls: null, token, keepaliveMs: 0, keepaliveTimeoutMs: 0 })
    this.#clients.push(client)
    return client
  }

  rules(token: string | null = TOKENS.engineer): RulesClient {
    return new RulesClient(this.client(token))
  }

  line(token: string | null = TOKENS.gateway): TestLine {
    return new TestLine(this.client(token).openStream(syncMethod))
  }

  url(path: string): string {
    return `http://127.0.0.1:${this.brain.ports.http}${path}`
  }

  async metric(name: string): Promise<number> {
    const text = await this.brain.registry.metrics()
    const line = text.split('\n').find((one) => one.startsWith(`${name} `) || one.startsWith(`${name}{`))
    return line === undefined ? Number.NaN : Number(line.slice(line.lastIndexOf(' ') + 1))
  }
}

const rules = serviceDefinition(RulesService)
type Methods = typeof RulesService.method
type Init<M extends keyof Methods> = Methods[M] extends { input: infer I extends DescMessage }
  ? MessageInitShape<I>
  : never

/** Calls by plain objects. */
export class RulesClient {
  readonly #client: RpcClient

  constructor(client: RpcClient) {
    this.#client = client
  }

  create(rule: MessageInitShape<typeof RuleSchema>) {
    return this.#client.call(rules.createRule, message('createRule', { rule }), CALL_MS)
  }

  get(id: string) {
    return this.#client.call(rules.getRule, message('getRule', { id }), CALL_MS)
  }

  list(request: Init<'listRules'> = {}) {
    return this.#client.call(rules.listRules, message('listRules', request), CALL_MS)
  }

  update(request: Init<'updateRule'>) {
    return this.#client.call(rules.updateRule, message('updateRule', request), CALL_MS)
  }

  delete(id: string) {
    return this.#client.call(rules.deleteRule, message('deleteRule', { id }), CALL_MS)
  }

  evaluate(request: Init<'evaluate'>) {
    return this.#client.call(rules.evaluate, message('evaluate', request), CALL_MS)
  }
}

function message<M extends keyof Methods>(method: M, init: Init<M>): never {
  return create(RulesService.method[method].input as DescMessage, init as Record<string, unknown>) as never // the types are those of Init
}

/** A gateway's stream by hand. */
export class TestLine {
  readonly received: SyncResponse['message'][] = []
  error: ServiceError | null = null
  readonly #stream: ClientDuplexStream<OutgoingSync, SyncResponse>

  constructor(stream: ClientDuplexStream<OutgoingSync, SyncResponse>) {
    this.#stream = stream
    stream.on('data', (response: SyncResponse) => this.received.push(response.message))
    stream.on('error', (error) => (this.error = error as ServiceError)) // grpc-js gives nothing else
  }

  send(init: MessageInitShape<typeof SyncRequestSchema>['message']): void {
    this.#stream.write(create(SyncRequestSchema, init === undefined ? {} : { message: init }))
  }

  /** Sensor 0: press-1.oil-temperature; 1: press-1.running; 2: press-2.oil-temperature. */
  hello(gateway = 'edge-01'): void {
    const sensors = [
      { number: 0, id: 'press-1.oil-temperature', valueType: 1, unit: 'degC', machine: 'press-1' },
      { number: 1, id: 'press-1.running', valueType: 2, machine: 'press-1' },
      { number: 2, id: 'press-2.oil-temperature', valueType: 1, unit: 'degC', machine: 'press-2' },
    ]
    this.send({
      case: 'hello',
      value: { gateway, factory: 'plant-a', epoch: 1, version: 'test', dictionary: { sensors } },
    })
  }

  /** Readings of one sensor, a second apart; the first has position `firstSeq`. */
  readings(firstSeq: number, values: readonly number[], sensor = 0, receivedAtMs = 1_795_000_000_000): void {
    const block = {
      firstSeq: BigInt(firstSeq),
      sensors: values.map(() => sensor),
      receivedAtMs: BigInt(receivedAtMs),
      receivedDeltas: values.map((_, index) => (index === 0 ? 0 : 1000)),
      ...(sensor === 1 ? { booleans: values.map(Boolean) } : { numbers: [...values] }),
    }
    const lastSeq = BigInt(firstSeq + values.length - 1)
    this.send({ case: 'batch', value: { epoch: 1, lastSeq, firstSeq: BigInt(firstSeq), blocks: [block] } })
  }

  /** Positions that were acknowledged. */
  get acknowledged(): number[] {
    return this.received.flatMap((one) => (one.case === 'acknowledgement' ? [Number(one.value.position?.seq)] : []))
  }

  get alerts() {
    return this.received.flatMap((one) => (one.case === 'alert' ? [one.value] : []))
  }

  get ruleChanges() {
    return this.received.flatMap((one) => (one.case === 'ruleChange' ? [one.value] : []))
  }

  end(): void {
    this.#stream.end()
  }
}

export interface Details {
  readonly violations: readonly { readonly field: string; readonly description: string }[]
  readonly retryMs: number | null
  /** Of google.rpc.ErrorInfo. */
  readonly reason: string | null
}

/** Reads google.rpc.Status by itself, so that a mistake of the writer is seen. */
export function detailsOf(error: unknown): Details {
  const [bytes] = (error as ServiceError).metadata.get('grpc-status-details-bin')
  const violations: { field: string; description: string }[] = []
  let retryMs: number | null = null
  let reason: string | null = null
  if (!Buffer.isBuffer(bytes)) return { violations, retryMs, reason }
  for (const any of fields(bytes)[3] ?? []) {
    const { 1: type, 2: value } = fields(any as Uint8Array)
    const inside = fields((value?.[0] ?? new Uint8Array()) as Uint8Array)
    if (text(type?.[0]) === 'type.googleapis.com/google.rpc.BadRequest')
      for (const violation of inside[1] ?? []) {
        const { 1: field, 2: description } = fields(violation as Uint8Array)
        violations.push({ field: text(field?.[0]), description: text(description?.[0]) })
      }
    else if (text(type?.[0]) === 'type.googleapis.com/google.rpc.ErrorInfo') reason = text(inside[1]?.[0])
    else if (text(type?.[0]) === 'type.googleapis.com/google.rpc.RetryInfo') {
      const { 1: seconds, 2: nanos } = fields((inside[1]?.[0] ?? new Uint8Array()) as Uint8Array)
      retryMs = Number(seconds?.[0] ?? 0) * 1000 + Number(nanos?.[0] ?? 0) / 1e6
    }
  }
  return { violations, retryMs, reason }
}

function fields(bytes: Uint8Array): Record<number, (Uint8Array | number)[]> {
  const reader = new BinaryReader(bytes)
  const found: Record<number, (Uint8Array | number)[]> = {}
  while (reader.pos < reader.len) {
    const [field, type] = reader.tag()
    const value = type === 2 ? reader.bytes() : Number(reader.int64())
    ;(found[field] ??= []).push(value)
  }
  return found
}

function text(bytes: Uint8Array | number | undefined): string {
  return bytes instanceof Uint8Array ? Buffer.from(bytes).toString() : ''
}
