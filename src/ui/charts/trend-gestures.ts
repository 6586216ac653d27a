// How a hand moves through time on a chart: a finger drags and two pinch; a mouse drags with Shift held, and zooms with Ctrl and
// the wheel. What is moved is shown at once and told when the hand rests.

import type { Range } from '../client/sensor-history.ts'
import { grasped } from './grasp.ts'
import { viewRange, zoomed } from './trend-range.ts'

export interface GestureTarget {
  /** What the chart shows now. */
  readonly range: () => Range
  /** Shows a range without loading it. */
  readonly preview: (range: Range) => void
  readonly commit: (range: Range) => void
  /** The gateway's time: nothing is later. */
  readonly now: () => number
}

const WHEEL_REST_MS = 200
const WHEEL_STEP = 1.0015
const LEAST_TRAVEL_PX = 4

/** Returns how to let go again. */
export function attachGestures(area: HTMLElement, target: GestureTarget): () => void {
  const pointers = new Map<number, { readonly startX: number; x: number }>()
  let before: Range | null = null
  /** What the hand has brought about so far: data that arrive meanwhile put the chart back, but not this. */
  let held: Range | null = null
  let rest = 0
  const show = (range: Range): void => {
    held = range
    target.preview(range)
  }
  const commit = (): void => {
    if (held !== null) target.commit(held)
    held = null
  }

  const down = (event: PointerEvent): void => {
    if (event.pointerType === 'mouse' && !event.shiftKey) return
    area.setPointerCapture(event.pointerId)
    pointers.set(event.pointerId, { startX: event.clientX, x: event.clientX })
    restart()
  }
  const move = (event: PointerEvent): void => {
    const pointer = pointers.get(event.pointerId)
    if (pointer === undefined || before === null) return
    pointer.x = event.clientX
    show(grasped(before, [...pointers.values()], area.getBoundingClientRect(), target.now()))
  }
  const up = (event: PointerEvent): void => {
    const pointer = pointers.get(event.pointerId)
    if (pointer === undefined) return
    pointers.delete(event.pointerId)
    const hasMoved = Math.abs(pointer.x - pointer.startX) >= LEAST_TRAVEL_PX
    if (pointers.size > 0) restart()
    else if (hasMoved && event.type === 'pointerup') commit()
    else held = null
  }
  /** A finger more or less: what is shown now is the new beginning. */
  const restart = (): void => {
    before = held ?? target.range()
    for (const [id, { x }] of pointers) pointers.set(id, { startX: x, x })
  }
  const wheel = (event: WheelEvent): void => {
    if (!event.ctrlKey && !event.metaKey) return // the page scrolls
    event.preventDefault()
    const box = area.getBoundingClientRect()
    const at = (event.clientX - box.left) / box.width
    show(viewRange(zoomed(held ?? target.range(), WHEEL_STEP ** event.deltaY, target.now(), at), 0))
    clearTimeout(rest)
    rest = window.setTimeout(commit, WHEEL_REST_MS)
  }
  area.addEventListener('pointerdown', down)
  area.addEventListener('pointermove', move)
  area.addEventListener('pointerup', up)
  area.addEventListener('pointercancel', up)
  area.addEventListener('wheel', wheel, { passive: false })
  return () => {
    clearTimeout(rest)
    area.removeEventListener('pointerdown', down)
    area.removeEventListener('pointermove', move)
    area.removeEventListener('pointerup', up)
    area.removeEventListener('pointercancel', up)
    area.removeEventListener('wheel', wheel)
  }
}
