// The last ten minutes of a sensor with its normal band. Drawn once a second and only while it is in view, past the virtual DOM.

import { useEffect, useId, useRef } from 'preact/hooks'
import type { JSX } from 'preact'
import { sparkPath, type SparkBox, type SparkSource } from '../charts/spark-path.ts'
import type { Limits } from '../client/wire.ts'
import type { LiveSensor } from '../state/live-sensor.ts'
import { useServices } from '../state/services.ts'

const WIDTH = 120
const HEIGHT = 28

/** A live sensor's sparkline. Its text alternative is the value beside it and the trend page behind it. */
export function Sparkline({ live }: { readonly live: LiveSensor }): JSX.Element {
  const { plant, history } = useServices()
  const root = useRef<SVGSVGElement>(null)
  useEffect(() => {
    const svg = root.current!
    let isSeen = false
    let drawn = -1
    let drawnAt = 0
    const draw = (now: number): void => {
      // Without a new reading the line still moves on, but slowly.
      if (!isSeen || (live.series.version === drawn && now - drawnAt < 5000)) return
      drawn = live.series.version
      drawnAt = now
      paint(
        svg,
        live.series,
        live.sensor.limits,
        { from: now - history.spanMs(now), to: now, width: WIDTH, height: HEIGHT },
        live.sensor.type === 'boolean',
      )
    }
    const observer = new IntersectionObserver(([entry]) => {
      isSeen = entry!.isIntersecting
      if (isSeen) history.want(live)
      draw(plant.now.peek())
    })
    observer.observe(svg)
    const unsubscribe = plant.now.subscribe(draw)
    return () => {
      observer.disconnect()
      unsubscribe()
    }
  }, [live])
  return <SparkFrame root={root} />
}

interface StillSparklineProps {
  readonly source: SparkSource
  readonly limits: Limits
  readonly box: SparkBox
}

/** A sparkline of given points, for the page of the parts. */
export function StillSparkline({ source, limits, box }: StillSparklineProps): JSX.Element {
  const root = useRef<SVGSVGElement>(null)
  useEffect(
    () => paint(root.current!, source, limits, { ...box, width: WIDTH, height: HEIGHT }, false),
    [source, limits, box],
  )
  return <SparkFrame root={root} />
}

function SparkFrame({ root }: { readonly root: { current: SVGSVGElement | null } }): JSX.Element {
  const clip = useId()
  return (
    <svg
      ref={root}
      class="spark"
      viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
      preserveAspectRatio="none"
      aria-hidden="true"
      focusable="false"
    >
      <clipPath id={clip}>
        <rect class="spark-above" x="0" y="0" width={WIDTH} height="0" />
        <rect class="spark-below" x="0" y="0" width={WIDTH} height="0" />
      </clipPath>
      <rect class="spark-band" x="0" y="0" width={WIDTH} height="0" />
      <path class="spark-line" />
      <path class="spark-out" clip-path={`url(#${clip})`} />
      <path class="spark-end" />
    </svg>
  )
}

function paint(svg: SVGSVGElement, source: SparkSource, limits: Limits, box: SparkBox, isStepped: boolean): void {
  const { line, end, band } = sparkPath(source, limits, box, isStepped)
  set(svg, '.spark-line', { d: line })
  set(svg, '.spark-out', { d: line })
  set(svg, '.spark-end', { d: end === null ? '' : `M${end.x - 2} ${end.y}h0` })
  set(svg, '.spark-band', { y: band?.top ?? 0, height: band === null ? 0 : Math.max(0, band.bottom - band.top) })
  set(svg, '.spark-above', { height: band?.top ?? 0 })
  set(svg, '.spark-below', { y: band?.bottom ?? 0, height: band === null ? 0 : HEIGHT - band.bottom })
}

function set(svg: SVGSVGElement, selector: string, attributes: Readonly<Record<string, string | number>>): void {
  const element = svg.querySelector(selector)!
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, String(value))
}
