// Looking for what could be a device, for people who set a gateway up: what is found is told step by step, as configuration
// that can be written as it is. Nothing is changed by a scan: it reads.

/** A sensor as it could stand in gateway.yaml. */
export interface SuggestedSensor {
  readonly config: Readonly<Record<string, string | number | boolean>>
  /** What it reads at present; null: not known. */
  readonly value: number | boolean | string | null
  /** Other readings of the same bytes: keys beside those of `config`, and what the value would be then. */
  readonly alternatives: readonly {
    readonly config: Readonly<Record<string, string | number | boolean>>
    readonly value: number
  }[]
}

/** A device as it could stand in gateway.yaml. */
export interface SuggestedDevice {
  /** All keys but `sensors`. */
  readonly config: { readonly id: string; readonly driver: string; readonly connection: object } & Readonly<
    Record<string, unknown>
  >
  /** What it says of itself; empty when it says nothing. */
  readonly title: string
  readonly sensors: readonly SuggestedSensor[]
  /** Sensors left out because of the limit. */
  readonly left: number
  /** For people. */
  readonly notes: readonly string[]
}

export interface FoundSerialPort {
  readonly path: string
  /** Its name under /dev/serial/by-id, which stays the same; null when it has none. */
  readonly byId: string | null
  readonly manufacturer: string
  readonly product: string
  readonly serialNumber: string
  /** Id of the running device that has it; null: it is free. */
  readonly usedBy: string | null
}

/** What came in at one baud rate. */
export interface HeardOnPort {
  readonly baudRate: number
  readonly bytes: number
  /** Share of printable characters, 0 to 1. */
  readonly printable: number
  readonly parity: 'none' | 'even' | 'odd'
  /** The last line, or the end of what came, printable characters only. */
  readonly sample: string
}

export type ScanStep =
  | { readonly type: 'progress'; readonly text: string }
  | { readonly type: 'device'; readonly device: SuggestedDevice }
  | { readonly type: 'port'; readonly port: FoundSerialPort }
  | { readonly type: 'heard'; readonly heard: HeardOnPort }

export interface ScanEnd {
  /** It was ended by its time or its limits: there may be more. */
  readonly isCut: boolean
  /** For people. */
  readonly notes: readonly string[]
}

export type ModbusTable = 'coil' | 'discrete' | 'input' | 'holding'

export interface ModbusScanRequest {
  readonly connection: {
    readonly transport: 'tcp' | 'rtu' | 'rtu-over-tcp'
    readonly host?: string
    readonly port?: number
    readonly path?: string
    readonly baudRate?: number
    readonly parity?: 'none' | 'even' | 'odd'
    readonly stopBits?: 1 | 2
  }
  /** Milliseconds for each answer. */
  readonly timeoutMs: number
  /** null: those that are usual on such a connection. */
  readonly units: readonly number[] | null
  readonly tables: readonly ModbusTable[]
  /** Both ends included. */
  readonly addresses: { readonly from: number; readonly to: number }
  /** Most sensors of a unit. */
  readonly limit: number
}

export interface OpcuaScanRequest {
  readonly endpoint: string
  readonly security?: { readonly policy: string; readonly mode?: string }
  readonly user?: { readonly name: string; readonly password: string }
  /** Node id below which it looks. */
  readonly start: string
  readonly depth: number
  readonly limit: number
}

export interface SerialListenRequest {
  readonly path: string
  /** null: the common ones. */
  readonly baudRates: readonly number[] | null
  /** Milliseconds at each rate. */
  readonly listenMs: number
}

/**
 * Each tells its steps and resolves at its end. Throws CONFLICT (a running device has the line, or another scan runs),
 * CONNECTION_FAILED, TIMEOUT, PERMISSION_DENIED, USAGE, ABORTED, …
 */
export interface Scans {
  modbus(request: ModbusScanRequest, step: (step: ScanStep) => void, signal: AbortSignal): Promise<ScanEnd>
  opcua(request: OpcuaScanRequest, step: (step: ScanStep) => void, signal: AbortSignal): Promise<ScanEnd>
  /** Tells the serial ports of the machine. */
  ports(step: (step: ScanStep) => void): Promise<ScanEnd>
  /** Listens to one port, and sends nothing. */
  listen(request: SerialListenRequest, step: (step: ScanStep) => void, signal: AbortSignal): Promise<ScanEnd>
}
