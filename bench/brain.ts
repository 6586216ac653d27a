// The brain with 1,000 rules: Evaluate calls one by one and in batches, records through Sync until acknowledged, the rules alone
// on one core, and WatchAnomalies; beside grpc-js with an empty handler in the same run. Client and server share this process.

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { create } from '@bufbuild/protobuf'
import { startBrain } from '#brain/brain.ts'
import { RuleEngine } from '#brain/rules/rule-engine.ts'
import { compileRule } from '#brain/rules/rule-check.ts'
import { brainServices } from '#brain/services.ts'
import { defaultBrainConfig } from '#config/brain-load.ts'
import { systemClock } from '#kit/clock.ts'
import { LatencyHistogram } from '#kit/latency.ts'
import { silentLogger } from '#kit/logger.ts'
import { Registry } from '#kit/metrics.ts'
import { decodeBatch } from '#rpc/batch-decoder.ts'
import { RpcClient, rpcAddress } from '#rpc/client.ts'
import { KnownSensors } from '#rpc/dictionary.ts'
import { AnalyticsService, type WatchAnomaliesResponse } from '#rpc/generated/telemetryx/v1/analytics_pb.js'
import {
  BatchSchema,
  DictionarySchema,
  SyncRequestSchema,
  type SyncResponse,
} from '#rpc/generated/telemetryx/v1/ingest_pb.js'
import {
  CreateRuleRequestSchema,
  EvaluateRequestSchema,
  EvaluateResponseSchema,
  RuleSchema,
  RulesService,
  Window_Function,
  type EvaluateRequest,
  type EvaluateResponse,
  type Rule,
} from '#rpc/generated/telemetryx/v1/rules_pb.js'
import { syncMethod } from '#rpc/ingest-service.ts'
import { RpcServer } from '#rpc/server.ts'
import { serviceDefinition } from '#rpc/service-definition.ts'
import { toBinary } from '@bufbuild/protobuf'
import type { sendUnaryData, ServerUnaryCall } from '@grpc/grpc-js'

const DEVICES = 100
const SENSORS = 1000
const RULES = 1000
const BATCH = 500
const IN_FLIGHT = 16
const START_MS = 1_795_000_000_000

const rules = serviceDefinition(RulesService)
const watch = serviceDefinition(AnalyticsService).watchAnomalies

export async function run({ seconds }: { readonly seconds: number }): Promise<Record<string, number>> {
  const empty = await measureEmpty(seconds)
  const alone = measureRulesAlone(seconds)
  const folder = mkdtempSync(join(tmpdir(), 'telemetryx-bench-'))
  const config = {
    ...defaultBrainConfig(folder),
    listen: { host: '127.0.0.1', port: 0 },
    http: { host: '127.0.0.1', port: 0 },
    data: folder,
  }
  const brain = await startBrain({
    config,
    clock: systemClock,
    log: silentLogger,
    random: Math.random,
    version: 'bench',
    services: brainServices(config),
  })
  try {
    const client = clientOf(brain.ports.grpc)
    for (const rule of benchRules())
      await client.call(rules.createRule, create(CreateRuleRequestSchema, { rule }), 10_000)
    const one = await measureCalls(client, seconds, 1)
    const batch = await measureCalls(client, seconds, 1000)
    const sync = await measureSync(client, seconds)
    const watched = await measureWatch(client, seconds)
    client.close()
    return {
      ...empty,
      evaluateCallsPerSecond: one.perSecond,
      evaluateP50Ms: one.p50,
      evaluateP99Ms: one.p99,
      evaluateRatioToEmpty: one.perSecond / empty.emptyCallsPerSecond!,
      evaluateBatchEventsPerSecond: batch.perSecond * 1000,
      evaluateBatchP99Ms: batch.p99,
      syncEventsPerSecond: sync.perSecond,
      syncAcknowledgedP99Ms: sync.p99,
      watchReadingsPerSecond: watched,
      ...alone,
      rssMiB: process.memoryUsage.rss() / 1024 / 1024,
    }
  } finally {
    await brain.stop({ deadlineMs: 5000 })
    rmSync(folder, { recursive: true, force: true })
  }
}

/** grpc-js, our messages, and nothing done with them. */
async function measureEmpty(seconds: number): Promise<Record<string, number>> {
  const server = new RpcServer({ tls: null })
  const answer = create(EvaluateResponseSchema)
  server.grpc.addService(
    { evaluate: rules.evaluate },
    {
      evaluate: (_call: ServerUnaryCall<EvaluateRequest, EvaluateResponse>, done: sendUnaryData<EvaluateResponse>) =>
        done(null, answer),
    },
  )
  const client = clientOf(await server.listen('127.0.0.1', 0))
  const one = await measureCalls(client, seconds, 1)
  const batch = await measureCalls(client, seconds, 1000)
  client.close()
  await server.stop(AbortSignal.abort())
  return {
    emptyCallsPerSecond: one.perSecond,
    emptyP50Ms: one.p50,
    emptyP99Ms: one.p99,
    emptyBatchEventsPerSecond: batch.perSecond * 1000,
  }
}

async function measureCalls(client: RpcClient, seconds: number, records: number) {
  const request = evaluateRequest(records)
  const latency = new LatencyHistogram()
  let calls = 0
  const measure = async (until: number, isCounted: boolean): Promise<void> => {
    while (performance.now() < until) {
      const began = performance.now()
      await client.call(rules.evaluate, request, 30_000)
      if (!isCounted) continue
      latency.record(performance.now() - began)
      calls += 1
    }
  }
  const inFlight = records === 1 ? IN_FLIGHT : 2
  const all = (until: number, isCounted: boolean) =>
    Promise.all(Array.from({ length: inFlight }, () => measure(until, isCounted)))
  await all(performance.now() + 500, false)
  const began = performance.now()
  await all(began + seconds * 1000, true)
  const perSecond = (calls * 1000) / (performance.now() - began)
  return { perSecond, p50: latency.quantile(0.5), p99: latency.quantile(0.99) }
}

/** Batches of a gateway until they are acknowledged, eight under way. */
async function measureSync(client: RpcClient, seconds: number): Promise<{ perSecond: number; p99: number }> {
  const stream = client.openStream(syncMethod)
  const latency = new LatencyHistogram()
  const sentAt = new Map<number, number>()
  let acknowledged = 0
  let proceed: () => void = () => {}
  stream.on('data', ({ message }: SyncResponse) => {
    if (message.case === 'acknowledgement') {
      const seq = Number(message.value.position?.seq)
      latency.record(performance.now() - sentAt.get(seq)!)
      sentAt.delete(seq)
      acknowledged += BATCH
    }
    proceed()
  })
  const moved = (): Promise<void> => new Promise((resolve) => (proceed = resolve))
  const hello = { gateway: 'bench', factory: 'plant', epoch: 1, version: 'bench', dictionary: dictionary() }
  stream.write(create(SyncRequestSchema, { message: { case: 'hello', value: hello } }))
  await moved()
  const began = performance.now()
  for (let seq = 1; performance.now() - began < seconds * 1000; seq += BATCH) {
    while (sentAt.size >= 8) await moved()
    sentAt.set(seq + BATCH - 1, performance.now())
    stream.write(create(SyncRequestSchema, { message: { case: 'batch', value: batchOf(seq) } }))
  }
  while (sentAt.size > 0) await moved()
  const perSecond = (acknowledged * 1000) / (performance.now() - began)
  stream.end()
  return { perSecond, p99: latency.quantile(0.99) }
}

/** Readings of 100 sensors through z-score detectors of one stream. */
async function measureWatch(client: RpcClient, seconds: number): Promise<number> {
  const stream = client.openStream(watch)
  let scored = 0
  stream.on('data', ({ message }: WatchAnomaliesResponse) => {
    if (message.case === 'progress') scored = Number(message.value.scored) + Number(message.value.ignored)
  })
  const ended = new Promise<void>((resolve, reject) => stream.on('end', resolve).on('error', reject))
  const detector = { method: { case: 'zscore' as const, value: { window: 300, sigma: 6 } } }
  const write = (message: unknown): boolean =>
    stream.write(create(AnalyticsService.method.watchAnomalies.input, { message } as never))
  write({ case: 'configuration', value: { detector, sensors: [] } })
  const began = performance.now()
  for (let at = 0; performance.now() - began < seconds * 1000; at += BATCH) {
    const readings = Array.from({ length: BATCH }, (_, index) => ({
      sensor: sensorId(index % 100),
      gateway: 'bench',
      timeMs: BigInt(START_MS + at + index),
      value: { kind: { case: 'number', value: noise(at + index) } },
    }))
    if (!write({ case: 'readings', value: { readings } })) await new Promise((resolve) => stream.once('drain', resolve))
  }
  stream.end()
  await ended
  return (scored * 1000) / (performance.now() - began)
}

/** Decoded batches through 1,000 rules, without gRPC and without a database: what one core can do. */
function measureRulesAlone(seconds: number): Record<string, number> {
  const engine = new RuleEngine({ registry: new Registry(), maxWindowKeys: 10_000, maxWindowValues: 4_000_000 })
  const check = {
    logic: engine.logic,
    memory: engine.memory,
    actions: { hasMail: false, hasMqtt: false },
    onFailure: () => {},
  }
  for (const wire of benchRules()) {
    wire.tenant = 'default'
    const compiled = compileRule(wire, null, 'rule', check)
    if (!compiled.ok) throw new Error(JSON.stringify(compiled.violations))
    engine.book.of('default').put(compiled.rule)
  }
  const sensors = new KnownSensors()
  sensors.learn(create(DictionarySchema, dictionary()))
  const bytes = toBinary(BatchSchema, create(BatchSchema, batchOf(1)))
  const batch = decodeBatch(bytes, sensors.typeOf)
  const rows = Array.from({ length: BATCH }, (_, row) => row)
  let events = 0
  const began = performance.now()
  for (; performance.now() - began < seconds * 1000; events += BATCH) {
    for (const row of rows) batch.receivedAt[row] = START_MS + events + row
    engine.judgeBatch({ tenant: 'default', gateway: 'bench', batch, rows, sensors }, () => {})
  }
  const elapsed = performance.now() - began
  return {
    rules: RULES,
    rulesAloneEventsPerSecond: (events * 1000) / elapsed,
    rulesAloneEvaluationsPerEvent: engine.judge.evaluated / events,
    rulesAloneNanosecondsPerEvaluation: (elapsed * 1e6) / engine.judge.evaluated,
  }
}

/** Of ten rules: eight on one sensor, one with a window of a minute, one on all sensors of ten devices. */
function benchRules(): Rule[] {
  return Array.from({ length: RULES }, (_, index) => {
    const isWindow = index % 10 === 8
    const isWide = index % 10 === 9
    const compared = { '>': [{ var: isWindow ? 'windows.mean' : 'value' }, 99.9] }
    return create(RuleSchema, {
      id: `rule-${index}`,
      enabled: true,
      severity: 2,
      condition: JSON.stringify({ and: [compared, { '==': [{ var: 'quality' }, 'good'] }] }),
      sensors: [isWide ? `device-${Math.floor(index / 10) % 10}?.*` : sensorId(index)],
      cooldown: { seconds: 60n },
      windows: isWindow
        ? [{ name: 'mean', function: Window_Function.AVG, extent: { case: 'time', value: { seconds: 60n } } }]
        : [],
    })
  })
}

function sensorId(index: number): string {
  return `device-${index % DEVICES}.sensor-${Math.floor(index / DEVICES)}`
}

function dictionary() {
  return {
    sensors: Array.from({ length: SENSORS }, (_, number) => ({
      number,
      id: sensorId(number),
      valueType: 1,
      unit: 'degC',
    })),
  }
}

function batchOf(firstSeq: number) {
  const block = {
    firstSeq: BigInt(firstSeq),
    sensors: Array.from({ length: BATCH }, (_, row) => (firstSeq + row) % SENSORS),
    receivedAtMs: BigInt(START_MS + firstSeq),
    receivedDeltas: Array.from({ length: BATCH }, (_, row) => (row === 0 ? 0 : 1)),
    numbers: Array.from({ length: BATCH }, (_, row) => noise(firstSeq + row)),
  }
  return { epoch: 1, firstSeq: BigInt(firstSeq), lastSeq: BigInt(firstSeq + BATCH - 1), blocks: [block] }
}

function evaluateRequest(records: number): EvaluateRequest {
  return create(EvaluateRequestSchema, {
    records: Array.from({ length: records }, (_, index) => ({
      kind: {
        case: 'reading' as const,
        value: {
          sensor: sensorId(index % SENSORS),
          gateway: 'bench',
          timeMs: BigInt(START_MS + index),
          value: { kind: { case: 'number' as const, value: noise(index) } },
        },
      },
    })),
  })
}

function noise(index: number): number {
  return (index * 7919) % 99
}

function clientOf(port: number): RpcClient {
  const address = rpcAddress(`127.0.0.1:${port}`, false)
  return new RpcClient({ address, tls: null, token: null, keepaliveMs: 0, keepaliveTimeoutMs: 0 })
}
