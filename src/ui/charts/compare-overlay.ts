// What is drawn on a comparison beside its lines: the limits of each at its own scale, its alarms in a lane above the plot, and its
// letter where it ends. Told apart by letter and dashes, then by colour.

import type uPlot from 'uplot'
import type { Limits } from '../client/wire.ts'
import { formatShort } from '../format/number.ts'
import type { TrendData } from './trend-data.ts'
import { drawDiamond, scaledFont, type TrendColours, type TrendMarker } from './trend-overlay.ts'
import { rangeWithLimits } from './y-range.ts'

export interface ComparedLine {
  readonly id: string
  readonly letter: string
  readonly unit: string
  readonly decimals: number
  readonly isStepped: boolean
  readonly data: TrendData
  readonly limits: Limits
  /** Alarms and anomalies of the range. */
  readonly markers: readonly TrendMarker[]
}

export const DASHES: readonly (readonly number[])[] = [[], [8, 4], [2, 3], [10, 3, 2, 3], [5, 2], [1, 5]]
/** Above the plot each line has a lane for its alarms. */
const LANE_PX = 9
const LANE_TOP_PX = 6

/** Pixels above the plot for the alarms of so many lines. */
export function lanesHeight(lines: number): number {
  return LANE_TOP_PX + LANE_PX * lines
}

/** Of one scale: the values of its lines, and their limits that are not far away. */
export function scaleRange(
  lines: readonly ComparedLine[],
  low: number | null,
  high: number | null,
): uPlot.Range.MinMax {
  const limits = lines.flatMap((line) => Object.values(line.limits) as readonly (number | null)[])
  const isStepped = lines.length > 0 && lines.every((line) => line.isStepped)
  return rangeWithLimits(low, high, limits, isStepped)
}

export function seriesColour(element: HTMLElement, index: number): string {
  return getComputedStyle(element)
    .getPropertyValue(`--series-${(index % DASHES.length) + 1}`)
    .trim()
}

export interface Drawn {
  readonly colours: TrendColours
  readonly of: readonly number[]
  readonly target: HTMLElement
}

/** The letter of each line where it ends, on a ground of its own. */
export function drawLetters(plot: uPlot, lines: readonly ComparedLine[], { colours, of, target }: Drawn): void {
  const { ctx, bbox } = plot
  const scale = devicePixelRatio
  ctx.save()
  ctx.font = `bold ${scaledFont(colours.font, scale)}`
  ctx.textAlign = 'center'
  ctx.textBaseline = 'middle'
  for (const [index, { letter, data }] of lines.entries()) {
    const last = data.line.findLastIndex((value) => value !== null)
    if (last === -1) continue
    const x = Math.min(bbox.left + bbox.width - 8 * scale, plot.valToPos(data.times[last]!, 'x', true))
    const y = plot.valToPos(data.line[last]!, `y${of[index]}`, true)
    if (x < bbox.left) continue
    ctx.fillStyle = colours.surface
    ctx.fillRect(x - 8 * scale, y - 8 * scale, 16 * scale, 16 * scale)
    ctx.fillStyle = seriesColour(target, index)
    ctx.fillText(letter, x, y)
  }
  ctx.restore()
}

const LABELS = { lowLow: 'LL', low: 'L', high: 'H', highHigh: 'HH' } as const

/** One height with whose limits lie there: `A, B H 65`. */
interface ComparedLimit {
  readonly letters: string[]
  /** Of the first of them. */
  readonly index: number
  readonly scale: string
  readonly label: string
  readonly value: number
}

function limitsOf(lines: readonly ComparedLine[], of: readonly number[]): readonly ComparedLimit[] {
  const found = new Map<string, ComparedLimit>()
  for (const [index, { letter, limits }] of lines.entries())
    for (const [name, label] of Object.entries(LABELS)) {
      const value = limits[name as keyof typeof LABELS]
      if (value === null) continue
      const key = `${of[index]} ${label} ${value}`
      const known = found.get(key)
      if (known === undefined) found.set(key, { letters: [letter], index, scale: `y${of[index]}`, label, value })
      else known.letters.push(letter)
    }
  return [...found.values()]
}

/** Below the lines. */
export function drawComparedLimits(plot: uPlot, lines: readonly ComparedLine[], { of, target }: Drawn): void {
  const { ctx, bbox } = plot
  const scale = devicePixelRatio
  ctx.save()
  ctx.lineWidth = scale
  ctx.globalAlpha = 0.55
  for (const { index, scale: axis, label, value } of limitsOf(lines, of)) {
    const at = heightOf(plot, value, axis)
    if (at === null) continue
    ctx.strokeStyle = seriesColour(target, index)
    ctx.setLineDash(label.length === 2 ? [] : [5 * scale, 4 * scale])
    ctx.beginPath()
    ctx.moveTo(bbox.left, at)
    ctx.lineTo(bbox.left + bbox.width, at)
    ctx.stroke()
  }
  ctx.restore()
}

const LABEL_PX = 14

/** Above the lines, on a ground of their own; labels of nearly one height stand beside each other. */
export function drawLimitLabels(plot: uPlot, lines: readonly ComparedLine[], { colours, of }: Drawn): void {
  const { ctx, bbox } = plot
  const scale = devicePixelRatio
  const placed: { readonly at: number; readonly end: number }[] = []
  ctx.save()
  ctx.font = scaledFont(colours.font, scale)
  ctx.textAlign = 'left'
  ctx.textBaseline = 'middle'
  for (const { letters, scale: axis, label, value } of limitsOf(lines, of)) {
    const line = heightOf(plot, value, axis)
    if (line === null) continue
    const text = `${letters.join(', ')} ${label} ${formatShort(value)}`
    const at = line + (label.startsWith('H') ? -9 : 9) * scale
    const beside = placed.filter((other) => Math.abs(other.at - at) < LABEL_PX * scale).map(({ end }) => end)
    const left = Math.max(bbox.left + 6 * scale, ...beside)
    const { width } = ctx.measureText(text)
    ctx.fillStyle = colours.surface
    ctx.fillRect(left - 2 * scale, at - 7 * scale, width + 4 * scale, LABEL_PX * scale)
    ctx.fillStyle = colours.text
    ctx.fillText(text, left, at)
    placed.push({ at, end: left + width + 12 * scale })
  }
  ctx.restore()
}

/** Canvas pixels from the top; null: it is not in sight. */
function heightOf(plot: uPlot, value: number, scale: string): number | null {
  const at = Math.round(plot.valToPos(value, scale, true)) + (devicePixelRatio % 2) / 2
  return at < plot.bbox.top || at > plot.bbox.top + plot.bbox.height ? null : at
}

/** Alarms as bars and anomalies as diamonds, those of each line in a lane with its letter. */
export function drawLanes(plot: uPlot, lines: readonly ComparedLine[], { colours, target }: Drawn): void {
  const { ctx, bbox } = plot
  const scale = devicePixelRatio
  const right = bbox.left + bbox.width
  ctx.save()
  ctx.font = `bold ${scaledFont(colours.font, scale * 0.8)}`
  ctx.textAlign = 'right'
  ctx.textBaseline = 'middle'
  for (const [index, { letter, markers }] of lines.entries()) {
    const middle = bbox.top - (LANE_PX * (lines.length - index) - LANE_PX / 2) * scale
    const seen = markers.filter(({ from, to }) => {
      const [left, end] = [plot.valToPos(from / 1000, 'x', true), plot.valToPos(to / 1000, 'x', true)]
      return end >= bbox.left && left <= right
    })
    if (seen.length === 0) continue
    ctx.fillStyle = seriesColour(target, index)
    ctx.fillText(letter, bbox.left - 4 * scale, middle)
    for (const marker of seen) {
      const from = Math.max(bbox.left, plot.valToPos(marker.from / 1000, 'x', true))
      const to = Math.min(right, plot.valToPos(marker.to / 1000, 'x', true))
      ctx.fillStyle = colours.severity[marker.severity]
      ctx.strokeStyle = colours.text
      ctx.lineWidth = scale
      if (marker.isAnomaly) drawDiamond(ctx, from, middle, 4 * scale)
      else ctx.fillRect(from, middle - 3 * scale, Math.max(4 * scale, to - from), 6 * scale)
    }
  }
  ctx.restore()
}
