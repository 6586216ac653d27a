// Sensors that no configuration names: programs began to send them to a device that takes any. They are kept in a file of
// the data folder, replaced as a whole, and added to every configuration that is brought in, as if it named them.

import { readFile, rename } from 'node:fs/promises'
import { join } from 'node:path'
import type { DeviceConfig, GatewayConfig, SensorConfig } from '#config/gateway-config.ts'
import type { Catalogue } from '#config/load.ts'
import type { Log } from '#domain/driver.ts'
import { TelemetryError, toTelemetryError } from '#domain/errors.ts'
import { isId } from '#domain/ids.ts'
import type { AppearingSensor } from '#domain/ingest.ts'
import type { ValueType } from '#domain/value.ts'
import { replaceFile } from '#kit/replace-file.ts'
import { APPEARED_FILE } from './data-files.ts'

const VALUE_TYPES: readonly ValueType[] = ['number', 'boolean', 'int64', 'uint64', 'string']

export interface AppearedOptions {
  readonly dataDir: string
  readonly catalogue: Catalogue
  readonly log: Log
}

export class AppearedSensors {
  readonly #options: AppearedOptions
  /** By device, in the order in which they appeared. */
  #sensors: ReadonlyMap<string, readonly AppearingSensor[]>

  private constructor(options: AppearedOptions, sensors: ReadonlyMap<string, readonly AppearingSensor[]>) {
    this.#options = options
    this.#sensors = sensors
  }

  /** Reads the file; one that is damaged is set aside and told. Throws STORE_IO. */
  static async load(options: AppearedOptions): Promise<AppearedSensors> {
    const path = join(options.dataDir, APPEARED_FILE)
    let text: string
    try {
      text = await readFile(path, 'utf8')
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'ENOENT')
        return new AppearedSensors(options, new Map())
      throw toTelemetryError(error, 'STORE_IO', { context: { path } })
    }
    const sensors = parse(text)
    if (sensors !== null) return new AppearedSensors(options, sensors)
    const aside = `${path}.corrupt`
    await rename(path, aside)
    options.log.error(
      { path, aside },
      'The sensors that had appeared cannot be read; they appear anew as they are sent',
    )
    return new AppearedSensors(options, new Map())
  }

  /** `config` with those of its devices that take any. Does nothing a second time. */
  extend(config: GatewayConfig): GatewayConfig {
    return { ...config, devices: config.devices.map((device) => this.#extendDevice(device)) }
  }

  /**
   * Adds to a device's sensors; false: all of them were there already. Durable when it resolves. Throws OUT_OF_RANGE when they
   * become too many, NOT_FOUND, STORE_IO.
   */
  async add(config: GatewayConfig, deviceId: string, appearing: readonly AppearingSensor[]): Promise<boolean> {
    const present = config.devices.find(({ id }) => id === deviceId)
    const max = present && this.#maxOf(present)
    if (!present || max === null || max === undefined)
      throw new TelemetryError('NOT_FOUND', `${deviceId} takes no sensors that the configuration does not name`)
    const known = new Set(this.#extendDevice(present).sensors.map(({ id }) => id))
    const added = appearing.filter(({ name }) => !known.has(name))
    if (added.length === 0) return false
    if (known.size + added.length > max)
      throw new TelemetryError('OUT_OF_RANGE', `${deviceId} has at most ${max} sensors (maxSensors)`)
    this.#checkBuffer(config, added.length)
    const sensors = new Map(this.#sensors)
    sensors.set(deviceId, [...(this.#sensors.get(deviceId) ?? []), ...added])
    await this.#write(sensors)
    this.#sensors = sensors
    return true
  }

  async #write(sensors: ReadonlyMap<string, readonly AppearingSensor[]>): Promise<void> {
    const devices = Object.fromEntries(sensors)
    try {
      await replaceFile(
        join(this.#options.dataDir, APPEARED_FILE),
        `${JSON.stringify({ version: 1, devices }, null, 2)}\n`,
        {
          mode: 0o600,
        },
      )
    } catch (error) {
      throw toTelemetryError(error, 'STORE_IO', { retryable: true })
    }
  }

  /** As the rule for configurations: the ring holds two readings of each sensor. */
  #checkBuffer({ devices, derived, buffer }: GatewayConfig, more: number): void {
    const sensors = devices.reduce((sum, device) => sum + this.#extendDevice(device).sensors.length, derived.length)
    if (2 * (sensors + more) <= buffer.capacity) return
    const words = `buffer.capacity is ${buffer.capacity}, too small for ${sensors + more} sensors`
    throw new TelemetryError('OUT_OF_RANGE', words)
  }

  #maxOf({ driver, config }: DeviceConfig): number | null {
    return this.#options.catalogue.drivers.get(driver)?.maxSensors?.(config) ?? null
  }

  #extendDevice(device: DeviceConfig): DeviceConfig {
    const appeared = this.#sensors.get(device.id) ?? []
    const max = appeared.length === 0 ? null : this.#maxOf(device)
    if (max === null) return device
    const named = new Set(device.sensors.map(({ id }) => id))
    const room = Math.max(0, max - named.size)
    const added = appeared.filter(({ name }) => !named.has(name)).slice(0, room)
    return added.length === 0 ? device : { ...device, sensors: [...device.sensors, ...added.map(sensorConfig)] }
  }
}

function sensorConfig({ name, valueType, config }: AppearingSensor): SensorConfig {
  return {
    id: name,
    description: '',
    unit: '',
    writable: false,
    writeLimits: null,
    scale: null,
    deadband: null,
    checks: [],
    pollMs: null,
    valueType,
    config,
  }
}

function parse(text: string): Map<string, readonly AppearingSensor[]> | null {
  try {
    const root: unknown = JSON.parse(text)
    if (!isRecord(root) || root['version'] !== 1 || !isRecord(root['devices'])) return null
    const devices = Object.entries(root['devices'])
    if (!devices.every(([, sensors]) => Array.isArray(sensors) && sensors.every(isAppearing))) return null
    return new Map(devices as [string, AppearingSensor[]][])
  } catch {
    return null
  }
}

function isAppearing(value: unknown): value is AppearingSensor {
  if (!isRecord(value) || !isRecord(value['config'])) return false
  const { name, valueType } = value
  return typeof name === 'string' && isId(name) && VALUE_TYPES.some((type) => type === valueType)
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
