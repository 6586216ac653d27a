// Listens to a port at one baud rate after another, and tells at which the bytes make sense. Sends nothing.

import { sleep, type Clock } from '#kit/clock.ts'
import { judgeBytes, type Heard } from './guess-settings.ts'
import { openPort } from '#kit/serial-port.ts'

export const COMMON_BAUD_RATES: readonly number[] = [9600, 115_200, 19_200, 38_400, 57_600, 4800, 2400, 1200]
/** Of one rate; more tells nothing new. */
const MAX_BYTES = 4096

export interface HeardAt extends Heard {
  readonly baudRate: number
}

export interface ListenOptions {
  readonly path: string
  readonly baudRates: readonly number[]
  /** At each rate. */
  readonly listenMs: number
  readonly clock: Clock
  readonly onRate?: (baudRate: number) => void
  readonly signal?: AbortSignal
}

/** In the order of `baudRates`. Throws CONNECTION_FAILED, CONNECTION_LOST. */
export async function listenAtRates(options: ListenOptions): Promise<readonly HeardAt[]> {
  const heard: HeardAt[] = []
  for (const baudRate of options.baudRates) {
    options.onRate?.(baudRate)
    heard.push({ baudRate, ...judgeBytes(await receiveAt(baudRate, options)) })
  }
  return heard
}

/** The rate at which most makes sense; undefined when nothing does. */
export function bestRate(heard: readonly HeardAt[]): HeardAt | undefined {
  const sensible = heard.filter(({ bytes, printable }) => bytes > 0 && printable >= 0.9)
  return sensible.sort((a, b) => b.printable - a.printable || b.bytes - a.bytes)[0]
}

async function receiveAt(baudRate: number, { path, listenMs, clock, signal }: ListenOptions): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  let length = 0
  const stop = new AbortController()
  const ended = signal === undefined ? stop.signal : AbortSignal.any([stop.signal, signal])
  const failures: Error[] = []
  const port = await openPort(
    { path, baudRate },
    {
      data: (chunk) => {
        if (length >= MAX_BYTES) return
        chunks.push(Uint8Array.from(chunk))
        length += chunk.length
      },
      lost: (cause) => {
        failures.push(cause)
        stop.abort(cause)
      },
    },
  )
  try {
    await sleep(clock, listenMs, ended)
  } catch (error) {
    throw failures[0] ?? error
  } finally {
    await port.close()
  }
  return Buffer.concat(chunks)
}
