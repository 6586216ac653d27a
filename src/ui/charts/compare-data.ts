// Several lines on one time axis for uPlot: the columns, and which scale each line is drawn on. Pure.

import type { TrendData } from './trend-data.ts'

/** undefined: the line has no point at this time and is drawn through; null: it is broken here. */
type Cell = number | null | undefined

/** Times of all lines in order, then one column for each line. */
export function joined(lines: readonly TrendData[]): readonly [readonly number[], ...(readonly Cell[])[]] {
  const times = [...new Set(lines.flatMap((line) => line.times))].sort((a, b) => a - b)
  const rowOf = new Map(times.map((time, row) => [time, row]))
  const columns = lines.map((line) => {
    const column = Array.from<Cell>({ length: times.length })
    for (const [index, time] of line.times.entries()) column[rowOf.get(time)!] = line.line[index] ?? null
    return column
  })
  return [times, ...columns]
}

/** Lines of one unit share a scale, so that they can be compared; `scales` are in order of appearance. */
export function scalesByUnit(units: readonly string[]): { readonly scales: readonly string[]; readonly of: number[] } {
  const scales: string[] = []
  const of = units.map((unit) => {
    const known = scales.indexOf(unit)
    return known === -1 ? scales.push(unit) - 1 : known
  })
  return { scales, of }
}

/** The value of a line at or before a time; null where it is broken or has not begun. */
export function valueAt(line: TrendData, time: number): number | null {
  let low = 0
  let high = line.times.length
  while (low < high) {
    const middle = (low + high) >> 1
    if (line.times[middle]! <= time) low = middle + 1
    else high = middle
  }
  return low === 0 ? null : (line.line[low - 1] ?? null)
}
