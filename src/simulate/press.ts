// A hydraulic press: strokes, oil that warms with the load, pressure in the rhythm of the strokes, vibration of the frame.

import { gaussian } from '#kit/random.ts'
import { LineFaults } from './line-faults.ts'
import { Lag, type Fault, type SimulatedMachine } from './machine.ts'
import type { SimulatedUnit } from './modbus-server.ts'
import { RegisterBank } from './register-bank.ts'

const STROKE_RATE_REGISTER = 0
const RUNNING_COIL = 0
const STANDSTILL_OIL_DEGC = 26

export interface PressOptions {
  readonly number: number
  /** Strokes a minute at the start. */
  readonly strokeRate: number
  /** Temperature of the oil under load, °C. */
  readonly oilDegC: number
}

export class Press implements SimulatedMachine {
  readonly name: string
  readonly device: string
  readonly unit: SimulatedUnit = { bank: new RegisterBank(), faults: new LineFaults() }
  readonly faults: readonly Fault[] = ['overheat', 'spike', 'stuck', 'silent']
  readonly sensors = [
    '{ id: oil-temperature, description: Oil temperature, register: input, address: 0, type: float32, order: CDAB, unit: degC, deadband: { absolute: 0.05, maxInterval: 10s }, checks: [ { type: threshold, high: 65, highHigh: 75, hysteresis: 2, onDelay: 1s } ] }',
    '{ id: oil-pressure, description: Oil pressure, register: input, address: 2, type: int16, unit: bar, scale: { factor: 0.1 }, checks: [ { type: threshold, low: 90, high: 215, hysteresis: 5, onDelay: 1s } ] }',
    '{ id: vibration, description: Frame vibration, register: input, address: 3, type: float32, unit: mm/s, checks: [ { type: zscore, window: 120, sigma: 6 } ] }',
    '{ id: power, description: Motor power, register: input, address: 5, type: float32, unit: kW, deadband: { absolute: 0.1, maxInterval: 10s } }',
    '{ id: strokes, description: Strokes since start, register: input, address: 7, type: uint32 }',
    '{ id: guard-closed, description: Guard closed, register: discrete, address: 0 }',
    '{ id: running, description: Running, register: coil, address: 0, writable: true }',
    '{ id: stroke-rate, description: Stroke rate, register: holding, address: 0, type: uint16, unit: 1/min, writable: true }',
  ]

  readonly #options: PressOptions
  readonly #oil: Lag
  readonly #active = new Set<Fault>()
  #phase = 0
  #strokes = 0
  #stuckPressure: number | null = null

  constructor(options: PressOptions) {
    this.#options = options
    this.name = `Press ${options.number}`
    this.device = `press-${options.number}`
    this.#oil = new Lag(options.oilDegC, 4)
    this.unit.bank.setHolding(STROKE_RATE_REGISTER, options.strokeRate)
    this.unit.bank.coils[RUNNING_COIL] = 1
    this.unit.bank.setDiscrete(0, true)
  }

  setFault(fault: Fault, active: boolean): void {
    if (active) this.#active.add(fault)
    else this.#active.delete(fault)
    this.unit.faults.set('silence', this.#active.has('silent'))
    if (!this.#active.has('stuck')) this.#stuckPressure = null
  }

  step(seconds: number, random: () => number): void {
    const { bank } = this.unit
    const running = bank.coils[RUNNING_COIL] === 1
    const rate = running ? Math.min(80, bank.getHolding(STROKE_RATE_REGISTER)) : 0
    this.#phase += (rate / 60) * seconds
    this.#strokes += Math.floor(this.#phase)
    this.#phase %= 1
    const load = rate / this.#options.strokeRate

    const warm = STANDSTILL_OIL_DEGC + (this.#options.oilDegC - STANDSTILL_OIL_DEGC) * Math.sqrt(load)
    const oil = this.#oil.follow(warm + (this.#active.has('overheat') ? 40 : 0), seconds) + gaussian(random) * 0.08
    const squeeze = running ? Math.exp(-(((this.#phase - 0.5) / 0.12) ** 2)) : 0
    const pressure = (running ? 150 : 100) + 35 * squeeze + gaussian(random) * 1.2
    if (this.#active.has('stuck')) this.#stuckPressure ??= 231.4 // the transmitter's upper end
    const vibration = (running ? 1.8 : 0.2) * (1 + gaussian(random) * 0.06) + (this.#active.has('spike') ? 9 : 0)
    const power = running ? 22 + 30 * squeeze + 4 * load + gaussian(random) * 0.4 : 1.5 + gaussian(random) * 0.02

    bank.setInputFloatSwapped(0, oil)
    bank.setInputInt16(2, (this.#stuckPressure ?? pressure) * 10)
    bank.setInputFloat(3, Math.abs(vibration))
    bank.setInputFloat(5, power)
    bank.setInputUint32(7, this.#strokes)
  }
}
