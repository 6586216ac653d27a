// ARIMA(p, d, q): differences, exact maximum likelihood for the rest, forecasts with intervals.
// With d = 0 there is a mean; with d > 0 none, as in statsmodels. NaN is a value that is missing.
// Source: Box, Jenkins: Time Series Analysis, 1970; Jones 1980 for parameters that cannot leave what is stationary.

import { TelemetryError } from '#domain/errors.ts'
import { ArmaFilter, type ArmaParameters } from './arma-filter.ts'
import { minimise } from './minimise.ts'

export interface ArimaOrder {
  /** 0 … 5 */
  readonly p: number
  /** 0 … 2 */
  readonly d: number
  /** 0 … 5 */
  readonly q: number
}

export interface ArimaFit {
  readonly order: ArimaOrder
  readonly parameters: ArmaParameters
  /** Of the innovations. */
  readonly variance: number
  readonly logLikelihood: number
}

export interface Forecast {
  readonly values: Float64Array
  /** Standard deviation of what comes around the forecast, by step. */
  readonly deviations: Float64Array
}

/** The `order.d`-th difference: as many values fewer. */
export function difference(values: Float64Array, d: number): Float64Array {
  let result = values
  for (let times = 0; times < d; times++) {
    const before = result
    result = before.subarray(1).map((value, at) => value - before[at]!)
  }
  return result
}

/** Of given parameters: log likelihood with the variance that is most likely beside them, and that variance. */
export function likelihood(
  values: Float64Array,
  parameters: ArmaParameters,
): { logLikelihood: number; variance: number } {
  const filter = new ArmaFilter(parameters)
  let [count, squares, logs] = [0, 0, 0]
  for (const value of values) {
    const variance = filter.variance
    const innovation = filter.take(value)
    if (Number.isNaN(innovation)) continue
    count += 1
    squares += (innovation * innovation) / variance
    logs += Math.log(variance)
  }
  const variance = squares / count
  return { variance, logLikelihood: -0.5 * (count * (Math.log(2 * Math.PI * variance) + 1) + logs) }
}

/** Values that a fit needs at least. */
export function leastValues({ d, p, q }: ArimaOrder): number {
  return 10 + d + 3 * (p + q)
}

/** Most likely parameters. Throws OUT_OF_RANGE when there are too few values, or all are alike. */
export function fitArima(values: Float64Array, order: ArimaOrder): ArimaFit {
  const { p, q } = order
  const differenced = difference(values, order.d)
  const known = differenced.filter((value) => !Number.isNaN(value))
  if (known.length < leastValues(order) - order.d)
    throw new TelemetryError('OUT_OF_RANGE', `ARIMA needs at least ${leastValues(order)} values in a row`)
  const mean = known.reduce((sum, value) => sum + value, 0) / known.length
  const spread = Math.sqrt(known.reduce((sum, value) => sum + (value - mean) ** 2, 0) / known.length)
  if (!(spread > Math.abs(mean) * 2 ** -48)) throw new TelemetryError('OUT_OF_RANGE', 'All values are alike')
  // In units of the spread, so that one step size suits the mean too.
  const scaled = differenced.map((value) => (value - (order.d === 0 ? mean : 0)) / spread)
  const parametersAt = (x: Float64Array): ArmaParameters => ({
    ar: stationary(x.subarray(0, p)),
    ma: stationary(x.subarray(p, p + q)).map((each) => -each),
    mean: order.d === 0 ? x[p + q]! : 0,
  })
  const cost = (x: Float64Array): number => -likelihood(scaled, parametersAt(x)).logLikelihood / known.length
  const best = startsOf(scaled, order)
    .map((start) => minimise(cost, start))
    .reduce((one, other) => (other.value < one.value ? other : one))
  const { ar, ma, mean: scaledMean } = parametersAt(best.at)
  const parameters = { ar, ma, mean: order.d === 0 ? mean + spread * scaledMean : 0 }
  return { order, parameters, ...likelihood(differenced, parameters) }
}

/** Forecasts after `values`, the history that the filter runs over. */
export function forecastArima(fit: ArimaFit, values: Float64Array, steps: number): Forecast {
  const { d } = fit.order
  const filter = new ArmaFilter(fit.parameters)
  for (const value of difference(values, d)) filter.take(value)
  const forecast = filter.forecast(steps)
  // The last value of each lower difference, from which the forecasts are summed up again.
  for (let level = d - 1; level >= 0; level--) {
    let sum = difference(values, level).findLast((value) => !Number.isNaN(value)) ?? 0
    for (let step = 0; step < steps; step++) {
      sum += forecast[step]!
      forecast[step] = sum
    }
  }
  let squares = 0
  const deviations = responses(fit, steps).map((weight) => {
    squares += weight * weight
    return Math.sqrt(fit.variance * squares)
  })
  return { values: forecast, deviations }
}

/** ψ weights: what one innovation adds to each value after it (Box, Jenkins, §5.2). */
function responses({ order, parameters }: ArimaFit, steps: number): Float64Array {
  const weights = new Float64Array(steps)
  for (let step = 0; step < steps; step++) {
    let weight = step === 0 ? 1 : (parameters.ma[step - 1] ?? 0)
    for (let lag = 1; lag <= Math.min(step, parameters.ar.length); lag++)
      weight += parameters.ar[lag - 1]! * weights[step - lag]!
    weights[step] = weight
  }
  for (let level = 0; level < order.d; level++)
    for (let step = 1; step < steps; step++) weights[step]! += weights[step - 1]!
  return weights
}

/**
 * Any numbers to the coefficients of a stationary process: as partial autocorrelations r = x / √(1 + x²), then Durbin and
 * Levinson. For an invertible moving average, the same with the sign turned.
 */
export function stationary(unbounded: Float64Array): Float64Array<ArrayBuffer> {
  const coefficients = new Float64Array(unbounded.length)
  for (let k = 0; k < unbounded.length; k++) {
    const partial = unbounded[k]! / Math.sqrt(1 + unbounded[k]! ** 2)
    const before = coefficients.slice(0, k)
    for (let j = 0; j < k; j++) coefficients[j] = before[j]! - partial * before[k - 1 - j]!
    coefficients[k] = partial
  }
  return coefficients
}

/** Two places to start from, as the likelihood may have several maxima: the autocorrelation given to φ, and to θ. */
function startsOf(scaled: Float64Array, { d, p, q }: ArimaOrder): Float64Array[] {
  const size = p + q + (d === 0 ? 1 : 0)
  const first = autocorrelation(scaled)
  const unbound = (r: number): number => r / Math.sqrt(1 - r * r)
  const start = (phi: number, theta: number): Float64Array => {
    const at = new Float64Array(size)
    if (p > 0) at[0] = unbound(phi)
    if (q > 0) at[p] = -unbound(theta)
    return at
  }
  return [start(first, 0.1), start(0.1, first)]
}

/** At lag one, within ±0.95. */
function autocorrelation(scaled: Float64Array): number {
  let [products, squares] = [0, 0]
  for (let at = 1; at < scaled.length; at++) {
    const product = scaled[at]! * scaled[at - 1]!
    if (Number.isNaN(product)) continue
    products += product
    squares += scaled[at]! ** 2
  }
  return squares === 0 ? 0 : Math.max(-0.95, Math.min(0.95, products / squares))
}
