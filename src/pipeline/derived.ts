// Sensors that the gateway works out from others, by expressions and by windows. An expression is evaluated once after the
// I/O of a turn, when all answers that have arrived are in the table; a window takes every reading. Results go into the
// same sink as readings of devices: they have checks, a deadband, a history, and other derived sensors may use them.

import type { WindowSpec } from '#domain/derivation.ts'
import { isBad, isGood } from '#domain/quality.ts'
import type { ReadingSink } from '#domain/reading.ts'
import type { Sensor, SensorNumber } from '#domain/sensor.ts'
import type { Clock } from '#kit/clock.ts'
import { dropCounter, type DropCounter } from '#kit/dropped.ts'
import type { Registry } from '#kit/metrics.ts'
import { bindExpression, type BoundExpression } from './operands.ts'
import { integerOf, Kind, type SensorTable } from './sensor-table.ts'
import { SlidingWindow } from './window.ts'

export interface DerivedOptions {
  readonly clock: Clock
  readonly registry: Registry
  readonly table: SensorTable
  /** Takes the results. */
  readonly sink: ReadingSink
}

interface DerivedExpression {
  readonly number: SensorNumber
  readonly expression: BoundExpression
}

interface DerivedWindow {
  readonly number: SensorNumber
  readonly of: SensorNumber
  readonly spec: WindowSpec
  readonly window: SlidingWindow
}

export class DerivedSensors {
  /** By sensor: 1 when something is worked out of it. */
  concerns = new Uint8Array(0)
  readonly #options: DerivedOptions
  readonly #late: DropCounter
  /** In the order of the model: each uses only sensors before it. */
  #expressions: DerivedExpression[] = []
  #windows: DerivedWindow[] = []
  /** By sensor: places in `#expressions`, and windows. */
  #expressionsOf: (number[] | undefined)[] = []
  #windowsOf: (DerivedWindow[] | undefined)[] = []
  readonly #due = new Set<number>()
  #scheduled: NodeJS.Immediate | null = null

  constructor(options: DerivedOptions) {
    this.#options = options
    this.#late = dropCounter(options.registry, 'pipeline', 'window-late')
  }

  get needsTick(): boolean {
    return this.#windows.length > 0
  }

  /** A sensor that is of concern has a new reading in the table. */
  onReading(sensor: SensorNumber): void {
    for (const window of this.#windowsOf[sensor] ?? []) this.#take(window)
    const places = this.#expressionsOf[sensor]
    if (places === undefined) return
    for (const place of places) this.#due.add(place)
    this.#scheduled ??= setImmediate(() => this.flush())
  }

  /** Works out what is due, now. */
  flush(): void {
    if (this.#scheduled !== null) clearImmediate(this.#scheduled)
    this.#scheduled = null
    // A result makes later ones due, never earlier ones: one pass is enough.
    for (let place = 0; place < this.#expressions.length && this.#due.size > 0; place++) {
      if (this.#due.delete(place)) this.#evaluate(this.#expressions[place]!)
    }
    if (this.#scheduled !== null && this.#due.size === 0) {
      clearImmediate(this.#scheduled)
      this.#scheduled = null
    }
  }

  /** Closes windows. */
  tick(): void {
    for (const window of this.#windows) this.#advance(window)
  }

  /** Takes up the sensors of a model; windows that are as before go on. */
  replace(sensors: readonly Sensor[]): void {
    const { table } = this.#options
    const byId = new Map(sensors.map((sensor) => [sensor.id, sensor]))
    const before = new Map(this.#windows.map((window) => [window.number, window]))
    this.concerns = new Uint8Array(table.size)
    this.#expressions = []
    this.#windows = []
    this.#expressionsOf = Array.from({ length: table.size })
    this.#windowsOf = Array.from({ length: table.size })
    this.#due.clear()
    for (const { number, derivation } of sensors) {
      if (derivation?.kind === 'expression') {
        const expression = bindExpression(derivation.text, null, { table, sensors: byId })
        if (expression) this.#addExpression({ number, expression })
      } else if (derivation?.kind === 'window') {
        const of = byId.get(derivation.window.of)
        if (of) this.#addWindow(number, of.number, derivation.window, before.get(number))
      }
    }
  }

  close(): void {
    this.flush()
  }

  #addExpression(derived: DerivedExpression): void {
    const place = this.#expressions.push(derived) - 1
    for (const operand of derived.expression.operands) {
      this.concerns[operand] = 1
      this.#expressionsOf[operand] = [...(this.#expressionsOf[operand] ?? []), place]
    }
  }

  #addWindow(number: SensorNumber, of: SensorNumber, spec: WindowSpec, known: DerivedWindow | undefined): void {
    const isSame = known !== undefined && known.of === of && JSON.stringify(known.spec) === JSON.stringify(spec)
    const window = isSame ? known : { number, of, spec, window: new SlidingWindow(spec) }
    this.#windows.push(window)
    this.concerns[of] = 1
    this.#windowsOf[of] = [...(this.#windowsOf[of] ?? []), window]
  }

  #evaluate({ number, expression }: DerivedExpression): void {
    const { sink, table } = this.#options
    const status = expression.worstStatus
    const time = latestTime(table, expression.operands)
    if (isBad(status)) return sink.bad(number, status, time)
    const result = expression.evaluate()
    if (typeof result === 'string') sink.text(number, result, status, time)
    // What is no number is refused by the sink, as from a device.
    else sink.number(number, result === undefined ? Number.NaN : Number(result), status, time)
  }

  #take(derived: DerivedWindow): void {
    const { table, clock } = this.#options
    const { of, window } = derived
    const now = clock.now()
    this.#advance(derived)
    const lateBefore = window.late
    window.take(isGood(table.latest.status[of]!) ? numberOf(table, of) : Number.NaN, table.latest.timeOf(of), now)
    if (window.late > lateBefore) this.#late.inc()
  }

  #advance({ number, window }: DerivedWindow): void {
    const { clock, sink } = this.#options
    window.advance(clock.now(), (value, status, endTime) => {
      if (isBad(status)) sink.bad(number, status, endTime)
      else sink.number(number, value, status, endTime)
    })
  }
}

function numberOf(table: SensorTable, sensor: SensorNumber): number {
  const kind = table.kind[sensor]
  const isInteger = kind === Kind.int64 || kind === Kind.uint64
  return isInteger ? Number(integerOf(table, table.latest, sensor)) : table.latest.value[sensor]!
}

/** Of the newest operand; operands without a reading have none. */
function latestTime(table: SensorTable, operands: readonly SensorNumber[]): number {
  let latest = Number.NaN
  for (const operand of operands) {
    const time = table.latest.timeOf(operand)
    if (!(time <= latest) && !Number.isNaN(time)) latest = time
  }
  return latest
}
