// The values of a simulated device by point: from its signals, spoilt by the faults of values, and changed by who writes.

import { createSignal, type Signal, type SignalSpec } from './signals.ts'

export type PointValue = number | boolean | string

export interface PointSpec {
  readonly id: string
  /** null: it keeps its value until somebody writes another. */
  readonly signal: SignalSpec | null
  readonly value: PointValue
  /** Digits behind the decimal point; null: as it comes. */
  readonly decimals: number | null
}

export type ValueFault =
  | { readonly type: 'stuck'; readonly point: string }
  | { readonly type: 'spike'; readonly point: string; readonly by: number }
  | { readonly type: 'drift'; readonly point: string; readonly perSecond: number }

interface Point {
  readonly spec: PointSpec
  readonly signal: Signal | null
  held: PointValue
  readonly faults: Map<ValueFault, number>
  stuckAt: PointValue | null
}

export class Points {
  readonly #points = new Map<string, Point>()
  readonly #seconds: () => number

  /** @param seconds from the start. */
  constructor(specs: readonly PointSpec[], seconds: () => number, random: () => number) {
    this.#seconds = seconds
    for (const spec of specs) {
      const signal = spec.signal === null ? null : createSignal(spec.signal, random)
      this.#points.set(spec.id, { spec, signal, held: spec.value, faults: new Map(), stuckAt: null })
    }
  }

  get ids(): readonly string[] {
    return [...this.#points.keys()]
  }

  /** The present value. */
  read(id: string): PointValue {
    const point = this.#points.get(id)
    if (point === undefined) return 0
    if (point.stuckAt !== null) return point.stuckAt
    let value = point.signal === null ? point.held : point.signal(this.#seconds())
    if (typeof value !== 'number') return value
    for (const [fault, since] of point.faults) value += shift(fault, this.#seconds() - since)
    return point.spec.decimals === null ? value : Number(value.toFixed(point.spec.decimals))
  }

  /** Somebody writes; without effect on a point that has a signal. */
  write(id: string, value: PointValue): void {
    const point = this.#points.get(id)
    if (point !== undefined) point.held = value
  }

  setFault(fault: ValueFault, isActive: boolean): void {
    const point = this.#points.get(fault.point)
    if (point === undefined) return
    if (fault.type === 'stuck') point.stuckAt = isActive ? this.read(fault.point) : null
    else if (isActive) point.faults.set(fault, this.#seconds())
    else point.faults.delete(fault)
  }
}

function shift(fault: ValueFault, seconds: number): number {
  switch (fault.type) {
    case 'stuck':
      return 0
    case 'spike':
      return fault.by
    case 'drift':
      return fault.perSecond * seconds
  }
}
