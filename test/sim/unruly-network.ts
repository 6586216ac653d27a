// A network that misbehaves: a TCP relay on 127.0.0.1 in front of a server, which delays, cuts, half-closes and swallows on
// demand, or as chance (seeded) has it.

import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net'

/** What can happen to all connections at once. */
export const TROUBLES = ['cut', 'halfCloseToServer', 'halfCloseToClient', 'swallow', 'slow'] as const
export type Trouble = (typeof TROUBLES)[number]

interface Pair {
  readonly client: Socket
  readonly server: Socket
}

export interface UnrulyNetworkOptions {
  /** Port of the server behind it, on 127.0.0.1. */
  readonly target: number
  /** Uniform in [0, 1): where a chunk is cut, how long it is held. */
  readonly random: () => number
}

export class UnrulyNetwork {
  readonly #options: UnrulyNetworkOptions
  readonly #server: Server
  readonly #pairs = new Set<Pair>()
  readonly #timers = new Set<NodeJS.Timeout>()
  /** Longest time that a piece is held. */
  #delayMs = 0
  #isSwallowing = false
  #isOpen = true
  /** Bytes that went through, both ways. */
  bytes = 0

  private constructor(options: UnrulyNetworkOptions) {
    this.#options = options
    // A half-closed connection stays half open: that is the point.
    this.#server = createServer({ allowHalfOpen: true }, (client) => this.#accept(client))
  }

  static async start(options: UnrulyNetworkOptions): Promise<UnrulyNetwork> {
    const network = new UnrulyNetwork(options)
    network.#server.listen(0, '127.0.0.1')
    await once(network.#server, 'listening')
    return network
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  get connections(): number {
    return this.#pairs.size
  }

  /** Lets nobody through any more, and cuts what there is. */
  shut(): void {
    this.#isOpen = false
    this.cut()
  }

  /** All is well from now on. */
  heal(): void {
    this.#isOpen = true
    this.#isSwallowing = false
    this.#delayMs = 0
  }

  cause(trouble: Trouble): void {
    if (trouble === 'cut') this.cut()
    else if (trouble === 'halfCloseToServer') for (const { server } of this.#pairs) server.end()
    else if (trouble === 'halfCloseToClient') for (const { client } of this.#pairs) client.end()
    else if (trouble === 'swallow') this.#isSwallowing = true
    else this.#delayMs = 40
  }

  /** Resets every connection in the middle of whatever it carries. */
  cut(): void {
    for (const { client, server } of this.#pairs) {
      client.resetAndDestroy()
      server.resetAndDestroy()
    }
    this.#pairs.clear()
  }

  async close(): Promise<void> {
    for (const timer of this.#timers) clearTimeout(timer)
    this.shut()
    this.#server.close()
    await once(this.#server, 'close')
  }

  #accept(client: Socket): void {
    if (!this.#isOpen) return void client.resetAndDestroy()
    const server = connect({ port: this.#options.target, host: '127.0.0.1', allowHalfOpen: true })
    const pair: Pair = { client, server }
    this.#pairs.add(pair)
    const gone = (): void => {
      this.#pairs.delete(pair)
      client.destroy()
      server.destroy()
    }
    for (const socket of [client, server]) socket.setNoDelay(true).on('error', gone).on('close', gone)
    this.#relay(client, server)
    this.#relay(server, client)
  }

  #relay(from: Socket, to: Socket): void {
    let held: Promise<void> = Promise.resolve()
    from.on('data', (chunk: Buffer) => {
      if (this.#isSwallowing) return
      this.bytes += chunk.length
      if (this.#delayMs === 0) return this.#write(to, chunk, from)
      // In pieces, each after its own delay, in order.
      const at = Math.floor(this.#options.random() * chunk.length)
      for (const piece of [chunk.subarray(0, at), chunk.subarray(at)])
        held = held.then(() => this.#hold()).then(() => this.#write(to, piece, from))
    })
    from.on('end', () => void held.then(() => to.writable && to.end()))
  }

  #write(to: Socket, piece: Buffer, from: Socket): void {
    if (!to.writable || piece.length === 0) return
    if (to.write(piece)) return
    from.pause()
    to.once('drain', () => from.resume())
  }

  #hold(): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => {
        this.#timers.delete(timer)
        resolve()
      }, this.#options.random() * this.#delayMs)
      this.#timers.add(timer)
    })
  }
}
