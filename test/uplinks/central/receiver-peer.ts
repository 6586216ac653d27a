// The product's own minimal receiver over HTTP, as a peer: its address stays the same when it goes away and comes back.

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { silentLogger } from '#kit/logger.ts'
import { ReceiverServer, type ReceiverOptions } from '#receiver/server.ts'
import { keptLines, type KeptLine } from '../grpc/receiver-peer.ts'

export class HttpReceiver {
  readonly folder = mkdtempSync(join(tmpdir(), 'telemetryx-receiver-'))
  readonly #options: Partial<ReceiverOptions>
  #server: ReceiverServer | null = null
  #port = 0

  constructor(options: Partial<ReceiverOptions> = {}) {
    this.#options = options
  }

  get url(): string {
    return `${this.#options.tls ? 'https' : 'http'}://127.0.0.1:${this.#port}`
  }

  async start(): Promise<void> {
    this.#server = new ReceiverServer({
      folder: this.folder,
      host: '127.0.0.1',
      grpcPort: null,
      httpPort: this.#port,
      tls: null,
      token: null,
      log: silentLogger,
      ...this.#options,
    })
    await this.#server.start()
    this.#port = this.#server.ports.http!
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

  lines(): KeptLine[] {
    return keptLines(join(this.folder, 'edge-01.jsonl'))
  }
}
