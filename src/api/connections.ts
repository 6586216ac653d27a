// How many connections the servers of the API keep open, and how many of them one address may have. What comes beyond is closed at
// once: there is nothing that could be answered before a request, and a TLS handshake costs more than the connection.

import type { Server, Socket } from 'node:net'
import type { HttpLimits } from '#config/http-limits.ts'
import { networkOf } from './network.ts'

/** Counts by address, shared by all servers of one API. */
export class AddressCount {
  readonly #counts = new Map<string, number>()
  readonly #max: number

  constructor(max: number) {
    this.#max = max
  }

  /** True when `address` may have one more, which is counted then; to be given back by `leave`. */
  enter(address: string): boolean {
    const key = networkOf(address)
    const count = this.#counts.get(key) ?? 0
    if (count >= this.#max) return false
    this.#counts.set(key, count + 1)
    return true
  }

  leave(address: string): void {
    const key = networkOf(address)
    const count = this.#counts.get(key) ?? 0
    if (count <= 1) this.#counts.delete(key)
    else this.#counts.set(key, count - 1)
  }

  isFull(address: string): boolean {
    return (this.#counts.get(networkOf(address)) ?? 0) >= this.#max
  }
}

/** Keeps `server` to the limits. */
export function guardConnections(
  server: Server,
  { connections }: Pick<HttpLimits, 'connections'>,
  perAddress: AddressCount,
): void {
  server.maxConnections = connections
  server.prependListener('connection', (socket: Socket) => {
    const { remoteAddress } = socket
    if (remoteAddress === undefined) return
    if (perAddress.enter(remoteAddress)) socket.once('close', () => perAddress.leave(remoteAddress))
    else socket.destroy()
  })
}
