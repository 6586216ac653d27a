// Analyze: a stored range, window after window, each worked out in a thread and sent before the next.

import { create, type MessageInitShape } from '@bufbuild/protobuf'
import { timestampFromMs } from '@bufbuild/protobuf/wkt'
import type { ServerWritableStream } from '@grpc/grpc-js'
import {
  AnalyzeResponseSchema,
  type AnalyzeRequest,
  type AnalyzeResponse,
  type Analysis as WireAnalysis,
} from '#rpc/generated/telemetryx/v1/analytics_pb.js'
import { FEATURE_NAMES, type Analysis, type WindowResult } from './analyze-window.ts'
import { writePaced } from './calls.ts'
import type { AnalyticsParts } from './parts.ts'
import { readFeatures } from './read-detector.ts'
import { FieldReader } from './read-fields.ts'
import type { SensorMatcher } from '../rules/sensor-glob.ts'
import { copied, readRange, windowOf } from './stored-range.ts'

const MAX_WINDOWS = 100_000
const MAX_ANALYSES = 20
const MAX_PERCENTILES = 100
const MAX_BINS = 1000
const MAX_STEPS = 1000
const MAX_SLOTS = 1_000_000
const MAX_CORRELATED = 100
const DEFAULT_BINS = 20

export async function analyze(
  parts: AnalyticsParts,
  tenant: string,
  call: ServerWritableStream<AnalyzeRequest, AnalyzeResponse>,
  signal: AbortSignal,
): Promise<void> {
  const { analyses, from, gateway, patterns, to, windowMs } = readRequest(call.request)
  const series = await readRange(parts.history, { tenant, gateway, patterns, from, to }, signal)
  if (analyses.some(({ kind }) => kind === 'correlation') && series.length > MAX_CORRELATED) {
    const reader = new FieldReader()
    reader.refuse('sensors', `match ${series.length} sensors; at most ${MAX_CORRELATED} can be correlated`)
    reader.done()
  }
  for (let start = from; start < to; start += windowMs) {
    const end = Math.min(to, start + windowMs)
    const window = series.map((one) => windowOf(one, start, end)).filter(({ times }) => times.length > 0)
    if (window.length === 0) continue
    const results = await parts.pool.run(
      'analyze',
      { from: start, to: end, series: window.map(copied), analyses },
      signal,
    )
    for (const result of results) await writePaced(call, response(result, start, end), signal)
  }
}

interface AnalyzeAsk {
  readonly from: number
  readonly to: number
  readonly windowMs: number
  readonly gateway: string
  readonly patterns: readonly SensorMatcher[]
  readonly analyses: readonly Analysis[]
}

function readRequest(request: AnalyzeRequest): AnalyzeAsk {
  const reader = new FieldReader()
  const patterns = reader.patterns('sensors', request.sensors)
  const { from, to } = reader.range(request.from, request.to)
  const windowMs = reader.duration('window', request.window) ?? to - from
  if ((to - from) / windowMs > MAX_WINDOWS) reader.refuse('window', `divides the range into more than ${MAX_WINDOWS}`)
  if (request.analyses.length === 0) reader.refuse('analyses', 'is empty')
  if (request.analyses.length > MAX_ANALYSES) reader.refuse('analyses', `are more than ${MAX_ANALYSES}`)
  const analyses = request.analyses
    .slice(0, MAX_ANALYSES)
    .map((analysis, at) => readAnalysis(reader, `analyses[${at}]`, { analysis, windowMs }))
  reader.done()
  return { from, to, windowMs, gateway: request.gateway, patterns, analyses }
}

function readAnalysis(
  reader: FieldReader,
  field: string,
  { analysis: { kind }, windowMs }: { analysis: WireAnalysis; windowMs: number },
): Analysis {
  switch (kind.case) {
    case 'percentiles': {
      const { percentiles } = kind.value
      const isSound = percentiles.every((percent) => percent >= 0 && percent <= 100)
      if (percentiles.length === 0 || percentiles.length > MAX_PERCENTILES || !isSound)
        reader.refuse(`${field}.percentiles`, `must be 1 to ${MAX_PERCENTILES} numbers in [0, 100]`)
      return { kind: 'percentiles', percentiles }
    }
    case 'histogram': {
      const range = { least: 1, most: MAX_BINS, byDefault: DEFAULT_BINS }
      return { kind: 'histogram', bins: reader.whole(`${field}.histogram.bins`, kind.value.bins, range) }
    }
    case 'correlation':
      return {
        kind: 'correlation',
        everyMs: readGrid(reader, `${field}.correlation.every`, kind.value.every, windowMs),
      }
    case 'forecast': {
      const everyMs = readGrid(reader, `${field}.forecast.every`, kind.value.every, windowMs)
      const horizonMs = reader.duration(`${field}.forecast.horizon`, kind.value.horizon) ?? 0
      const steps = Math.ceil(horizonMs / everyMs)
      if (!(steps >= 1 && steps <= MAX_STEPS))
        reader.refuse(`${field}.forecast.horizon`, `must be 1 to ${MAX_STEPS} times every`)
      const seasonMs = reader.duration(`${field}.forecast.season`, kind.value.season)
      const season = seasonMs === null ? 0 : Math.round(seasonMs / everyMs)
      if (seasonMs !== null && !(season >= 2 && season <= MAX_STEPS))
        reader.refuse(`${field}.forecast.season`, `must be 2 to ${MAX_STEPS} times every`)
      return { kind: 'forecast', everyMs, steps, season }
    }
    case 'features': {
      const { extraction } = kind.value
      const field_ = `${field}.features.extraction`
      const spec = extraction ?? { $typeName: 'telemetryx.v1.FeatureExtraction' as const, window: 0, step: 0 }
      return { kind: 'features', ...readFeatures(reader, field_, spec) }
    }
    case 'aggregate':
      return { kind: 'aggregate' }
    case undefined:
      reader.refuse(field, 'has no kind')
      return { kind: 'aggregate' }
  }
}

type WireDuration = Parameters<FieldReader['duration']>[1]

function readGrid(reader: FieldReader, field: string, given: WireDuration, windowMs: number): number {
  const everyMs = reader.duration(field, given)
  if (everyMs === null) reader.refuse(field, 'is missing')
  else if (windowMs / everyMs > MAX_SLOTS) reader.refuse(field, `divides a window into more than ${MAX_SLOTS}`)
  return everyMs ?? Number.NaN
}

type Result = MessageInitShape<typeof AnalyzeResponseSchema>['result']

function response(result: WindowResult, start: number, end: number): AnalyzeResponse {
  return create(AnalyzeResponseSchema, {
    windowStart: timestampFromMs(start),
    windowEnd: timestampFromMs(end),
    result: wireResult(result),
  })
}

function wireResult(result: WindowResult): Result {
  switch (result.kind) {
    case 'aggregate': {
      const { aggregate, gateway, sensor } = result
      return { case: 'aggregate', value: { ...aggregate, count: BigInt(aggregate.count), sensor, gateway } }
    }
    case 'percentiles':
      return {
        case: 'percentiles',
        value: { sensor: result.sensor, gateway: result.gateway, values: [...result.values] },
      }
    case 'histogram': {
      const { gateway, histogram, sensor } = result
      const counts = Array.from(histogram.counts, BigInt)
      return { case: 'histogram', value: { sensor, gateway, edges: [...histogram.edges], counts } }
    }
    case 'correlation': {
      const { coefficient, first, pairs, second } = result
      const sensors = { firstSensor: first.sensor, secondSensor: second.sensor }
      const gateways = { firstGateway: first.gateway, secondGateway: second.gateway }
      return { case: 'correlation', value: { ...sensors, ...gateways, coefficient, pairs: BigInt(pairs) } }
    }
    case 'forecast': {
      const { gateway, sensor, trend } = result
      const points = result.points.map(({ time, ...point }) => ({ timeMs: BigInt(Math.round(time)), ...point }))
      return { case: 'forecast', value: { sensor, gateway, trend: trend ?? '', points } }
    }
    case 'features': {
      const { gateway, sensor, times, values } = result
      const timesMs = Array.from(times, (time) => BigInt(Math.round(time)))
      return { case: 'features', value: { sensor, gateway, names: [...FEATURE_NAMES], values: [...values], timesMs } }
    }
  }
}
