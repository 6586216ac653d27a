// From the `connection` of a device to its wire: every default applied, the name of the bus, and the transport for it.

import type { Clock } from '#kit/clock.ts'
import { MbapFraming } from './mbap-framing.ts'
import { RtuFraming } from './rtu-framing.ts'
import { DEFAULT_BAUD_RATE, DEFAULT_PORT, DEFAULT_TIMEOUT_MS, DEFAULT_UNIT, type ModbusDeviceConfig } from './schema.ts'
import type { SerialPorts, SerialSettings } from './serial-wire.ts'
import { StreamTransport } from './stream-transport.ts'
import { tcpWire } from './tcp-wire.ts'
import type { Transport, TransportEvents } from './transport.ts'

type ConnectionConfig = ModbusDeviceConfig['connection']

export interface Connection {
  /** The same for all devices on one wire. */
  readonly bus: string
  readonly unit: number
  readonly timeoutMs: number
  readonly hasEcho: boolean
  readonly end:
    | { readonly kind: 'tcp' | 'rtu-over-tcp'; readonly host: string; readonly port: number }
    | ({ readonly kind: 'rtu' } & SerialSettings)
}

/** The complete connection of a configuration that `problems` finds no fault with. */
export function connectionOf(config: ConnectionConfig): Connection {
  const { transport = 'tcp', unit = DEFAULT_UNIT, timeout = DEFAULT_TIMEOUT_MS, echo = false } = config
  const common = { unit, timeoutMs: timeout, hasEcho: echo }
  if (transport === 'rtu') {
    const { path = '', baudRate = DEFAULT_BAUD_RATE, parity = 'none', stopBits = 1 } = config
    return { ...common, bus: `serial:${path}`, end: { kind: transport, path, baudRate, parity, stopBits } }
  }
  const { host = '', port = DEFAULT_PORT } = config
  const bus = `${transport}://${host.includes(':') ? `[${host}]` : host}:${port}`
  return { ...common, bus, end: { kind: transport, host, port } }
}

/** Bits of one character: start, 8 data, parity, stop. */
export function bitsOfCharacter({ parity, stopBits }: SerialSettings): number {
  return 9 + (parity === 'none' ? 0 : 1) + stopBits
}

/** Milliseconds of one character on the line. */
export function characterMs(settings: SerialSettings): number {
  return (bitsOfCharacter(settings) * 1000) / settings.baudRate
}

/** Silence between frames: 3.5 characters, but fixed for fast lines. Modbus over Serial Line V1.02 §2.5.1.1 */
export function frameGapMs(settings: SerialSettings): number {
  return settings.baudRate > 19_200 ? 1.75 : 3.5 * characterMs(settings)
}

export interface TransportParts {
  readonly clock: Clock
  readonly lineClock: Clock
  readonly serialPorts: SerialPorts
}

export function transportFor(connection: Connection, parts: TransportParts, events: TransportEvents): Transport {
  const { end, hasEcho } = connection
  const { clock, lineClock, serialPorts } = parts
  const common = { clock, lineClock, events }
  switch (end.kind) {
    case 'tcp':
      return new StreamTransport({
        ...common,
        openWire: tcpWire(end.host, end.port),
        framing: new MbapFraming(),
        where: `${end.host}:${end.port}`,
        mayDieSilently: true,
      })
    case 'rtu-over-tcp':
      return new StreamTransport({
        ...common,
        openWire: tcpWire(end.host, end.port),
        // The line is behind the device server: it keeps the silences.
        framing: new RtuFraming({ clock: lineClock, charMs: 0, gapMs: 0, hasEcho }),
        where: `${end.host}:${end.port}`,
        mayDieSilently: true,
      })
    case 'rtu':
      return new StreamTransport({
        ...common,
        openWire: serialPorts.wire(end),
        framing: new RtuFraming({ clock: lineClock, charMs: characterMs(end), gapMs: frameGapMs(end), hasEcho }),
        where: end.path,
        mayDieSilently: false,
      })
  }
}
