// The scans that the API offers, with the tools of `telemetryx scan`: one at a time, bounded in time, and fair to the devices that
// run. A serial line has one user: a scan of one that a device has is refused. On a TCP connection's end it may be a second
// one, and then leaves half of the time to the first.

import { realpath } from 'node:fs/promises'
import { TelemetryError } from '#domain/errors.ts'
import type {
  ModbusScanRequest,
  OpcuaScanRequest,
  ScanEnd,
  Scans,
  ScanStep,
  SerialListenRequest,
} from '#domain/scan.ts'
import type { DeviceStatus } from '#domain/views.ts'
import type { Clock } from '#kit/clock.ts'
import { progressText, scanModbusLine, SERIAL_UNITS, TCP_UNITS } from './modbus-tools.ts'
import { scanOpcuaInThread } from './opcua-scan-thread.ts'
import { listenToPort, serialPorts } from './serial-tools.ts'
import { suggestModbus } from './suggest-modbus.ts'
import { suggestOpcua } from './suggest-opcua.ts'
import { suggestSerial } from './suggest-serial.ts'

type Tell = (step: ScanStep) => void

/** Of one scan; what was found until then stays found. */
const MAX_MS = 10 * 60_000
const PAUSE_MS = 20
const BLOCK = 100
const STEP = 10

export interface GatewayScansOptions {
  readonly clock: Clock
  readonly dataDir: string
  readonly devices: () => readonly DeviceStatus[]
  /** Default: 10 minutes. */
  readonly maxMs?: number
}

export class GatewayScans implements Scans {
  readonly #options: GatewayScansOptions
  #isBusy = false

  constructor(options: GatewayScansOptions) {
    this.#options = options
  }

  async modbus(request: ModbusScanRequest, step: Tell, signal: AbortSignal): Promise<ScanEnd> {
    const { connection, tables, addresses, limit, units, timeoutMs } = request
    const where = connection.path ?? `${connection.host}:${connection.port ?? 502}`
    const isShared = await this.#refuseTaken(connection)
    return this.#bounded(signal, async (bounded) => {
      const wanted = units ?? (connection.transport === 'rtu' ? SERIAL_UNITS : TCP_UNITS)
      let answering = 0
      const { requests, ignoresUnit } = await scanModbusLine({
        connection: { ...connection, timeout: timeoutMs },
        units: wanted,
        tables,
        addresses,
        block: BLOCK,
        step: STEP,
        pauseMs: PAUSE_MS,
        identify: true,
        mayIgnoreUnit: connection.transport === 'tcp' && units === null,
        isShared,
        signal: bounded,
        onProgress: (progress) => step({ type: 'progress', text: progressText(progress) }),
        onUnit: (unit) => {
          answering += 1
          step({ type: 'device', device: suggestModbus(unit, { connection, where, limit }) })
        },
      })
      const notes = [`${answering} of ${wanted.length} units answer; ${requests} requests`]
      if (ignoresUnit) notes.push('Every unit id is answered: this seems to be one device')
      return { isCut: false, notes }
    })
  }

  opcua(request: OpcuaScanRequest, step: Tell, signal: AbortSignal): Promise<ScanEnd> {
    const { endpoint, security, user, start, depth, limit } = request
    return this.#bounded(signal, async (bounded) => {
      step({ type: 'progress', text: 'connecting' })
      const { variables, skipped, isCut } = await scanOpcuaInThread({
        // The scan's own checks refuse what the types would.
        connection: { endpoint, security, user } as Parameters<typeof scanOpcuaInThread>[0]['connection'],
        dataDir: security === undefined ? null : this.#options.dataDir,
        start,
        depth,
        limit,
        signal: bounded,
        onProgress: (count) => step({ type: 'progress', text: `${count} variables found` }),
      })
      step({ type: 'device', device: suggestOpcua(request, variables) })
      const left = skipped === 0 ? [] : [`${skipped} variables left out: arrays, structures, or not readable`]
      return { isCut, notes: left }
    })
  }

  async ports(step: Tell): Promise<ScanEnd> {
    for (const port of await serialPorts()) {
      step({ type: 'port', port: { ...port, usedBy: (await this.#ownerOf(port.path))?.id ?? null } })
    }
    return { isCut: false, notes: [] }
  }

  async listen({ path, baudRates, listenMs }: SerialListenRequest, step: Tell, signal: AbortSignal): Promise<ScanEnd> {
    await this.#refuseOwned(path)
    return this.#bounded(signal, async (bounded) => {
      const { heard, best } = await listenToPort({
        path,
        ...(baudRates && { baudRates }),
        listenMs,
        signal: bounded,
        onRate: (rate) => step({ type: 'progress', text: `listening at ${rate} baud` }),
      })
      for (const { baudRate, bytes, printable, parity, sample } of heard)
        step({ type: 'heard', heard: { baudRate, bytes, printable, parity, sample } })
      if (best === null)
        return {
          isCut: false,
          notes: ['Nothing readable came in. A device that must be asked sends nothing by itself.'],
        }
      step({ type: 'device', device: suggestSerial(path, best) })
      return { isCut: false, notes: [] }
    })
  }

  async #bounded(signal: AbortSignal, scan: (bounded: AbortSignal) => Promise<ScanEnd>): Promise<ScanEnd> {
    if (this.#isBusy) throw new TelemetryError('CONFLICT', 'Another scan runs; wait until it is done')
    this.#isBusy = true
    const { clock, maxMs = MAX_MS } = this.#options
    const over = new AbortController()
    const timer = clock.after(maxMs, () => over.abort())
    try {
      return await scan(AbortSignal.any([signal, over.signal]))
    } catch (error) {
      if (!over.signal.aborted || signal.aborted) throw error
      return { isCut: true, notes: [`Ended after ${Math.round(maxMs / 60_000)} minutes; ask for less at once`] }
    } finally {
      timer.cancel()
      this.#isBusy = false
    }
  }

  /** Answers whether a running device talks to the same end. Throws CONFLICT for a line that has room for one only. */
  async #refuseTaken({
    transport,
    path = '',
    host = '',
    port = 502,
  }: ModbusScanRequest['connection']): Promise<boolean> {
    if (transport === 'rtu') {
      await this.#refuseOwned(path)
      return false
    }
    const end = `${host.includes(':') ? `[${host}]` : host}:${port}`.toLowerCase()
    const others = this.#running().filter(({ bus }) => bus.toLowerCase().endsWith(`://${end}`))
    // Frames of a serial line carry no number: behind one device server a second user would get the answers of the first.
    const owner = others.find(({ bus }) => transport === 'rtu-over-tcp' || bus.startsWith('rtu-over-tcp:'))
    if (owner) throw takenBy(owner, end)
    return others.length > 0
  }

  async #refuseOwned(path: string): Promise<void> {
    const owner = await this.#ownerOf(path)
    if (owner) throw takenBy(owner, path)
  }

  async #ownerOf(path: string): Promise<DeviceStatus | undefined> {
    const wanted = await resolved(path)
    for (const device of this.#running()) {
      const { bus } = device
      if (bus.startsWith('serial:') && (await resolved(bus.slice('serial:'.length))) === wanted) return device
    }
    return undefined
  }

  #running(): readonly DeviceStatus[] {
    return this.#options.devices().filter(({ state }) => state !== 'stopped')
  }
}

function takenBy({ id }: DeviceStatus, where: string): TelemetryError {
  const message = `The device ${id} uses ${where}, and it has room for one only; take the device out of the configuration, or look at its registers`
  return new TelemetryError('CONFLICT', message, { context: { device: id } })
}

/** What a name under /dev/serial/by-id stands for. */
async function resolved(path: string): Promise<string> {
  return realpath(path).catch(() => path)
}
