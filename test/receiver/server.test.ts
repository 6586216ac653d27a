// The minimal receiver: HTTP and gRPC on one intake, repeats dropped, on the disk before it acknowledges, whole after a crash.

import { appendFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync, zstdCompressSync } from 'node:zlib'
import { create, fromBinary, toBinary, toJsonString } from '@bufbuild/protobuf'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { PACKAGE_ROOT } from '#gateway/version.ts'
import { silentLogger } from '#kit/logger.ts'
import { RpcClient } from '#rpc/client.ts'
import {
  IngestRequestSchema,
  IngestResponseSchema,
  type IngestRequest,
} from '#rpc/generated/telemetryx/v1/ingest_pb.js'
import { ingestMethod } from '#rpc/ingest-service.ts'
import { ReceiverServer } from '#receiver/server.ts'
import { keptLines } from '../uplinks/grpc/receiver-peer.ts'

const PROTOBUF = 'application/x-protobuf'
const JSON_TYPE = 'application/json'
const MAX_BYTES = 100_000

let folder: string
let server: ReceiverServer

async function start(token: string | null = null): Promise<void> {
  server = new ReceiverServer({
    folder,
    host: '127.0.0.1',
    grpcPort: 0,
    httpPort: 0,
    tls: null,
    token,
    log: silentLogger,
    maxMessageBytes: MAX_BYTES,
  })
  await server.start()
}
const stop = (): Promise<void> => server.stop(AbortSignal.abort())

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'telemetryx-receiver-'))
  await start()
})
afterEach(async () => {
  await stop()
  rmSync(folder, { recursive: true, force: true })
})

const SENSORS = [
  { number: 0, id: 'press-1.power', valueType: 1, unit: 'kW' },
  { number: 1, id: 'meter-1.energy', valueType: 4, unit: 'Wh' },
  { number: 2, id: 'press-1.mode', valueType: 5 },
]

/** Seqs from `first` on, one reading of each sensor. */
function requestOf(first: number, change: (request: IngestRequest) => void = () => {}): IngestRequest {
  const request = create(IngestRequestSchema, {
    gateway: 'edge-01',
    dictionary: { sensors: SENSORS },
    batch: {
      epoch: 3,
      lastSeq: BigInt(first + 2),
      blocks: [
        {
          firstSeq: BigInt(first),
          sensors: [0, 1, 2],
          receivedAtMs: 1_795_000_000_000n,
          numbers: [21.5],
          unsignedIntegers: [2n ** 64n - 1n],
          texts: ['auto'],
        },
      ],
    },
  })
  change(request)
  return request
}

const bytesOf = (request: IngestRequest): Uint8Array => toBinary(IngestRequestSchema, request)

function post(body: Uint8Array | string, headers: Record<string, string> = {}): Promise<Response> {
  const url = `http://127.0.0.1:${server.ports.http}/api/v1/ingest`
  return fetch(url, { method: 'POST', body: Buffer.from(body), headers: { 'Content-Type': PROTOBUF, ...headers } })
}

const lines = () => keptLines(join(folder, 'edge-01.jsonl'))

describe('The receiver by HTTP', () => {
  it('takes a batch as protobuf, and tells what it has taken and what it had', async () => {
    const response = await post(bytesOf(requestOf(1)))
    expect(response.status).toBe(202)
    const answer = fromBinary(IngestResponseSchema, new Uint8Array(await response.arrayBuffer()))
    expect(answer).toMatchObject({
      accepted: 3,
      repeatedRecords: 0,
      acknowledgement: { position: { epoch: 3, seq: 3n } },
    })
    expect(lines()).toEqual([
      {
        id: 'edge-01/3/1',
        sensor: 'press-1.power',
        t: '2026-11-18T11:06:40.000Z',
        v: 21.5,
        unit: 'kW',
        q: 'good',
        receivedAt: '2026-11-18T11:06:40.000Z',
      },
      {
        id: 'edge-01/3/2',
        sensor: 'meter-1.energy',
        t: '2026-11-18T11:06:40.000Z',
        v: '18446744073709551615',
        unit: 'Wh',
        q: 'good',
        receivedAt: '2026-11-18T11:06:40.000Z',
      },
      {
        id: 'edge-01/3/3',
        sensor: 'press-1.mode',
        t: '2026-11-18T11:06:40.000Z',
        v: 'auto',
        q: 'good',
        receivedAt: '2026-11-18T11:06:40.000Z',
      },
    ])
    const again = await post(bytesOf(requestOf(2)))
    expect(fromBinary(IngestResponseSchema, new Uint8Array(await again.arrayBuffer()))).toMatchObject({
      accepted: 1,
      repeatedRecords: 2,
    })
    expect(lines()).toHaveLength(4)
  })

  it.each<[string, (body: Uint8Array) => Uint8Array]>([
    ['zstd', (body) => zstdCompressSync(body)],
    ['gzip', (body) => gzipSync(body)],
  ])('takes a body compressed with %s', async (encoding, compress) => {
    const response = await post(compress(bytesOf(requestOf(1))), { 'Content-Encoding': encoding })
    expect(response.status).toBe(202)
    expect(lines()).toHaveLength(3)
  })

  it('takes and gives JSON', async () => {
    const body = toJsonString(IngestRequestSchema, requestOf(1))
    const response = await post(body, { 'Content-Type': JSON_TYPE })
    expect(response.status).toBe(202)
    expect(await response.json()).toMatchObject({ accepted: 3, acknowledgement: { position: { epoch: 3, seq: '3' } } })
    expect(lines()).toHaveLength(3)
  })

  it('takes the example of docs/ingest.md', async () => {
    const text = readFileSync(join(PACKAGE_ROOT, 'docs/ingest.md'), 'utf8')
    const body = /curl -s .* -d '(\{[^']*\})'/s.exec(text)![1]!
    const response = await post(body, { 'Content-Type': JSON_TYPE })
    expect(await response.json()).toMatchObject({ accepted: 2 })
    expect(keptLines(join(folder, 'mill.jsonl')).map(({ v }) => v)).toEqual([21.5, 21.6])
  })

  it('refuses one record that makes no sense, and takes it when it comes again in order', async () => {
    const bad = requestOf(1, ({ batch }) => (batch!.blocks[0]!.numbers = [Number.NaN]))
    const response = await post(bytesOf(bad))
    const answer = fromBinary(IngestResponseSchema, new Uint8Array(await response.arrayBuffer()))
    expect(answer.acknowledgement?.rejections).toMatchObject([
      { position: { epoch: 3, seq: 1n }, reason: 'The value is not a finite number' },
    ])
    expect(lines().map(({ id }) => id)).toEqual(['edge-01/3/2', 'edge-01/3/3'])
    await post(bytesOf(requestOf(1)))
    expect(lines().map(({ id }) => id)).toEqual(['edge-01/3/2', 'edge-01/3/3', 'edge-01/3/1'])
  })

  it.each<[string, number, () => Promise<Response>]>([
    ['bytes that are no message', 400, () => post(new Uint8Array([255, 255, 255]))],
    ['JSON that is no message', 400, () => post('{"what":1}', { 'Content-Type': JSON_TYPE })],
    ['a batch that contradicts itself', 400, () => post(bytesOf(requestOf(5, ({ batch }) => (batch!.lastSeq = 6n))))],
    ['a sensor that nobody told of', 400, () => post(bytesOf(requestOf(1, (request) => delete request.dictionary)))],
    [
      'a gateway with a path for a name',
      400,
      () => post(bytesOf(requestOf(1, (request) => (request.gateway = '../../etc/x')))),
    ],
    ['another type', 415, () => post('a,b', { 'Content-Type': 'text/csv' })],
    ['another encoding', 415, () => post('x', { 'Content-Encoding': 'br' })],
    ['a body that is too large', 413, () => post(new Uint8Array(MAX_BYTES + 1))],
    [
      'a body that expands to too much',
      413,
      () => post(zstdCompressSync(new Uint8Array(MAX_BYTES * 50)), { 'Content-Encoding': 'zstd' }),
    ],
    ['a body that is not compressed as it says', 400, () => post('plain', { 'Content-Encoding': 'zstd' })],
  ])('answers %s with %d, and keeps nothing', async (_what, status, send) => {
    const response = await send()
    expect(response.status).toBe(status)
    expect(response.headers.get('content-type')).toBe('application/problem+json')
    expect(await response.json()).toMatchObject({ status })
    expect(lines()).toEqual([])
  })

  it('wants its token', async () => {
    await stop()
    await start('secret')
    expect((await post(bytesOf(requestOf(1)))).status).toBe(401)
    expect((await post(bytesOf(requestOf(1)), { Authorization: 'Bearer wrong' })).status).toBe(401)
    expect((await post(bytesOf(requestOf(1)), { Authorization: 'Bearer secret' })).status).toBe(202)
  })
})

describe('The receiver by a unary call', () => {
  it('takes one batch, on the same logic', async () => {
    const address = {
      host: '127.0.0.1',
      port: server.ports.grpc!,
      isTls: false,
      name: `127.0.0.1:${server.ports.grpc}`,
    }
    const client = new RpcClient({ address, tls: null, token: null, keepaliveMs: 0, keepaliveTimeoutMs: 0 })
    expect(await client.call(ingestMethod, requestOf(1), 10_000)).toMatchObject({ accepted: 3 })
    expect((await post(bytesOf(requestOf(1)))).status).toBe(202)
    expect(lines()).toHaveLength(3)
    const wrong = requestOf(1, (request) => (request.gateway = 'No Id'))
    await expect(client.call(ingestMethod, wrong, 10_000)).rejects.toMatchObject({ code: 3 })
    client.close()
  })
})

describe('The file of a receiver', () => {
  const path = (): string => join(folder, 'edge-01.jsonl')

  it('is what the next start knows repeats by', async () => {
    await post(bytesOf(requestOf(1)))
    await stop()
    await start()
    await post(bytesOf(requestOf(2)))
    expect(lines().map(({ id }) => id)).toEqual([1, 2, 3, 4].map((seq) => `edge-01/3/${seq}`))
  })

  it.each([
    [
      'records without the line that closes their batch',
      '{"id":"edge-01/3/4","sensor":"press-1.power"}\n{"id":"edge-0',
    ],
    ['a closing line without its end', '{"id":"edge-01/3/4","sensor":"press-1.power"}\n{"batch":[3,[[4,4]]]}'],
    ['half a closing line', '{"id":"edge-01/3/4","sensor":"press-1.power"}\n{"batch":[3,[[4'],
  ])('loses at the next start what a crash has left: %s', async (_what, rest) => {
    await post(bytesOf(requestOf(1)))
    await stop()
    const whole = readFileSync(path(), 'utf8')
    appendFileSync(path(), rest)
    await start()
    await post(bytesOf(requestOf(4)))
    expect(readFileSync(path(), 'utf8').startsWith(whole)).toBe(true)
    expect(lines().map(({ id }) => id)).toEqual([1, 2, 3, 4, 5, 6].map((seq) => `edge-01/3/${seq}`))
  })
})
