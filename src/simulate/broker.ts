// A small MQTT broker for the demo's uplink, so that forwarding can be watched without installing anything.

import { Aedes } from 'aedes'
import { createServer, type Server, type Socket } from 'node:net'
import { TelemetryError } from '#domain/errors.ts'

export class DemoBroker {
  readonly #sockets = new Set<Socket>()
  #aedes: Aedes | null = null
  #server: Server | null = null

  /** Listens on 127.0.0.1 and answers the port; 0 asks for a free one. Throws PORT_IN_USE. */
  async listen(port: number): Promise<number> {
    const aedes = await Aedes.createBroker()
    this.#aedes = aedes
    const server = createServer((socket) => {
      this.#sockets.add(socket)
      socket.on('close', () => this.#sockets.delete(socket))
      aedes.handle(socket)
    })
    this.#server = server
    return await new Promise((resolve, reject) => {
      server.once('error', (cause) =>
        reject(new TelemetryError('PORT_IN_USE', `Cannot listen on 127.0.0.1:${port}`, { context: { port }, cause })),
      )
      server.listen(port, '127.0.0.1', () => {
        const address = server.address()
        resolve(typeof address === 'object' && address !== null ? address.port : port)
      })
    })
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    await new Promise<void>((resolve) => (this.#server ? this.#server.close(() => resolve()) : resolve()))
    await new Promise<void>((resolve) => (this.#aedes ? this.#aedes.close(() => resolve()) : resolve()))
  }
}
