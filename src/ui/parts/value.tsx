// A sensor's live value. Integer part and fraction are two cells, so that a column aligns at the decimal sign; a change touches only
// the text nodes.

import { useComputed } from '@preact/signals'
import type { JSX } from 'preact'
import type { JsonValue, ValueType } from '../client/wire.ts'
import { formatValue, splitAtPoint } from '../format/number.ts'
import { displayUnit } from '../format/words.ts'
import type { LiveSensor } from '../state/live-sensor.ts'

/** Text and counters of 64 bits need the room of the sparkline; a counter's slope says nothing anyway. */
export function isWide(type: ValueType): boolean {
  return type === 'string' || type === 'int64' || type === 'uint64'
}

export function LiveValue({ live }: { readonly live: LiveSensor }): JSX.Element {
  const text = useComputed(() => formatValue(live.latest.value.value, live.sensor.type, live.decimals.value))
  const integer = useComputed(() => splitAtPoint(text.value)[0])
  const fraction = useComputed(() => splitAtPoint(text.value)[1])
  const state = useComputed(
    () => `value value-${live.valueCondition.value}${isWide(live.sensor.type) ? ' value-wide' : ''}`,
  )
  return (
    <span class={state}>
      <span class="value-number">
        <span class="value-integer">{integer}</span>
        <span class="value-fraction">{fraction}</span>
      </span>
      <span class="value-unit">{displayUnit(live.sensor.unit)}</span>
    </span>
  )
}

interface ValueProps {
  readonly value: JsonValue
  readonly type: ValueType
  readonly decimals: number
  readonly unit: string
}

/** A value that does not move. */
export function Value({ value, type, decimals, unit }: ValueProps): JSX.Element {
  const [integer, fraction] = splitAtPoint(formatValue(value, type, decimals))
  return (
    <span class={`value${isWide(type) ? ' value-wide' : ''}`}>
      <span class="value-number">
        <span class="value-integer">{integer}</span>
        <span class="value-fraction">{fraction}</span>
      </span>
      <span class="value-unit">{displayUnit(unit)}</span>
    </span>
  )
}
