// Everything that a caller can get wrong, as bytes on the wire: its code, its details, and a brain that goes on.

import { create, toBinary, type DescMessage, type DescMethod, type DescService } from '@bufbuild/protobuf'
import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire'
import { Client, credentials, Metadata, status, type ServiceError } from '@grpc/grpc-js'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { brainServices } from '#brain/services.ts'
import { seededRandom } from '#kit/random.ts'
import { AnalyticsService } from '#rpc/generated/telemetryx/v1/analytics_pb.js'
import { AlarmSeverity } from '#rpc/generated/telemetryx/v1/events_pb.js'
import { IngestService } from '#rpc/generated/telemetryx/v1/ingest_pb.js'
import { EvaluateRequestSchema, RecordSchema, RulesService } from '#rpc/generated/telemetryx/v1/rules_pb.js'
import { hasPostgres, startPostgres, type PostgresPeer } from '#test/sim/postgres.ts'
import { BrainBed, detailsOf, TOKENS } from './brain-bed.ts'

/** Field 15 with wire type 7: there is no such type. */
const NO_MESSAGE = Buffer.from([0x7f, 0x00])
/** Field 1, length-delimited, 100 bytes long, of which there are two. */
const CUT_OFF = Buffer.from([0x0a, 0x64, 0x01, 0x02])
const RECORD_CUSTOM = RecordSchema.field.custom.number
const EVALUATE_RECORDS = EvaluateRequestSchema.field.records.number

let postgres: PostgresPeer | null = null
let bed: BrainBed
let client: Client
beforeAll(async () => {
  postgres = hasPostgres ? await startPostgres() : null
  bed = new BrainBed({ databaseUrl: postgres?.url ?? null }, () => brainServices(bed.config))
  await bed.start()
  client = new Client(`127.0.0.1:${bed.brain.ports.grpc}`, credentials.createInsecure(), {
    'grpc.max_send_message_length': -1,
  })
})
afterAll(async () => {
  client.close()
  await bed.close()
  await postgres?.stop()
})

const asIs = (bytes: Buffer): Buffer => bytes

interface Answer {
  readonly code: number
  readonly fields: readonly string[]
  readonly reason: string | null
}

/** Sends bytes as they are, by whatever kind of call the method is. `token` null: none. */
function send(path: string, kind: DescMethod['methodKind'], bytes: Buffer, token: string | null = TOKENS.engineer) {
  const metadata = new Metadata()
  if (token !== null) metadata.set('authorization', `Bearer ${token}`)
  const options = { deadline: Date.now() + 60_000 }
  return new Promise<Answer>((resolve) => {
    const end = (error: ServiceError | null): void => {
      const { reason, violations } = error === null ? { reason: null, violations: [] } : detailsOf(error)
      resolve({ code: error?.code ?? status.OK, fields: violations.map(({ field }) => field), reason })
    }
    if (kind === 'unary') client.makeUnaryRequest(path, asIs, asIs, bytes, metadata, options, end)
    else if (kind === 'server_streaming')
      client
        .makeServerStreamRequest(path, asIs, asIs, bytes, metadata, options)
        .on('data', () => {})
        .on('error', end)
        .on('end', () => end(null))
    else {
      const stream = client.makeBidiStreamRequest(path, asIs, asIs, metadata, options)
      stream
        .on('data', () => {})
        .on('error', end)
        .on('end', () => end(null))
      stream.end(bytes)
    }
  })
}

const SERVICES: readonly DescService[] = [RulesService, IngestService, AnalyticsService]
const METHODS = SERVICES.flatMap((service) =>
  service.methods.map((method) => ({ path: `/${service.typeName}/${method.name}`, kind: method.methodKind })),
)
/** Anyone may call these. */
const OPEN = [
  { path: '/grpc.health.v1.Health/Check', kind: 'unary' as const },
  { path: '/grpc.health.v1.Health/Watch', kind: 'server_streaming' as const },
  { path: '/grpc.reflection.v1.ServerReflection/ServerReflectionInfo', kind: 'bidi_streaming' as const },
]

/** The role that may call a method: gateways hand in, engineers do everything else. */
function tokenFor(path: string): string {
  return path.includes('IngestService') ? TOKENS.gateway : TOKENS.engineer
}

/** The bytes of a call of RulesService. */
function bytesOf<D extends DescMessage>(schema: D, init: Record<string, unknown>): Buffer {
  return Buffer.from(toBinary(schema, create(schema, init as never)))
}

const CREATE = '/telemetryx.v1.RulesService/CreateRule'
const EVALUATE = '/telemetryx.v1.RulesService/Evaluate'
const sound = { id: 'r', enabled: true, severity: AlarmSeverity.LOW, condition: 'true' }
const rule = (change: Record<string, unknown>): Buffer =>
  bytesOf(RulesService.method.createRule.input, { rule: { ...sound, ...change } })

describe('Bytes that are no message', () => {
  it.each([...METHODS, ...OPEN])('are INVALID_ARGUMENT with details: $path', async ({ kind, path }) => {
    const answer = await send(path, kind, NO_MESSAGE, tokenFor(path))
    expect(answer).toEqual({ code: status.INVALID_ARGUMENT, fields: ['request'], reason: 'INVALID_ARGUMENT' })
  })

  it('say nothing of themselves to a caller who is not known', async () => {
    for (const { kind, path } of METHODS)
      expect(await send(path, kind, CUT_OFF, null)).toMatchObject({ code: status.UNAUTHENTICATED, fields: [] })
  })

  it('never are INTERNAL, whatever they are, nor end the brain', async () => {
    const random = seededRandom(8)
    const codes = new Set<number>()
    for (let round = 0; round < 40; round++)
      for (const { kind, path } of METHODS) {
        const bytes = Buffer.from(Array.from({ length: Math.floor(random() * 40) }, () => Math.floor(random() * 256)))
        codes.add((await send(path, kind, bytes, tokenFor(path))).code)
      }
    expect([...codes]).not.toContain(status.INTERNAL)
    expect([...codes]).not.toContain(status.UNKNOWN)
    expect(codes).toContain(status.INVALID_ARGUMENT)
    expect((await bed.rules().list()).rules.length).toBeGreaterThanOrEqual(0)
  })

  it('end the stream that brings them, after what it brought before, and no other', async () => {
    const other = bed.line()
    other.hello('other')
    const stream = client.makeBidiStreamRequest('/telemetryx.v1.IngestService/Sync', asIs, asIs, bearer(TOKENS.gateway))
    const answers: Buffer[] = []
    const ended = new Promise<ServiceError>((resolve) => {
      stream.on('data', (bytes: Buffer) => answers.push(bytes)).on('error', (error: ServiceError) => resolve(error))
    })
    stream.write(bytesOf(IngestService.method.sync.input, hello('broken')))
    await expect.poll(() => answers.length, { timeout: 60_000 }).toBe(1) // the welcome
    stream.write(CUT_OFF)
    const error = await ended
    expect(error.code).toBe(status.INVALID_ARGUMENT)
    expect(detailsOf(error).violations).toEqual([
      { field: 'request', description: expect.stringContaining('cannot be read as protobuf') as string },
    ])
    other.readings(1, [1])
    await expect.poll(() => other.acknowledged, { timeout: 60_000 }).toEqual([1])
    other.end()
  })
})

describe('A request that makes no sense', () => {
  const deep = `${'{"!":'.repeat(500)}true${'}'.repeat(500)}`
  it.each<[what: string, change: Record<string, unknown>, field: string]>([
    ['JsonLogic that is no JSON', { condition: '{">": [' }, 'rule.condition'],
    ['JsonLogic that is nested deeply', { condition: deep }, 'rule.condition'],
    ['a regular expression that never ends', { condition: '{"regex":[{"var":"value"},"(a+)+$"]}' }, 'rule.condition'],
    ['an operator that nobody knows', { condition: '{"shell":["ls"]}' }, 'rule.condition'],
    ['an id that is none', { id: '../r' }, 'rule.id'],
  ])('is INVALID_ARGUMENT and names the field: %s', async (_what, change, field) => {
    const answer = await send(CREATE, 'unary', rule(change))
    expect(answer).toEqual({ code: status.INVALID_ARGUMENT, fields: [field], reason: 'INVALID_ARGUMENT' })
  })

  it('is told within the 8 KiB of metadata that clients take, however much is wrong', async () => {
    const sensors = Array.from({ length: 1000 }, () => 'x'.repeat(300))
    const request = bytesOf(AnalyticsService.method.runReport.input, { sensors })
    const answer = await send('/telemetryx.v1.AnalyticsService/RunReport', 'unary', request)
    expect(answer.code).toBe(status.INVALID_ARGUMENT)
    expect(answer.fields[0]).toBe('sensors[0]')
    expect(answer.fields.at(-1)).toBe('') // how many more there are
    expect(answer.fields.join().length).toBeLessThan(2500)
  })

  it.each([
    [20, { code: status.OK, fields: [], reason: null }],
    [1000, { code: status.INVALID_ARGUMENT, fields: ['request'], reason: 'INVALID_ARGUMENT' }],
  ])('is refused when it is nested deeper than any record: %i levels', async (depth, expected) => {
    // {"a": {"a": … true}}: google.protobuf.Struct by hand, from the inside out.
    let inside = new BinaryWriter().tag(4, WireType.Varint).bool(true).finish()
    for (let level = 0; level < depth; level++) inside = structValue(inside)
    const custom = new BinaryWriter().tag(RECORD_CUSTOM, WireType.LengthDelimited).bytes(structOf(inside)).finish()
    const request = new BinaryWriter().tag(EVALUATE_RECORDS, WireType.LengthDelimited).bytes(custom).finish()
    expect(await send(EVALUATE, 'unary', Buffer.from(request))).toEqual(expected)
  })

  it('does not keep the brain busy: patterns of nothing but stars', async () => {
    const bomb = `${'*a'.repeat(127)}*b`
    const sensor = 'a'.repeat(250)
    expect(await send(CREATE, 'unary', rule({ sensors: [bomb] }))).toMatchObject({ code: status.OK })
    const reading = { sensor, gateway: 'g', value: { kind: { case: 'number', value: 1 } } }
    const records = [{ kind: { case: 'reading', value: reading } }]
    const evaluate = bytesOf(EvaluateRequestSchema, { records, dryRun: true })
    expect(await send(EVALUATE, 'unary', evaluate)).toMatchObject({ code: status.OK })
    const single = bytesOf(IngestService.method.ingest.input, {
      gateway: 'stars',
      dictionary: { sensors: [{ number: 0, id: sensor, valueType: 1 }] },
      batch: {
        epoch: 1,
        lastSeq: 1n,
        firstSeq: 1n,
        blocks: [{ firstSeq: 1n, sensors: [0], receivedDeltas: [0], numbers: [1] }],
      },
    })
    expect(await send('/telemetryx.v1.IngestService/Ingest', 'unary', single, TOKENS.gateway)).toMatchObject({
      code: 0,
    })
    const range = { from: { seconds: 0n }, to: { seconds: 4_000_000_000n } }
    const analyze = bytesOf(AnalyticsService.method.analyze.input, {
      ...range,
      sensors: Array.from({ length: 100 }, () => bomb),
      analyses: [{ kind: { case: 'aggregate', value: {} } }],
    })
    const answer = await send('/telemetryx.v1.AnalyticsService/Analyze', 'server_streaming', analyze)
    expect(answer).toMatchObject({ code: status.NOT_FOUND })
    await bed.rules().delete('r')
  })
})

describe('A message that is too large', () => {
  it.each([
    ['unary', CREATE, TOKENS.engineer],
    ['bidi_streaming', '/telemetryx.v1.IngestService/Sync', TOKENS.gateway],
    ['bidi_streaming', '/telemetryx.v1.AnalyticsService/WatchAnomalies', TOKENS.engineer],
  ] as const)('is RESOURCE_EXHAUSTED with details: %s %s', async (kind, path, token) => {
    const answer = await send(path, kind, Buffer.alloc(5 * 1024 * 1024), token)
    expect(answer).toEqual({ code: status.RESOURCE_EXHAUSTED, fields: [], reason: 'RESOURCE_EXHAUSTED' })
  })
})

describe('A caller', () => {
  it('without a token, and with one that nobody knows, is UNAUTHENTICATED, and can tell which', async () => {
    for (const { kind, path } of METHODS) {
      const without = await send(path, kind, Buffer.alloc(0), null)
      expect(without).toEqual({ code: status.UNAUTHENTICATED, fields: [], reason: 'TOKEN_MISSING' })
      const wrong = await send(path, kind, Buffer.alloc(0), 'no-such-token-at-all')
      expect(wrong).toEqual({ code: status.UNAUTHENTICATED, fields: [], reason: 'TOKEN_UNKNOWN' })
    }
  })

  it('whose role is not enough is PERMISSION_DENIED, by every method that changes something', async () => {
    const changing = /Create|Update|Delete|Train|Promote|RollBack|\/Sync|\/Ingest$/
    for (const { kind, path } of METHODS.filter((method) => changing.test(method.path))) {
      const answer = await send(path, kind, Buffer.alloc(0), TOKENS.viewer)
      expect({ path, ...answer }).toEqual({ path, code: 7, fields: [], reason: 'ROLE_NOT_ENOUGH' })
    }
  })

  it('of another tenant is PERMISSION_DENIED, with the field that says so', async () => {
    const answer = await send(CREATE, 'unary', rule({ tenant: 'plant-a' }), TOKENS.other)
    expect(answer).toEqual({ code: status.PERMISSION_DENIED, fields: ['rule.tenant'], reason: 'TENANT_NOT_YOURS' })
  })

  it('of another gateway than that of its token is PERMISSION_DENIED', async () => {
    const bytes = bytesOf(IngestService.method.sync.input, hello('edge-02'))
    const answer = await send('/telemetryx.v1.IngestService/Sync', 'bidi_streaming', bytes, TOKENS.bound)
    expect(answer).toMatchObject({ code: status.PERMISSION_DENIED, reason: 'PERMISSION_DENIED' })
  })
})

function bearer(token: string): Metadata {
  const metadata = new Metadata()
  metadata.set('authorization', `Bearer ${token}`)
  return metadata
}

function hello(gateway: string) {
  return { message: { case: 'hello', value: { gateway, factory: 'f', epoch: 1, version: 'test' } } }
}

/** google.protobuf.Struct with one field `a`. */
function structOf(value: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  const entry = new BinaryWriter().tag(1, WireType.LengthDelimited).string('a')
  entry.tag(2, WireType.LengthDelimited).bytes(value)
  return new BinaryWriter().tag(1, WireType.LengthDelimited).bytes(entry.finish()).finish()
}

/** google.protobuf.Value of such a Struct. */
function structValue(value: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  return new BinaryWriter().tag(5, WireType.LengthDelimited).bytes(structOf(value)).finish()
}
