// Geometry of a sparkline: series and limits → SVG path and band, in a box of given width and height. Pure.

import type { Limits } from '../client/wire.ts'

export interface SparkSource {
  readonly length: number
  timeAt(index: number): number
  valueAt(index: number): number
}

export interface SparkBox {
  readonly from: number
  readonly to: number
  readonly width: number
  readonly height: number
}

export interface Spark {
  /** Path of the line; empty when there is no point in the box. */
  readonly line: string
  /** Where the newest value stands; null when it is a gap. */
  readonly end: { readonly x: number; readonly y: number } | null
  /** The normal band between low and high, within the box; null when the sensor has no limits. */
  readonly band: { readonly top: number; readonly bottom: number } | null
}

const INSET = 2 // room for the stroke

/**
 * The newest value is drawn through to `to`: a sensor with a deadband is silent while nothing changes.
 * `isStepped`: booleans jump, they do not slope.
 */
export function sparkPath(source: SparkSource, limits: Limits, box: SparkBox, isStepped: boolean): Spark {
  const range = valueRange(source, limits, box.from)
  const y = (value: number): number =>
    round(box.height - INSET - ((value - range.low) / (range.high - range.low)) * (box.height - 2 * INSET))
  const x = (time: number): number => round(((time - box.from) / (box.to - box.from)) * box.width)
  let line = ''
  let isOpen = false
  let lastY = 0
  for (let index = firstIndex(source, box.from); index < source.length; index++) {
    const value = source.valueAt(index)
    if (!Number.isFinite(value)) {
      isOpen = false
      continue
    }
    const atX = Math.max(0, x(source.timeAt(index)))
    const atY = y(value)
    if (!isOpen) line += `M${atX} ${atY}`
    else if (isStepped) line += `H${atX}V${atY}`
    else line += `L${atX} ${atY}`
    isOpen = true
    lastY = atY
  }
  if (isOpen) line += `H${box.width}`
  return { line, end: isOpen ? { x: box.width, y: lastY } : null, band: bandOf(limits, y, box.height) }
}

/** One point before the box is kept, so that the line enters from its edge. */
function firstIndex(source: SparkSource, from: number): number {
  let index = 0
  while (index < source.length && source.timeAt(index) < from) index += 1
  return Math.max(0, index - 1)
}

function bandOf(limits: Limits, y: (value: number) => number, height: number): Spark['band'] {
  const low = limits.low ?? limits.lowLow
  const high = limits.high ?? limits.highHigh
  if (low === null && high === null) return null
  return {
    top: high === null ? 0 : clamp(y(high), 0, height),
    bottom: low === null ? height : clamp(y(low), 0, height),
  }
}

/** What must be seen: all values, and the nearer limits, so that the distance to them can be judged. */
function valueRange(source: SparkSource, limits: Limits, from: number): { low: number; high: number } {
  let low = Number.POSITIVE_INFINITY
  let high = Number.NEGATIVE_INFINITY
  const see = (value: number | null): void => {
    if (value === null || !Number.isFinite(value)) return
    low = Math.min(low, value)
    high = Math.max(high, value)
  }
  for (let index = firstIndex(source, from); index < source.length; index++) see(source.valueAt(index))
  see(limits.low ?? limits.lowLow)
  see(limits.high ?? limits.highHigh)
  if (low > high) return { low: 0, high: 1 }
  const margin = (high - low) * 0.08 || Math.max(Math.abs(high) * 0.05, 0.5)
  return { low: low - margin, high: high + margin }
}

function clamp(value: number, low: number, high: number): number {
  return Math.min(high, Math.max(low, value))
}

function round(value: number): number {
  return Math.round(value * 10) / 10
}
