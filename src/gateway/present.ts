// The configuration and model that are in force: one holder, so that whoever asks sees the present ones after a reload.

import type { GatewayConfig } from '#config/gateway-config.ts'
import type { Model, Sensor, SensorNumber } from '#domain/sensor.ts'

export class Present {
  #config: GatewayConfig
  #model: Model
  /** Of sensors that this run had and no longer has: their last settings. */
  readonly #retired = new Map<SensorNumber, Sensor>()

  #changing: Promise<unknown> = Promise.resolve()

  constructor(config: GatewayConfig, model: Model) {
    this.#config = config
    this.#model = model
  }

  get config(): GatewayConfig {
    return this.#config
  }

  /** `retired` holds what was removed in this run. */
  get model(): Model {
    return this.#model
  }

  /** Changes of it, one after the other. */
  inTurn<T>(change: () => Promise<T>): Promise<T> {
    const changed = this.#changing.then(change)
    this.#changing = changed.catch(() => {})
    return changed
  }

  /** True for a device of the configuration that takes readings by HTTP. */
  takesReadings(device: string): boolean {
    return this.#config.devices.some(({ id, driver }) => id === device && driver === 'http')
  }

  replace(config: GatewayConfig, model: Model): void {
    for (const sensor of this.#model.sensors) this.#retired.set(sensor.number, sensor)
    for (const { number } of model.sensors) this.#retired.delete(number)
    const retired = new Map(this.#retired)
    this.#config = config
    this.#model = {
      ...model,
      retired: [...retired.values()],
      sensorAt: (number) => model.sensorAt(number) ?? retired.get(number),
    }
  }
}
