// The trend: uPlot with limits, alarms and gaps, to be moved by mouse, finger and keys. It shows what it is given; ranges and loading
// are the page's.

import { useEffect, useRef } from 'preact/hooks'
import type { JSX } from 'preact'
import uPlot from 'uplot'
import 'uplot/dist/uPlot.min.css'
import type { TrendData } from '../charts/trend-data.ts'
import { attachGestures } from '../charts/trend-gestures.ts'
import { drawLimits, drawMarkers, readColours, type TrendMarker } from '../charts/trend-overlay.ts'
import { moved, zoomed, type View } from '../charts/trend-range.ts'
import { rangeWithLimits } from '../charts/y-range.ts'
import type { Range } from '../client/sensor-history.ts'
import type { Limits } from '../client/wire.ts'
import { formatNumber, stepDecimals } from '../format/number.ts'

export interface TrendChartProps {
  readonly data: TrendData
  readonly range: Range
  readonly limits: Limits
  readonly markers: readonly TrendMarker[]
  readonly isStepped: boolean
  readonly isDark: boolean
  /** Writes a value for the axis and the cursor. */
  readonly format: (value: number) => string
  readonly onView: (view: View) => void
  /** The gateway's time in Unix milliseconds. */
  readonly now: () => number
  /** Charts with the same word show the cursor at the same moment. */
  readonly sync?: string
  /** What the picture shows, in words. */
  readonly description: string
}

export function TrendChart(props: TrendChartProps): JSX.Element {
  const root = useRef<HTMLDivElement>(null)
  const readout = useRef<HTMLOutputElement>(null)
  const chart = useRef<uPlot | null>(null)
  const current = useRef(props)
  current.current = props

  useEffect(() => {
    const target = root.current!
    const plot = new uPlot(options(target, current, readout), columns(props.data), target)
    chart.current = plot
    show(plot, current.current)
    const letGo = attachGestures(plot.over, {
      range: () => ({ from: plot.scales['x']!.min! * 1000, to: plot.scales['x']!.max! * 1000 }),
      preview: ({ from, to }) => plot.setScale('x', { min: from / 1000, max: to / 1000 }),
      commit: (range) => current.current.onView({ kind: 'fixed', ...range }),
      now: () => current.current.now(),
    })
    const observer = new ResizeObserver(() => {
      const { width, height } = size(target)
      if (width !== plot.width || height !== plot.height) plot.setSize({ width, height })
    })
    observer.observe(target)
    return () => {
      letGo()
      observer.disconnect()
      plot.destroy()
      chart.current = null
    }
  }, [props.isDark, props.isStepped])

  useEffect(() => {
    if (chart.current !== null) show(chart.current, props)
  }, [props.data, props.range.from, props.range.to, props.limits, props.markers])

  return (
    <figure
      class="trend"
      tabIndex={0}
      aria-label="Trend. Arrow keys move through time, plus and minus zoom, End goes back to live."
      onKeyDown={(event) => onTrendKey(event, props)}
    >
      <div ref={root} class="trend-plot" role="img" aria-label={props.description} />
      <output ref={readout} class="trend-readout" aria-hidden="true" />
    </figure>
  )
}

// Tick distance in seconds, its text, then what is added when the year, month, day … changes (uPlot's table, with 24 hours).
export const TIME_AXIS = [
  [31_536_000, '{YYYY}', null, null, null, null, null, null, 1],
  [2_419_200, '{MMM}', '\n{YYYY}', null, null, null, null, null, 1],
  [86_400, '{D} {MMM}', '\n{YYYY}', null, null, null, null, null, 1],
  [60, '{HH}:{mm}', '\n{D} {MMM} {YYYY}', null, '\n{D} {MMM}', null, null, null, 1],
  [1, '{HH}:{mm}:{ss}', '\n{D} {MMM} {YYYY}', null, '\n{D} {MMM}', null, null, null, 1],
]

/** As many decimals as tell one line of the axis from the next. */
export const AXIS_NUMBERS = (
  _plot: uPlot,
  splits: readonly number[],
  _axis: number,
  _space: number,
  step: number,
): string[] => splits.map((split) => formatNumber(split, stepDecimals(step)))

const LIVE_SPAN_MS = 900_000

/** Keys that move a chart through time. */
export function onTrendKey(
  event: KeyboardEvent,
  { range, now, onView }: Pick<TrendChartProps, 'range' | 'now' | 'onView'>,
): void {
  if (event.ctrlKey || event.metaKey || event.altKey) return
  const view = keyView(event.key, range, now())
  if (view === null) return
  event.preventDefault()
  onView(view)
}

function keyView(key: string, range: Range, now: number): View | null {
  switch (key) {
    case 'ArrowLeft':
      return moved(range, -0.25, now)
    case 'ArrowRight':
      return moved(range, 0.25, now)
    case '+':
    case '=':
      return zoomed(range, 0.5, now)
    case '-':
      return zoomed(range, 2, now)
    case 'End':
      return { kind: 'following', spanMs: LIVE_SPAN_MS }
    default:
      return null
  }
}

type Current = { readonly current: TrendChartProps }

function columns({ times, low, high, line }: TrendData): uPlot.AlignedData {
  return [times as number[], low as number[], high as number[], line as number[]]
}

function show(plot: uPlot, props: TrendChartProps): void {
  plot.batch(() => {
    plot.setData(columns(props.data), false)
    plot.setScale('x', { min: props.range.from / 1000, max: props.range.to / 1000 })
  })
}

function size(target: HTMLElement): { width: number; height: number } {
  return { width: Math.max(200, target.clientWidth), height: Math.max(160, target.clientHeight) }
}

function options(
  target: HTMLElement,
  current: Current,
  readout: { readonly current: HTMLOutputElement | null },
): uPlot.Options {
  const colours = readColours(target)
  const axis = {
    stroke: colours.text,
    grid: { stroke: colours.grid, width: 1 },
    ticks: { show: false },
    font: colours.font,
  }
  const stepped =
    current.current.isStepped && uPlot.paths.stepped !== undefined ? { paths: uPlot.paths.stepped({ align: 1 }) } : {}
  return {
    ...size(target),
    legend: { show: false },
    padding: [14, 24, 0, 0],
    cursor: {
      drag: { x: true, y: false, setScale: false },
      ...(current.current.sync !== undefined && { sync: { key: current.current.sync } }),
      // With Shift held the mouse moves the chart instead.
      bind: { mousedown: (_plot, _target, handler) => (event) => (event.shiftKey ? null : handler(event)) },
      points: { size: 7, fill: colours.line, stroke: colours.surface },
    },
    scales: { x: { time: true }, y: { range: (_plot, low, high) => yRange(current.current, low, high) } },
    axes: [
      { ...axis, space: 70, values: TIME_AXIS },
      {
        ...axis,
        size: 64,
        values: current.current.isStepped
          ? (_plot, splits) => splits.map((split) => current.current.format(split))
          : AXIS_NUMBERS,
      },
    ],
    series: [
      { value: '{YYYY}-{MM}-{DD} {HH}:{mm}:{ss}' },
      { stroke: 'transparent', points: { show: false } },
      { stroke: 'transparent', points: { show: false } },
      { stroke: colours.line, width: 1.6, ...stepped, points: { size: 4, fill: colours.line } },
    ],
    bands: [{ series: [2, 1], fill: colours.extremes }],
    hooks: {
      drawClear: [(plot) => drawLimits(plot, current.current.limits, colours)],
      draw: [(plot) => drawMarkers(plot, current.current.markers, colours)],
      setSelect: [(plot) => select(plot, current.current)],
      setCursor: [(plot) => read(plot, current.current, readout.current)],
    },
  }
}

function select(plot: uPlot, props: TrendChartProps): void {
  if (plot.select.width < 6) return
  const from = plot.posToVal(plot.select.left, 'x') * 1000
  const to = plot.posToVal(plot.select.left + plot.select.width, 'x') * 1000
  plot.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false)
  props.onView({ kind: 'fixed', from, to })
}

function read(plot: uPlot, props: TrendChartProps, readout: HTMLOutputElement | null): void {
  if (readout === null) return
  const index = plot.cursor.idx
  const value = index === null || index === undefined ? null : plot.data[3]![index]
  if (index === null || index === undefined || value === null || value === undefined || (plot.cursor.left ?? -1) < 0) {
    readout.textContent = ''
    return
  }
  const low = plot.data[1]![index]
  const high = plot.data[2]![index]
  const extremes =
    low === null || high === null || low === undefined || high === undefined || low === high
      ? ''
      : `  (${props.format(low)} … ${props.format(high)})`
  readout.textContent = `${new Date(plot.data[0]![index]! * 1000).toLocaleString('en-GB')}  ${props.format(value)}${extremes}`
}

function yRange({ limits, isStepped }: TrendChartProps, low: number | null, high: number | null): uPlot.Range.MinMax {
  return rangeWithLimits(low, high, [limits.lowLow, limits.low, limits.high, limits.highHigh], isStepped)
}
