// A serial port of the machine. serialport is imported only when one is opened: its native part is not for gateways
// without a serial line. Its stream is not used: when an adapter is unplugged while nothing is being received, reads give no
// bytes and no error, and the stream then reads again at once, for ever. Here that is the end of the connection.
// Control lines are left alone: a pseudo-terminal has none, and many adapters refuse.

import { read } from 'node:fs'
import { promisify } from 'node:util'
import type { SerialPort } from 'serialport'
import { TelemetryError } from '#domain/errors.ts'

export interface PortSettings {
  /** `/dev/ttyUSB0`, better `/dev/serial/by-id/…`. */
  readonly path: string
  /** Default 9600. */
  readonly baudRate?: number
  readonly parity?: 'none' | 'even' | 'odd'
  readonly dataBits?: 5 | 6 | 7 | 8
  readonly stopBits?: 1 | 2
}

export const DEFAULT_BAUD_RATE = 9600

export interface PortEvents {
  /** The chunk is valid during the call only. */
  data(chunk: Uint8Array): void
  /** Unplugged, or a read or write failed: the port is being closed. Not called after `close`. */
  lost(cause: TelemetryError): void
}

export interface OpenPort {
  write(bytes: Uint8Array): void
  /** Resolves when the port can be opened again. Safe to call twice. */
  close(): Promise<void>
}

const READ_BYTES = 4096
const readFile = promisify(read)

type BoundPort = Awaited<ReturnType<(typeof SerialPort)['binding']['open']>>

/** Opens for this process alone, with nothing left in the input. Throws CONNECTION_FAILED. */
export async function openPort(settings: PortSettings, events: PortEvents): Promise<OpenPort> {
  const { path, baudRate = DEFAULT_BAUD_RATE, parity = 'none', dataBits = 8, stopBits = 1 } = settings
  let port: BoundPort
  try {
    const { SerialPort: Ports } = await import('serialport')
    port = await Ports.binding.open({ path, baudRate, parity, dataBits, stopBits, lock: true })
    await port.flush()
  } catch (error) {
    throw openError(path, error)
  }
  return new RunningPort(path, port, events)
}

class RunningPort implements OpenPort {
  readonly #path: string
  readonly #port: BoundPort
  readonly #events: PortEvents
  readonly #reading: Promise<void>
  #writing: Promise<void> = Promise.resolve()
  #closed: Promise<void> | null = null

  constructor(path: string, port: BoundPort, events: PortEvents) {
    this.#path = path
    this.#port = port
    this.#events = events
    this.#reading = this.#read()
  }

  write(bytes: Uint8Array): void {
    const buffer = Buffer.from(bytes)
    this.#writing = this.#writing.then(() => (this.#closed === null ? this.#port.write(buffer) : undefined))
    this.#writing = this.#writing.catch((error: unknown) => this.#lose(error))
  }

  close(): Promise<void> {
    this.#closed ??= this.#shut()
    return this.#closed
  }

  async #shut(): Promise<void> {
    const port = this.#port
    if ('poller' in port) port.poller.stop() // wakes the reader, which must not read from a closed descriptor
    await this.#reading
    try {
      await port.close()
    } catch {
      // It is gone: closed enough.
    }
  }

  async #read(): Promise<void> {
    const buffer = Buffer.allocUnsafe(READ_BYTES)
    try {
      while (this.#closed === null) {
        const bytes = await this.#readInto(buffer)
        if (this.#closed !== null) return
        if (bytes === 0) throw new Error('the other end hung up')
        this.#events.data(buffer.subarray(0, bytes))
      }
    } catch (error) {
      this.#lose(error)
    }
  }

  /** Bytes read; 0 when the port is gone. */
  async #readInto(buffer: Buffer): Promise<number> {
    const port = this.#port
    if (!('poller' in port) || port.fd === null) return (await port.read(buffer, 0, buffer.length)).bytesRead
    for (;;) {
      try {
        return (await readFile(port.fd, buffer, 0, buffer.length, null)).bytesRead
      } catch (error) {
        if (!isEmpty(error)) throw error
        if (this.#closed !== null) return 0
        await new Promise<void>((resolve, reject) => {
          port.poller.once('readable', (failure: Error | null) => (failure === null ? resolve() : reject(failure)))
        })
      }
    }
  }

  #lose(cause: unknown): void {
    if (this.#closed !== null) return
    // Not awaited by the reader itself, which close waits for.
    void this.close()
    const detail = cause instanceof Error ? cause.message : String(cause)
    this.#events.lost(
      new TelemetryError('CONNECTION_LOST', `${this.#path} is gone: ${detail}`, {
        retryable: true,
        context: { path: this.#path },
        cause,
      }),
    )
  }
}

function isEmpty(error: unknown): boolean {
  return error instanceof Error && 'code' in error && (error.code === 'EAGAIN' || error.code === 'EINTR')
}

function openError(path: string, cause: unknown): TelemetryError {
  const reason = openReason(cause)
  return new TelemetryError('CONNECTION_FAILED', `${path} cannot be opened: ${reason}`, {
    retryable: true,
    context: { path },
    cause: new Error(reason, { cause }),
  })
}

/** The library's words (`Error: No such file or directory, cannot open …`) as a person would say them. */
function openReason(cause: unknown): string {
  const words = cause instanceof Error ? cause.message : String(cause)
  if (/lock port/i.test(words)) return 'another program uses it'
  if (/no such file/i.test(words)) return 'there is no such port'
  if (/permission denied/i.test(words)) return 'permission denied; the user must be in the group dialout'
  return words.replace(/^Error:? /, '')
}
