// Several sensors in one chart: told apart by dashes and by a letter at the end of each line, then by colour. Lines of one unit
// share a scale; the first unit has its axis at the left, the second at the right.

import { useEffect, useRef } from 'preact/hooks'
import type { JSX } from 'preact'
import uPlot from 'uplot'
import 'uplot/dist/uPlot.min.css'
import { joined, scalesByUnit } from '../charts/compare-data.ts'
import {
  DASHES,
  drawComparedLimits,
  drawLanes,
  drawLetters,
  drawLimitLabels,
  lanesHeight,
  scaleRange,
  seriesColour,
  type ComparedLine,
} from '../charts/compare-overlay.ts'
import { attachGestures } from '../charts/trend-gestures.ts'
import { readColours } from '../charts/trend-overlay.ts'
import type { View } from '../charts/trend-range.ts'
import type { Range } from '../client/sensor-history.ts'
import { displayUnit } from '../format/words.ts'
import { AXIS_NUMBERS, onTrendKey, TIME_AXIS } from './trend-chart.tsx'

export interface CompareChartProps {
  readonly lines: readonly ComparedLine[]
  readonly range: Range
  readonly isDark: boolean
  readonly onView: (view: View) => void
  readonly now: () => number
  /** Unix seconds under the cursor; null when it is elsewhere. */
  readonly onCursor: (time: number | null) => void
  readonly description: string
}

const NARROW_PX = 480

export function CompareChart(props: CompareChartProps): JSX.Element {
  const root = useRef<HTMLDivElement>(null)
  const chart = useRef<uPlot | null>(null)
  const current = useRef(props)
  current.current = props
  const shape = props.lines.map(({ id }) => id).join()
  useEffect(() => {
    const target = root.current!
    const plot = new uPlot(options(target, current), columns(props.lines), target)
    chart.current = plot
    const letGo = attachGestures(plot.over, {
      range: () => ({ from: plot.scales['x']!.min! * 1000, to: plot.scales['x']!.max! * 1000 }),
      preview: ({ from, to }) => plot.setScale('x', { min: from / 1000, max: to / 1000 }),
      commit: (range) => current.current.onView({ kind: 'fixed', ...range }),
      now: () => current.current.now(),
    })
    const observer = new ResizeObserver(() => plot.setSize(size(target)))
    observer.observe(target)
    return () => {
      letGo()
      observer.disconnect()
      plot.destroy()
      chart.current = null
    }
  }, [props.isDark, shape])
  useEffect(() => {
    const plot = chart.current
    if (plot === null) return
    plot.batch(() => {
      plot.setData(columns(props.lines), false)
      plot.setScale('x', { min: props.range.from / 1000, max: props.range.to / 1000 })
    })
  }, [props.lines, props.range.from, props.range.to, props.isDark])
  return (
    <figure
      class="trend"
      tabIndex={0}
      aria-label="Comparison. Arrow keys move through time, plus and minus zoom, End goes back to live."
      onKeyDown={(event) => onTrendKey(event, props)}
    >
      <div ref={root} class="trend-plot" role="img" aria-label={props.description} />
    </figure>
  )
}

function columns(lines: readonly ComparedLine[]): uPlot.AlignedData {
  return joined(lines.map(({ data }) => data)) as unknown as uPlot.AlignedData
}

function size(target: HTMLElement): { width: number; height: number } {
  return { width: Math.max(200, target.clientWidth), height: Math.max(160, target.clientHeight) }
}

function options(target: HTMLElement, current: { readonly current: CompareChartProps }): uPlot.Options {
  const colours = readColours(target)
  const { lines } = current.current
  const { scales, of } = scalesByUnit(lines.map(({ unit }) => unit))
  const axis = { stroke: colours.text, ticks: { show: false }, font: colours.font }
  const grid = { stroke: colours.grid, width: 1 }
  const isNarrow = target.clientWidth < NARROW_PX
  return {
    ...size(target),
    legend: { show: false },
    padding: [lanesHeight(lines.length), scales.length > 1 ? 0 : 18, 0, 0],
    cursor: {
      drag: { x: true, y: false, setScale: false },
      bind: { mousedown: (_plot, _target, handler) => (event) => (event.shiftKey ? null : handler(event)) },
    },
    scales: {
      x: { time: true },
      ...Object.fromEntries(
        scales.map((_unit, index) => [
          `y${index}`,
          {
            range: (_plot: uPlot, low: number | null, high: number | null) =>
              scaleRange(
                current.current.lines.filter((_line, at) => of[at] === index),
                low,
                high,
              ),
          },
        ]),
      ),
    },
    axes: [
      { ...axis, grid, space: 70, values: TIME_AXIS },
      ...scales.slice(0, 2).map((unit, index) => ({
        ...axis,
        scale: `y${index}`,
        side: index === 0 ? 3 : 1,
        grid: index === 0 ? grid : { show: false },
        size: isNarrow ? 48 : 64,
        // On a phone the line needs the room; the units stand in the table below.
        ...(isNarrow || unit === '' ? {} : { label: displayUnit(unit), labelSize: 20 }),
        labelFont: colours.font,
        values: AXIS_NUMBERS,
      })),
    ],
    series: [
      {},
      ...lines.map(({ isStepped }, index) => ({
        scale: `y${of[index]}`,
        stroke: seriesColour(target, index),
        dash: [...DASHES[index % DASHES.length]!],
        width: 1.8,
        spanGaps: false,
        points: { show: false },
        ...(isStepped && uPlot.paths.stepped !== undefined && { paths: uPlot.paths.stepped({ align: 1 }) }),
      })),
    ],
    hooks: {
      drawClear: [(plot) => drawComparedLimits(plot, current.current.lines, { colours, of, target })],
      draw: [
        (plot) => {
          drawLimitLabels(plot, current.current.lines, { colours, of, target })
          drawLanes(plot, current.current.lines, { colours, of, target })
          drawLetters(plot, current.current.lines, { colours, of, target })
        },
      ],
      setSelect: [(plot) => select(plot, current.current)],
      setCursor: [
        (plot) => {
          const left = plot.cursor.left ?? -1
          current.current.onCursor(left < 0 ? null : plot.posToVal(left, 'x'))
        },
      ],
    },
  }
}

function select(plot: uPlot, props: CompareChartProps): void {
  if (plot.select.width < 6) return
  const from = plot.posToVal(plot.select.left, 'x') * 1000
  const to = plot.posToVal(plot.select.left + plot.select.width, 'x') * 1000
  plot.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false)
  props.onView({ kind: 'fixed', from, to })
}
