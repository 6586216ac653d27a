// A central that does as it is told, over real HTTP: takes, refuses, answers nonsense, closes.

import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { gunzipSync, zstdDecompressSync } from 'node:zlib'
import { create, fromBinary, fromJsonString, toBinary } from '@bufbuild/protobuf'
import {
  IngestRequestSchema,
  IngestResponseSchema,
  type IngestRequest,
} from '#rpc/generated/telemetryx/v1/ingest_pb.js'

export interface Seen {
  readonly method: string
  readonly path: string
  readonly headers: IncomingHttpHeaders
  readonly body: Buffer
  /** performance.now(). */
  readonly at: number
}

/** Answers by itself, or leaves it to the default by returning false. */
export type Script = (seen: Seen, response: ServerResponse, central: ScriptedCentral) => boolean | void

export class ScriptedCentral {
  readonly seen: Seen[] = []
  /** Positions of every record that was taken, repeats included, in order. */
  readonly ids: string[] = []
  /** The same by lane, repeats left out. */
  readonly lanes = new Map<number, Set<number>>()
  script: Script = () => false
  readonly #server: Server

  private constructor() {
    this.#server = createServer((request, response) => {
      const chunks: Buffer[] = []
      request.on('data', (chunk: Buffer) => chunks.push(chunk))
      request.on('error', () => {})
      request.on('end', () => {
        const { headers, method = '', url = '' } = request
        const seen = { method, path: url, headers, body: Buffer.concat(chunks), at: performance.now() }
        this.seen.push(seen)
        if (this.script(seen, response, this) !== true) this.#default(seen, response)
      })
    })
  }

  static async start(script: Script = () => false): Promise<ScriptedCentral> {
    const central = new ScriptedCentral()
    central.script = script
    central.#server.listen(0, '127.0.0.1')
    await once(central.#server, 'listening')
    return central
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  set keepAliveTimeout(ms: number) {
    this.#server.keepAliveTimeout = ms
  }

  ingests(): Seen[] {
    return this.seen.filter(({ path }) => path.endsWith('/ingest'))
  }

  take(request: IngestRequest): void {
    const { epoch, lane } = request.batch!
    const seen = this.lanes.get(lane) ?? new Set()
    this.lanes.set(lane, seen)
    for (const seq of seqsOf(request)) {
      this.ids.push(`${request.gateway}/${epoch}/${seq}`)
      seen.add(seq)
    }
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections()
    this.#server.close()
    await once(this.#server, 'close')
  }

  #default({ path, body, headers }: Seen, response: ServerResponse): void {
    if (!path.endsWith('/ingest')) return void response.writeHead(200).end()
    const request = requestOf(body, headers)
    this.take(request)
    acknowledge(response, request)
  }
}

export function requestOf(body: Buffer, headers: IncomingHttpHeaders): IngestRequest {
  const encoding = headers['content-encoding']
  const plain = encoding === 'zstd' ? zstdDecompressSync(body) : encoding === 'gzip' ? gunzipSync(body) : body
  if (headers['content-type'] === 'application/json') return fromJsonString(IngestRequestSchema, plain.toString('utf8'))
  return fromBinary(IngestRequestSchema, plain)
}

export function seqsOf({ batch }: IngestRequest): number[] {
  const seqs: number[] = []
  for (const { firstSeq, seqDeltas, sensors } of batch?.blocks ?? []) {
    let seq = Number(firstSeq)
    sensors.forEach((_sensor, row) => seqs.push((seq += row === 0 ? 0 : (seqDeltas[row] ?? 1))))
  }
  for (const { seq } of [...(batch?.alarms ?? []), ...(batch?.events ?? [])]) seqs.push(Number(seq))
  return seqs.sort((a, b) => a - b)
}

export function acknowledge(
  response: ServerResponse,
  { batch }: IngestRequest,
  rejections: readonly { seq: number; epoch?: number; reason: string }[] = [],
): void {
  const { epoch, lane, lastSeq } = batch!
  const answer = create(IngestResponseSchema, {
    acknowledgement: {
      lane,
      position: { epoch, seq: lastSeq },
      rejections: rejections.map((each) => ({
        reason: each.reason,
        position: { epoch: each.epoch ?? epoch, seq: BigInt(each.seq) },
      })),
    },
  })
  response.writeHead(202, { 'Content-Type': 'application/x-protobuf' }).end(toBinary(IngestResponseSchema, answer))
}

export function problem(response: ServerResponse, status: number, title: string, headers: object = {}): true {
  response.writeHead(status, { 'Content-Type': 'application/problem+json', ...headers })
  response.end(JSON.stringify({ status, title }))
  return true
}
