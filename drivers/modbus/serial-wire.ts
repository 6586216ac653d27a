// A wire that is a serial port.

import { TelemetryError } from '#domain/errors.ts'
import { openPort, type OpenPort } from '#kit/serial-port.ts'
import type { OpenWire, Wire, WireEvents } from './wire.ts'

export interface SerialSettings {
  readonly path: string
  readonly baudRate: number
  readonly parity: 'none' | 'even' | 'odd'
  readonly stopBits: 1 | 2
}

/** The serial ports of one driver object: one that is still being closed, or opened for nobody, must not be opened yet. */
export class SerialPorts {
  readonly #busy = new Map<string, Promise<unknown>>()

  wire(settings: SerialSettings): OpenWire {
    return (events) => {
      const opening = { isCancelled: false }
      const opened = this.#open(settings, events, opening)
      const cancel = (): void => {
        opening.isCancelled = true
        this.#wait(settings.path, opened)
      }
      return { opened, cancel }
    }
  }

  async #open(settings: SerialSettings, events: WireEvents, opening: { isCancelled: boolean }): Promise<Wire> {
    const { path } = settings
    await this.#busy.get(path)
    const port = await openedPort(settings, {
      data: (chunk) => events.data(Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length)),
      lost: (cause) => {
        this.#wait(path, port.close())
        events.lost(cause)
      },
    })
    if (opening.isCancelled) await port.close()
    return { write: (bytes) => port.write(bytes), destroy: () => this.#wait(path, port.close()) }
  }

  #wait(path: string, work: Promise<unknown>): void {
    const done = Promise.allSettled([this.#busy.get(path), work]).then(() => {
      if (this.#busy.get(path) === done) this.#busy.delete(path)
    })
    this.#busy.set(path, done)
  }
}

/** Rejects with the reason alone: the transport names the port. */
async function openedPort(...args: Parameters<typeof openPort>): Promise<OpenPort> {
  try {
    return await openPort(...args)
  } catch (error) {
    throw error instanceof TelemetryError && error.cause instanceof Error ? error.cause : error
  }
}
