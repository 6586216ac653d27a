// The detector that a query asks for: its method and parameters by the names of the HTTP interface, as a message of the brain's.

import { create, type MessageInitShape } from '@bufbuild/protobuf'
import { Type, type Static } from 'typebox'
import { invalid } from '#api/problem.ts'
import { DetectorSchema, type Detector } from '#rpc/generated/telemetryx/v1/analytics_pb.js'

export const METHODS = [
  'zscore',
  'robust-zscore',
  'moving-average',
  'ewma',
  'isolation-forest',
  'arima',
  'adaptive',
] as const
export type Method = (typeof METHODS)[number]

const whole = (maximum: number, description: string) =>
  Type.Optional(Type.Integer({ minimum: 1, maximum, description }))
const order = (maximum: number, description: string) =>
  Type.Optional(Type.Integer({ minimum: 0, maximum, description }))
const positive = (description: string) => Type.Optional(Type.Number({ exclusiveMinimum: 0, maximum: 1e9, description }))

export const detectorParameters = {
  window: whole(100_000, 'Readings that are looked back on: zscore, robust-zscore (300), moving-average (30).'),
  sigma: positive('Deviations that are an anomaly: all but isolation-forest and adaptive (4).'),
  alpha: positive('Weight of the newest reading, in (0, 0.5]: ewma (0.05).'),
  threshold: positive('Score that is an anomaly, in (0, 1): isolation-forest (0.6).'),
  trees: whole(1000, 'isolation-forest (100).'),
  sampleSize: whole(4096, 'Points that each tree is grown from: isolation-forest (256).'),
  seed: order(0xffff_ffff, 'The same seed gives the same scores: isolation-forest (0).'),
  p: order(5, 'Autoregressive terms: arima (1).'),
  d: order(2, 'Differences: arima (1).'),
  q: order(5, 'Moving average terms: arima (1).'),
}

const Parameters = Type.Object(detectorParameters)
export type DetectorParameters = Static<typeof Parameters>

const WINDOWED = ['window', 'sigma'] as const
const TAKES: Readonly<Record<Method, readonly (keyof DetectorParameters)[]>> = {
  zscore: WINDOWED,
  'robust-zscore': WINDOWED,
  'moving-average': WINDOWED,
  ewma: ['alpha', 'sigma'],
  'isolation-forest': ['threshold', 'trees', 'sampleSize', 'seed'],
  arima: ['p', 'd', 'q', 'sigma'],
  adaptive: [],
}

type WireMethod = MessageInitShape<typeof DetectorSchema>['method']

/** The parameters of a query that only a detector has. */
export function parametersIn(query: DetectorParameters): (keyof DetectorParameters)[] {
  return (Object.keys(detectorParameters) as (keyof DetectorParameters)[]).filter((name) => query[name] !== undefined)
}

/** What is left out is the brain's default. Throws INVALID_REQUEST for a parameter that the method does not have. */
export function detectorOf(method: Method, query: DetectorParameters): Detector {
  for (const name of parametersIn(query))
    if (!TAKES[method].includes(name)) throw invalid(`query.${name}`, `does not go with the method ${method}`)
  return create(DetectorSchema, { method: wireMethod(method, query) })
}

function wireMethod(method: Method, query: DetectorParameters): WireMethod {
  const { alpha = 0, sigma = 0, window = 0 } = query
  switch (method) {
    case 'zscore':
      return { case: 'zscore', value: { window, sigma } }
    case 'robust-zscore':
      return { case: 'robustZscore', value: { window, sigma } }
    case 'moving-average':
      return { case: 'movingAverage', value: { window, sigma } }
    case 'ewma':
      return { case: 'ewma', value: { alpha, sigma } }
    case 'isolation-forest': {
      const { sampleSize = 0, seed = 0, threshold = 0, trees = 0 } = query
      return { case: 'isolationForest', value: { trees, sampleSize, threshold, seed: BigInt(seed) } }
    }
    case 'arima':
      return { case: 'arima', value: arimaOrders(query) }
    case 'adaptive':
      return { case: 'adaptive', value: {} }
  }
}

/** Without any order all are the brain's; with one, those left out are 1 as documented. */
function arimaOrders({ d, p, q, sigma = 0 }: DetectorParameters) {
  if (p === undefined && d === undefined && q === undefined) return { p: 0, d: 0, q: 0, sigma }
  return { p: p ?? 1, d: d ?? 1, q: q ?? 1, sigma }
}
