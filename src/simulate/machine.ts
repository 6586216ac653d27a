// What a simulated machine is: a model that steps through time, keeps its registers up to date and can be given a fault.

import type { SimulatedUnit } from './modbus-server.ts'

/** A fault and how long it lasts. `spike` lasts one step. */
export type Fault = 'overheat' | 'spike' | 'stuck' | 'silent'

export interface SimulatedMachine {
  /** Display name. */
  readonly name: string
  /** Device id in the gateway's configuration. */
  readonly device: string
  readonly unit: SimulatedUnit
  /** Faults that this machine knows. */
  readonly faults: readonly Fault[]
  /** Sensors of the device as YAML list entries, one to a line. */
  readonly sensors: readonly string[]
  /** Moves the model on and writes its registers. `seconds` > 0. */
  step(seconds: number, random: () => number): void
  /** Starts or ends a fault. */
  setFault(fault: Fault, active: boolean): void
}

/** A value that follows its target like a body that warms up: first-order lag with the given time constant. */
export class Lag {
  value: number
  readonly #timeConstant: number

  /** @param timeConstant seconds to cover 63 % of a step. */
  constructor(start: number, timeConstant: number) {
    this.value = start
    this.#timeConstant = timeConstant
  }

  follow(target: number, seconds: number): number {
    this.value += (target - this.value) * (1 - Math.exp(-seconds / this.#timeConstant))
    return this.value
  }
}
