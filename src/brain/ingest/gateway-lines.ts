// The streams of gateways that are connected now, by tenant and gateway, for what is to reach them.

import type { SyncCall } from '#receiver/sync-call.ts'
import type { SyncResponse } from '#rpc/generated/telemetryx/v1/ingest_pb.js'
import type { GatewayFile } from '../state/ledger.ts'

export type GatewayCall = SyncCall<GatewayFile>

interface Line {
  readonly tenant: string
  readonly gateway: string
  readonly call: GatewayCall
}

export class GatewayLines {
  readonly #lines = new Map<string, Line>()

  get size(): number {
    return this.#lines.size
  }

  /** The latest stream of a gateway counts. */
  add(tenant: string, gateway: string, call: GatewayCall): void {
    this.#lines.set(`${tenant} ${gateway}`, { tenant, gateway, call })
  }

  /** False when the gateway has no stream. */
  send(tenant: string, gateway: string, message: SyncResponse['message']): boolean {
    const key = `${tenant} ${gateway}`
    const isSent = this.#lines.get(key)?.call.send(message) ?? false
    if (!isSent) this.#lines.delete(key)
    return isSent
  }

  /** To all gateways of a tenant, or to those that are named. */
  broadcast(tenant: string, gateways: readonly string[], message: SyncResponse['message']): void {
    for (const line of this.#lines.values())
      if (line.tenant === tenant && (gateways.length === 0 || gateways.includes(line.gateway)))
        this.send(tenant, line.gateway, message)
  }

  /** What is under way is acknowledged, then the streams end. */
  end(): void {
    for (const { call } of this.#lines.values()) call.end()
    this.#lines.clear()
  }
}
