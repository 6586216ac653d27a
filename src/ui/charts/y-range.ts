// What a chart shows of the value axis: all values, and those limits that are not far away. Pure.

const STEPPED: readonly [number, number] = [-0.1, 1.1]

/** A distant limit must not flatten the line. `low`, `high`: of the values in sight; null: there are none. */
export function rangeWithLimits(
  low: number | null,
  high: number | null,
  limits: readonly (number | null)[],
  isStepped: boolean,
): [number, number] {
  if (isStepped) return [...STEPPED]
  let from = low ?? Number.POSITIVE_INFINITY
  let to = high ?? Number.NEGATIVE_INFINITY
  const near = from <= to ? Math.max((to - from) * 3, Math.abs(to) * 0.25, 1e-9) : Number.POSITIVE_INFINITY
  const [low0, high0] = [from, to]
  for (const limit of limits) {
    if (limit === null) continue
    if (!(limit >= low0 - near && limit <= high0 + near) && low0 <= high0) continue
    from = Math.min(from, limit)
    to = Math.max(to, limit)
  }
  if (from > to) return [0, 1]
  const margin = (to - from) * 0.07 || Math.max(Math.abs(to) * 0.05, 0.5)
  return [from - margin, to + margin]
}
