// The machines that serve the presses: a compressor, a chiller and the energy meter of the hall.

import { gaussian } from '#kit/random.ts'
import { LineFaults } from './line-faults.ts'
import { Lag, type Fault, type SimulatedMachine } from './machine.ts'
import type { SimulatedUnit } from './modbus-server.ts'
import { RegisterBank } from './register-bank.ts'

abstract class Utility implements SimulatedMachine {
  abstract readonly name: string
  abstract readonly device: string
  abstract readonly faults: readonly Fault[]
  abstract readonly sensors: readonly string[]
  readonly unit: SimulatedUnit = { bank: new RegisterBank(), faults: new LineFaults() }
  protected readonly active = new Set<Fault>()

  setFault(fault: Fault, active: boolean): void {
    if (active) this.active.add(fault)
    else this.active.delete(fault)
    this.unit.faults.set('silence', this.active.has('silent'))
  }

  abstract step(seconds: number, random: () => number): void
}

/** A screw compressor that loads at 6.8 bar and unloads at 7.6 bar. */
export class Compressor extends Utility {
  readonly name = 'Compressor'
  readonly device = 'compressor'
  readonly faults: readonly Fault[] = ['overheat', 'silent']
  readonly sensors = [
    '{ id: pressure, description: Network pressure, register: input, address: 0, type: float32, unit: bar, checks: [ { type: threshold, low: 6.2, high: 8, hysteresis: 0.1, onDelay: 2s } ] }',
    '{ id: discharge-temperature, description: Discharge temperature, register: input, address: 2, type: float32, unit: degC, deadband: { absolute: 0.1, maxInterval: 10s }, checks: [ { type: threshold, high: 95, highHigh: 105, hysteresis: 3, onDelay: 1s } ] }',
    '{ id: power, description: Power, register: input, address: 4, type: float32, unit: kW, deadband: { absolute: 0.1, maxInterval: 10s } }',
    '{ id: loaded, description: Loaded, register: discrete, address: 0 }',
  ]
  readonly #temperature = new Lag(82, 5)
  #pressure = 7.1
  #isLoaded = true

  step(seconds: number, random: () => number): void {
    const { bank } = this.unit
    if (this.#pressure > 7.6) this.#isLoaded = false
    if (this.#pressure < 6.8) this.#isLoaded = true
    this.#pressure += ((this.#isLoaded ? 0.05 : -0.035) + gaussian(random) * 0.004) * seconds
    const target = (this.#isLoaded ? 84 : 76) + (this.active.has('overheat') ? 32 : 0)
    bank.setInputFloat(0, this.#pressure + gaussian(random) * 0.01)
    bank.setInputFloat(2, this.#temperature.follow(target, seconds) + gaussian(random) * 0.1)
    bank.setInputFloat(4, (this.#isLoaded ? 54 : 18) + gaussian(random) * 0.3)
    bank.setDiscrete(0, this.#isLoaded)
  }
}

/** A chiller that keeps the presses' cooling water at 12 °C. */
export class Chiller extends Utility {
  readonly name = 'Chiller'
  readonly device = 'chiller'
  readonly faults: readonly Fault[] = ['overheat', 'spike', 'silent']
  readonly sensors = [
    '{ id: supply-temperature, description: Supply temperature, register: holding, address: 100, type: int16, unit: degC, scale: { factor: 0.01 }, checks: [ { type: threshold, low: 8, high: 15, highHigh: 18, hysteresis: 0.5, onDelay: 2s } ] }',
    '{ id: return-temperature, description: Return temperature, register: holding, address: 101, type: int16, unit: degC, scale: { factor: 0.01 } }',
    '{ id: flow, description: Water flow, register: holding, address: 102, type: uint16, unit: l/min, scale: { factor: 0.1 }, checks: [ { type: zscore, window: 120, sigma: 6 } ] }',
    '{ id: setpoint, description: Supply setpoint, register: holding, address: 200, type: int16, unit: degC, scale: { factor: 0.1 }, writable: true }',
  ]
  readonly #supply = new Lag(12, 3)

  constructor() {
    super()
    this.unit.bank.setHolding(200, 120)
  }

  step(seconds: number, random: () => number): void {
    const { bank } = this.unit
    const setpoint = bank.holding.getInt16(400) / 10
    const supply =
      this.#supply.follow(setpoint + (this.active.has('overheat') ? 9 : 0), seconds) + gaussian(random) * 0.03
    const flow = 240 + gaussian(random) * 1.5 + (this.active.has('spike') ? -120 : 0)
    bank.holding.setInt16(200, Math.round(supply * 100))
    bank.holding.setInt16(202, Math.round((supply + 5.2 + gaussian(random) * 0.05) * 100))
    bank.setHolding(102, Math.round(flow * 10))
  }
}

/** A three-phase meter whose energy counter needs all 64 bits. */
export class EnergyMeter extends Utility {
  readonly name = 'Energy meter'
  readonly device = 'meter'
  readonly faults: readonly Fault[] = ['silent']
  readonly sensors = [
    '{ id: voltage-l1, description: Voltage L1, register: input, address: 0, type: float32, unit: V, deadband: { absolute: 0.2, maxInterval: 10s }, checks: [ { type: threshold, low: 207, high: 253, hysteresis: 2 } ] }',
    '{ id: voltage-l2, description: Voltage L2, register: input, address: 2, type: float32, unit: V, deadband: { absolute: 0.2, maxInterval: 10s }, checks: [ { type: threshold, low: 207, high: 253, hysteresis: 2 } ] }',
    '{ id: voltage-l3, description: Voltage L3, register: input, address: 4, type: float32, unit: V, deadband: { absolute: 0.2, maxInterval: 10s }, checks: [ { type: threshold, low: 207, high: 253, hysteresis: 2 } ] }',
    '{ id: frequency, description: Frequency, register: input, address: 6, type: uint16, unit: Hz, scale: { factor: 0.001 } }',
    '{ id: energy, description: Energy, register: input, address: 8, type: uint64, unit: mWh }',
  ]
  #energy = 9_007_199_254_740_993n // 2^53 + 1: a double could not hold it

  step(seconds: number, random: () => number): void {
    const { bank } = this.unit
    this.#energy += BigInt(Math.round((180_000_000 / 3600) * seconds))
    for (const phase of [0, 1, 2]) bank.setInputFloat(phase * 2, 231 + phase * 0.4 + gaussian(random) * 0.3)
    bank.input.setUint16(12, Math.round(50_000 + gaussian(random) * 8))
    bank.input.setBigUint64(16, this.#energy)
  }
}
