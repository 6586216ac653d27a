// The product's own receiver as a peer for the tests: its address stays the same when it goes away and comes back.

import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { silentLogger } from '#kit/logger.ts'
import type { CommandResult, SyncResponse } from '#rpc/generated/telemetryx/v1/ingest_pb.js'
import type { ServerTls } from '#rpc/server.ts'
import { ReceiverServer } from '#receiver/server.ts'

export interface PeerOptions {
  readonly tls?: ServerTls
  readonly token?: string
}

/** What stands in the file of a reading, an alarm or an event. */
export interface KeptLine {
  readonly id: string
  readonly sensor?: string
  readonly v?: unknown
  readonly [key: string]: unknown
}

export class ReceiverPeer {
  readonly folder = mkdtempSync(join(tmpdir(), 'telemetryx-receiver-'))
  readonly results: CommandResult[] = []
  readonly #options: PeerOptions
  #server: ReceiverServer | null = null
  #port = 0

  constructor(options: PeerOptions = {}) {
    this.#options = options
  }

  get url(): string {
    return `127.0.0.1:${this.#port}`
  }

  get accepted(): number {
    return this.#server?.accepted ?? 0
  }

  async start(): Promise<void> {
    const { tls = null, token = null } = this.#options
    this.#server = new ReceiverServer({
      folder: this.folder,
      host: '127.0.0.1',
      grpcPort: this.#port,
      httpPort: null,
      tls,
      token,
      log: silentLogger,
      onResult: (_gateway, result) => this.results.push(result),
    })
    await this.#server.start()
    this.#port = this.#server.ports.grpc!
  }

  send(message: SyncResponse['message']): boolean {
    return this.#server?.send('edge-01', message) ?? false
  }

  /** At once. */
  async stop(): Promise<void> {
    await this.#server?.stop(AbortSignal.abort())
    this.#server = null
  }

  async close(): Promise<void> {
    await this.stop()
    rmSync(this.folder, { recursive: true, force: true })
  }

  lines(gateway = 'edge-01'): KeptLine[] {
    return keptLines(join(this.folder, `${gateway}.jsonl`))
  }

  ids(): string[] {
    return this.lines().map(({ id }) => id)
  }
}

/** Records of a receiver's file, without the lines that close batches. */
export function keptLines(path: string): KeptLine[] {
  if (!existsSync(path)) return []
  const lines = readFileSync(path, 'utf8').split('\n')
  return lines.slice(0, -1).flatMap((line) => (line.startsWith('{"id"') ? [JSON.parse(line) as KeptLine] : []))
}
