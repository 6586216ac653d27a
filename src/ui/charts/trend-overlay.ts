// What is drawn on a trend beside the line: limits below it, marks of alarms and anomalies above it. Colours come from the style sheet.

import type uPlot from 'uplot'
import type { Alarm, Limits, Severity } from '../client/wire.ts'
import { formatShort } from '../format/number.ts'

/** An alarm on the time axis: from its raise to its end, or to now. */
export interface TrendMarker {
  readonly severity: Severity
  readonly isAnomaly: boolean
  /** Unix milliseconds. */
  readonly from: number
  readonly to: number
}

export interface TrendColours {
  readonly line: string
  readonly extremes: string
  readonly text: string
  readonly grid: string
  readonly surface: string
  readonly limit: string
  readonly outside: string
  readonly severity: Readonly<Record<Severity, string>>
  readonly font: string
}

/** The style sheet's colours as they are at `element` now. */
export function readColours(element: HTMLElement): TrendColours {
  const style = getComputedStyle(element)
  const colour = (name: string): string => style.getPropertyValue(name).trim()
  return {
    line: colour('--trend-line'),
    extremes: colour('--trend-extremes'),
    text: colour('--ink-2'),
    grid: colour('--trend-grid'),
    surface: colour('--surface'),
    limit: colour('--trend-limit'),
    outside: colour('--trend-outside'),
    severity: {
      urgent: colour('--urgent'),
      high: colour('--high'),
      medium: colour('--medium'),
      low: colour('--low'),
    },
    font: `12px ${style.fontFamily}`,
  }
}

const LABELS = { lowLow: 'LL', low: 'L', high: 'H', highHigh: 'HH' } as const

export function drawLimits(plot: uPlot, limits: Limits, colours: TrendColours): void {
  const { ctx, bbox } = plot
  const scale = devicePixelRatio
  const y = (value: number): number => Math.round(plot.valToPos(value, 'y', true))
  const bottom = bbox.top + bbox.height
  ctx.save()
  ctx.beginPath()
  ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height)
  ctx.clip()
  ctx.fillStyle = colours.outside
  const high = limits.high ?? limits.highHigh
  const low = limits.low ?? limits.lowLow
  if (high !== null) ctx.fillRect(bbox.left, bbox.top, bbox.width, Math.max(0, y(high) - bbox.top))
  if (low !== null) ctx.fillRect(bbox.left, y(low), bbox.width, Math.max(0, bottom - y(low)))
  ctx.strokeStyle = colours.limit
  ctx.fillStyle = colours.text
  ctx.lineWidth = scale
  ctx.font = scaledFont(colours.font, scale)
  ctx.textAlign = 'right'
  for (const [name, label] of Object.entries(LABELS)) {
    const value = limits[name as keyof typeof LABELS]
    if (value === null) continue
    const isOuter = label.length === 2
    const at = y(value) + (scale % 2) / 2
    ctx.setLineDash(isOuter ? [] : [5 * scale, 4 * scale])
    ctx.beginPath()
    ctx.moveTo(bbox.left, at)
    ctx.lineTo(bbox.left + bbox.width, at)
    ctx.stroke()
    const isUpper = label.startsWith('H')
    ctx.textBaseline = isUpper ? 'bottom' : 'top'
    ctx.fillText(`${label} ${formatShort(value)}`, bbox.left + bbox.width - 4 * scale, at + (isUpper ? -3 : 4) * scale)
  }
  ctx.restore()
}

/** Limit alarms are bars along the top edge, anomalies diamonds: told apart by shape. */
export function drawMarkers(plot: uPlot, markers: readonly TrendMarker[], colours: TrendColours): void {
  const { ctx, bbox } = plot
  const scale = devicePixelRatio
  ctx.save()
  for (const marker of markers) {
    const from = plot.valToPos(marker.from / 1000, 'x', true)
    const to = plot.valToPos(marker.to / 1000, 'x', true)
    const right = bbox.left + bbox.width
    if (to < bbox.left || from > right) continue
    const left = Math.max(bbox.left, from)
    ctx.fillStyle = colours.severity[marker.severity]
    ctx.strokeStyle = colours.text
    ctx.lineWidth = scale
    if (marker.isAnomaly) drawDiamond(ctx, left, bbox.top - 5 * scale, 5 * scale)
    else ctx.fillRect(left, bbox.top - 8 * scale, Math.max(4 * scale, Math.min(right, to) - left), 6 * scale)
    if (from < bbox.left) continue
    ctx.setLineDash([2 * scale, 3 * scale])
    ctx.beginPath()
    ctx.moveTo(Math.round(left) + 0.5, bbox.top)
    ctx.lineTo(Math.round(left) + 0.5, bbox.top + bbox.height)
    ctx.stroke()
  }
  ctx.restore()
}

export function drawDiamond(ctx: CanvasRenderingContext2D, x: number, y: number, radius: number): void {
  ctx.setLineDash([])
  ctx.beginPath()
  ctx.moveTo(x, y - radius)
  ctx.lineTo(x + radius, y)
  ctx.lineTo(x, y + radius)
  ctx.lineTo(x - radius, y)
  ctx.closePath()
  ctx.fill()
  ctx.stroke()
}

export function scaledFont(font: string, scale: number): string {
  return font.replace(/^([0-9]+)px/, (_text, pixels: string) => `${Number(pixels) * scale}px`)
}

/** What an alarm is on the time axis; one that lasts goes on to `now`. */
export function markerOf(alarm: Alarm, now: number): TrendMarker {
  return {
    severity: alarm.severity,
    isAnomaly: alarm.level === 'anomaly',
    from: alarm.raisedAt,
    to: alarm.clearedAt ?? now,
  }
}
