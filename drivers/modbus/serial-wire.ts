// A wire that is a serial port. serialport is imported only when one is opened: its native part and 20 ms of start are not
// for gateways without a serial line.

import { access } from 'node:fs/promises'
import type { Clock, Timer } from '#kit/clock.ts'
import type { OpenWire, Wire, WireEvents } from './wire.ts'

export interface SerialSettings {
  readonly path: string
  readonly baudRate: number
  readonly parity: 'none' | 'even' | 'odd'
  readonly stopBits: 1 | 2
}

/**
 * serialport does not always notice that its port was unplugged: a read that returns nothing is repeated for ever, at full
 * speed, until something is written. So the port's file is looked at, too.
 */
const LOOK_INTERVAL_MS = 1000

/** The serial ports of one driver object: a port that is still being closed must not be opened yet. */
export class SerialPorts {
  readonly #closing = new Map<string, Promise<void>>()
  readonly #clock: Clock

  constructor(clock: Clock) {
    this.#clock = clock
  }

  wire(settings: SerialSettings): OpenWire {
    return (events) => {
      const opening = { isCancelled: false }
      const opened = this.#open(settings, events).then((wire) => {
        if (opening.isCancelled) wire.destroy()
        return wire
      })
      return { opened, cancel: () => void (opening.isCancelled = true) }
    }
  }

  async #open({ path, baudRate, parity, stopBits }: SerialSettings, events: WireEvents): Promise<Wire> {
    await this.#closing.get(path)
    const { SerialPort } = await import('serialport')
    const port = new SerialPort({ path, baudRate, parity, stopBits, dataBits: 8, lock: true, autoOpen: false })
    await new Promise<void>((resolve, reject) => {
      port.open((error) => (error === null ? resolve() : reject(error)))
    })
    let isOver = false
    let timer: Timer | null = null
    const end = (): void => {
      isOver = true
      timer?.cancel()
      if (port.isOpen) this.#close(path, (done) => port.close(done))
    }
    const lost = (cause?: Error | null): void => {
      if (isOver) return
      end()
      events.lost(cause ?? undefined)
    }
    const look = (): void => {
      access(path).then(
        () => {
          if (!isOver) timer = this.#clock.after(LOOK_INTERVAL_MS, look)
        },
        (cause: Error) => lost(cause),
      )
    }
    timer = this.#clock.after(LOOK_INTERVAL_MS, look)
    port.on('data', (chunk: Buffer) => {
      if (!isOver) events.data(chunk)
    })
    port.on('error', lost)
    port.on('close', lost)
    return { write: (bytes) => void port.write(bytes), destroy: end }
  }

  #close(path: string, close: (done: () => void) => void): void {
    const closed = new Promise<void>((resolve) => close(() => resolve())).finally(() => {
      if (this.#closing.get(path) === closed) this.#closing.delete(path)
    })
    this.#closing.set(path, closed)
  }
}
