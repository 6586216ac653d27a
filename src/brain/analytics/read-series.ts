// Series of the wire as columns, checked.

import type { Series } from '#rpc/generated/telemetryx/v1/analytics_pb.js'
import { CallError } from '../rpc/answers.ts'
import type { TimedSeries } from './detect.ts'
import type { FieldReader } from './read-fields.ts'

const MAX_SENSORS = 1000
const MAX_ID = 256

export interface SeriesRules {
  /** Values of all series together. */
  readonly maxPoints: number
  /** All of one length. */
  readonly isTogether: boolean
}

/** Infinite values count as missing. Throws RESOURCE_EXHAUSTED for too many values. */
export function readSeries(
  reader: FieldReader,
  series: readonly Series[],
  { isTogether, maxPoints }: SeriesRules,
): TimedSeries[] {
  const points = series.reduce((sum, { values }) => sum + values.length, 0)
  if (points > maxPoints)
    throw new CallError(
      'RESOURCE_EXHAUSTED',
      `The request has ${points} values, at most ${maxPoints} are taken at once`,
    )
  if (series.length > MAX_SENSORS) {
    reader.refuse('series', `has more than ${MAX_SENSORS} sensors`)
    return []
  }
  if (series.length === 0) reader.refuse('series', 'is empty')
  return series.map((one, at) => {
    const field = `series[${at}]`
    const { sensor, timeDeltas, values } = one
    if (sensor.length > MAX_ID) reader.refuse(`${field}.sensor`, `is longer than ${MAX_ID} characters`)
    if (values.length === 0) reader.refuse(`${field}.values`, 'is empty')
    if (timeDeltas.length !== values.length)
      reader.refuse(`${field}.time_deltas`, `has ${timeDeltas.length} entries for ${values.length} values`)
    if (isTogether && values.length !== series[0]!.values.length)
      reader.refuse(
        `${field}.values`,
        'must be as many as those of the first series: the detector looks at all sensors at once',
      )
    return {
      sensor,
      times: timesOf(one),
      values: Float64Array.from(values, (value) => (Number.isFinite(value) ? value : Number.NaN)),
    }
  })
}

function timesOf({ firstTimeMs, timeDeltas, values }: Series): Float64Array {
  let time = Number(firstTimeMs)
  return Float64Array.from({ length: values.length }, (_, at) => {
    if (at > 0) time += timeDeltas[at] ?? 0
    return time
  })
}
