// What fingers on a chart do to its range.

import type { Range } from '../client/sensor-history.ts'
import { moved, viewRange, zoomed } from './trend-range.ts'

/** The range under one finger or two: the times that were touched stay under them. Pure. */
export function grasped(
  before: Range,
  pointers: readonly { readonly startX: number; readonly x: number }[],
  box: { readonly left: number; readonly width: number },
  now: number,
): Range {
  const [first, second] = pointers
  if (first === undefined || box.width === 0) return before
  const share = (x: number): number => (x - box.left) / box.width
  if (second === undefined) return viewRange(moved(before, share(first.startX) - share(first.x), now), 0)
  const spread = Math.max(0.02, Math.abs(share(first.x) - share(second.x)))
  const startSpread = Math.max(0.02, Math.abs(share(first.startX) - share(second.startX)))
  const startMiddle = (share(first.startX) + share(second.startX)) / 2
  const middle = (share(first.x) + share(second.x)) / 2
  const zoom = viewRange(zoomed(before, startSpread / spread, now, startMiddle), 0)
  return viewRange(moved(zoom, startMiddle - middle, now), 0)
}
