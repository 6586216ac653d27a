// The driver port: how a protocol is added. A driver knows its protocol and nothing of schedules, retries, scaling or storage.

import type { TObject } from 'typebox'
import type { LocalBroker } from './broker.ts'
import type { Inbox } from './ingest.ts'
import type { ReadingSink } from './reading.ts'
import type { Sensor, SensorNumber } from './sensor.ts'
import type { Value, ValueType } from './value.ts'

/** Minimum of a logger, so that domain needs no library: fields first, message second. */
export interface Log {
  debug(fields: object, message: string): void
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
  error(fields: object, message: string): void
}

/** A problem that a schema cannot express. `path` leads into the device's YAML: `['sensors', 3, 'order']`. */
export interface ConfigProblem {
  readonly path: readonly (string | number)[]
  readonly message: string
}

/** A sensor with its driver's own addressing, decoded by the driver's sensorSchema. */
export interface Point<S = unknown> {
  readonly sensor: Sensor
  readonly config: S
}

/** Points that are polled together. Sources that send by themselves have one group with intervalMs null. */
export interface PointGroup<S = unknown> {
  readonly intervalMs: number | null
  readonly points: readonly Point<S>[]
}

export interface DeviceSetup<C = unknown, S = unknown> {
  readonly id: string
  /** The device's YAML keys that belong to the driver (`connection`, …), decoded by its deviceSchema. */
  readonly config: C
  readonly groups: readonly PointGroup<S>[]
}

/** What a gateway offers to its drivers beyond a place for readings. Each is absent where a driver runs without a gateway. */
export interface DriverServices {
  /** `look`: a single look beside a running gateway. Nothing may be sent that changes anything, nor a session of the gateway be taken. Default: `run`. */
  readonly purpose?: 'run' | 'look'
  /** Id of the gateway, for names at a server (an MQTT client id). */
  readonly gateway?: string
  /** The gateway's data folder, absolute: a driver keeps files in a folder of its own there (certificates). */
  readonly dataDir?: string
  /**
   * Resolves when everything that was given to the sink so far is durable in the journal: a source that keeps what is not
   * acknowledged is acknowledged then. Never rejects; waits while the disk refuses.
   */
  readonly durable?: () => Promise<void>
  /** False while the buffer is full: a source that can wait should; what is given to the sink now may be lost. */
  readonly hasRoom?: () => boolean
  /** The embedded MQTT broker. */
  readonly broker?: LocalBroker
  /** Where devices report that take what programs send by HTTP. */
  readonly inbox?: Inbox
}

export interface DriverContext extends DriverServices {
  readonly log: Log
  /** Wall clock, Unix milliseconds. */
  now(): number
  /** The device's connection is gone; the gateway will call `connect` again. May be called at any time, also twice. */
  lost(cause: unknown): void
  /** Counts an error of a kind that the driver tells apart, for example `crc`, `exception-2`, `late-answer`. */
  countError(kind: string): void
}

/** What the driver did in one poll, for statistics. */
export interface PollOutcome {
  /** Requests sent on the wire. */
  readonly requests: number
}

/** How many requests a device's points would take one by one, and how many the driver makes of them. */
export interface RequestPlan {
  /** Without planning: one for each point. */
  readonly pointRequests: number
  /** As planned at present, for one poll of every group. */
  readonly requests: number
}

/** A block of the tables that a device has beside its configured points: for people who look for the right address. */
export interface BlockRead {
  readonly table: 'coil' | 'discrete' | 'input' | 'holding'
  /** Of the first one, from 0. */
  readonly address: number
  /** Registers or bits, at least 1. */
  readonly count: number
  /** Unit (slave) on the same wire; null: the device's own. */
  readonly unit: number | null
}

/** Bytes that went over the wire, as a whole frame where the protocol has frames. */
export interface WireFrame {
  /** Unix milliseconds. */
  readonly time: number
  /** Seen from the gateway. */
  readonly direction: 'sent' | 'received'
  /** At most the first 260 bytes. */
  readonly bytes: Uint8Array
}

/** One device at run time. Calls never overlap except `close`, which may come at any moment. */
export interface Device {
  /**
   * Devices with the same bus share one wire (a serial port, one TCP connection) and are polled one after another.
   * For example `tcp://192.0.2.10:502` or `serial:/dev/ttyUSB0`.
   */
  readonly bus: string
  /** Opens the connection. Throws TelemetryError (CONNECTION_FAILED, TIMEOUT, …). */
  connect(signal: AbortSignal): Promise<void>
  /**
   * Reads every point of a group and gives each exactly one result to the sink. A refusal of some points (an exception
   * of the protocol) is `sink.bad` for these. Throws TelemetryError when the device as a whole did not answer; the
   * gateway then gives a bad reading for each point that had no result yet. Never gives a wrong value.
   * Not called for groups with intervalMs null.
   */
  poll(group: number, sink: ReadingSink, signal: AbortSignal): Promise<PollOutcome>
  /** For sources that send by themselves: starts it after each connect; readings then arrive at the sink at any time. */
  subscribe?(sink: ReadingSink, signal: AbortSignal): Promise<void>
  /** Writes a raw value (scaling undone) and reads it back. Throws NOT_WRITABLE, OUT_OF_RANGE, DEVICE_EXCEPTION, TIMEOUT, … */
  write?(sensor: SensorNumber, value: Value, signal: AbortSignal): Promise<Value>
  /**
   * For protocols with tables of registers: one request, reading only. Answers the bytes as they came, two for each register,
   * or one bit for each coil, the lowest first. Throws OUT_OF_RANGE, DEVICE_EXCEPTION, TIMEOUT, …
   */
  readBlock?(block: BlockRead, signal: AbortSignal): Promise<Uint8Array>
  /** For drivers that merge points into requests. */
  plan?(): RequestPlan
  /** The last frames on the wire, oldest first, bounded; copies. They outlive connections, so that a failure can be looked at. */
  frames?(): readonly WireFrame[]
  /** Closes the connection; `connect` may follow. Safe to call twice. */
  close(): Promise<void>
}

/** A device on a bus, for `Driver.busProblems`. */
export interface BusDevice {
  readonly id: string
  /** Decoded by the driver's deviceSchema. */
  readonly config: unknown
  readonly sensors: readonly {
    /** How often it is polled. */
    readonly intervalMs: number
    /** Decoded by the driver's sensorSchema. */
    readonly config: unknown
  }[]
}

/** A problem of several devices together, told at one of them. */
export interface BusProblem extends ConfigProblem {
  /** Position of the device at which it is told. */
  readonly device: number
}

/** A kind of driver, registered in the gateway's catalogue under `kind`. */
export interface Driver {
  /** The word after `driver:` in the YAML. */
  readonly kind: string
  /** Driver-specific keys of a device, beside the common ones (id, driver, machine, poll, sensors, …). A strict object. */
  readonly deviceSchema: TObject
  /** Driver-specific keys of a sensor, beside the common ones (id, unit, scale, deadband, checks, …). A strict object. */
  readonly sensorSchema: TObject
  /** Value type of a sensor from its decoded driver-specific configuration, before scaling. */
  valueType(sensorConfig: unknown): ValueType
  /** Problems that the schemas cannot express; all of them at once. Gets decoded configurations. */
  problems(deviceConfig: unknown, sensorConfigs: readonly unknown[]): readonly ConfigProblem[]
  /** Problems that only all devices of this driver together show, for example a serial port that cannot keep up. */
  busProblems?(devices: readonly BusDevice[]): readonly BusProblem[]
  /**
   * True when a device so configured sends by itself: its points then form one group with intervalMs null, and `subscribe`
   * is called instead of `poll`. Default: it is polled.
   */
  sendsByItself?(deviceConfig: unknown): boolean
  /** True when a device so configured works by the gateway's embedded broker only. Default: no. */
  needsBroker?(deviceConfig: unknown): boolean
  /** Most sensors of a device that takes such as no configuration names, those that it names included; null: it takes none. */
  maxSensors?(deviceConfig: unknown): number | null
  /** How often a device is polled when its driver-specific configuration says so, in milliseconds; null: as `poll` says. */
  pollMs?(deviceConfig: unknown): number | null
  /**
   * Loads what takes long to load, before anything is polled: called once at the start of a gateway that has devices of this
   * driver. May reject: what is missing is told by the devices that need it.
   */
  prepare?(): Promise<void>
  /** Makes a device; does no I/O. Devices made by one driver object may share connections. */
  open(setup: DeviceSetup, context: DriverContext): Device
}
