// A receiver of traces by OTLP over HTTP (JSON), for the tests: what a collector would see.

import { createServer, type Server } from 'node:http'
import { once } from 'node:events'

export interface ReceivedSpan {
  readonly service: string
  readonly name: string
  readonly kind: number
  readonly traceId: string
  readonly spanId: string
  readonly parentSpanId: string | undefined
  readonly attributes: Readonly<Record<string, string | number | boolean>>
  readonly isError: boolean
  /** Names of what happened in it, in order. */
  readonly events: readonly string[]
  /** Unix milliseconds. */
  readonly startedAt: number
  readonly endedAt: number
}

type WireValue = { stringValue?: string; intValue?: number | string; doubleValue?: number; boolValue?: boolean }
type WireAttributes = readonly { key: string; value: WireValue }[]

interface WireSpan {
  readonly name: string
  readonly kind: number
  readonly traceId: string
  readonly spanId: string
  readonly parentSpanId?: string
  readonly attributes?: WireAttributes
  readonly status?: { code?: number }
  readonly events?: readonly { readonly name: string }[]
  readonly startTimeUnixNano: string
  readonly endTimeUnixNano: string
}

interface WireTraces {
  readonly resourceSpans: readonly {
    readonly resource: { readonly attributes: WireAttributes }
    readonly scopeSpans: readonly { readonly spans: readonly WireSpan[] }[]
  }[]
}

export class OtlpReceiver {
  readonly spans: ReceivedSpan[] = []
  readonly #server: Server

  private constructor() {
    this.#server = createServer((request, response) => {
      const chunks: Buffer[] = []
      request.on('data', (chunk: Buffer) => chunks.push(chunk))
      request.on('end', () => {
        if (request.method !== 'POST' || request.url !== '/v1/traces') return void response.writeHead(404).end()
        this.spans.push(...spansIn(JSON.parse(Buffer.concat(chunks).toString()) as WireTraces))
        response.writeHead(200, { 'Content-Type': 'application/json' }).end('{}')
      })
    })
  }

  static async start(): Promise<OtlpReceiver> {
    const receiver = new OtlpReceiver()
    receiver.#server.listen(0, '127.0.0.1')
    await once(receiver.#server, 'listening')
    return receiver
  }

  get endpoint(): string {
    const address = this.#server.address()
    return `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}/v1/traces`
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections()
    this.#server.close()
    await once(this.#server, 'close')
  }
}

function spansIn({ resourceSpans }: WireTraces): ReceivedSpan[] {
  return resourceSpans.flatMap(({ resource, scopeSpans }) => {
    const service = String(attributesOf(resource.attributes)['service.name'])
    return scopeSpans
      .flatMap(({ spans }) => spans)
      .map(({ attributes, kind, name, parentSpanId, spanId, status, traceId, ...more }) => ({
        service,
        name,
        kind,
        traceId,
        spanId,
        parentSpanId,
        attributes: attributesOf(attributes ?? []),
        isError: status?.code === 2,
        events: (more.events ?? []).map((event) => event.name),
        startedAt: Number(BigInt(more.startTimeUnixNano) / 1_000_000n),
        endedAt: Number(BigInt(more.endTimeUnixNano) / 1_000_000n),
      }))
  })
}

function attributesOf(attributes: WireAttributes): Record<string, string | number | boolean> {
  return Object.fromEntries(
    attributes.map(({ key, value }) => [
      key,
      value.stringValue ?? value.boolValue ?? value.doubleValue ?? Number(value.intValue),
    ]),
  )
}
