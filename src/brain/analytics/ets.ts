// Exponential smoothing as a model with a likelihood, ETS(A, N | A | Ad, N | A): level, trend that may be damped, season; additive
// errors. Chooses the trend by itself, and says how sure a forecast is. NaN is a value that is missing.
// Source: Hyndman, Koehler, Ord, Snyder: Forecasting with Exponential Smoothing, 2008, ch. 2, 5 and 6.

import { TelemetryError } from '#domain/errors.ts'
import type { Forecast } from './arima.ts'
import { minimise } from './minimise.ts'

export type EtsTrend = 'none' | 'additive' | 'damped'

export interface EtsForm {
  readonly trend: EtsTrend
  /** Values in a season; 0: no season. */
  readonly season: number
}

export interface EtsParameters {
  readonly alpha: number
  /** As in level error correction: b ← φ b + β e. */
  readonly beta: number
  readonly gamma: number
  readonly phi: number
  readonly level: number
  readonly slope: number
  /** Before the first value: the season's part of values 1, 2, … */
  readonly seasons: Float64Array
}

export interface EtsFit {
  readonly form: EtsForm
  readonly parameters: EtsParameters
  readonly variance: number
  readonly logLikelihood: number
  /** Akaike's criterion, corrected for few values: smaller is better. */
  readonly aicc: number
}

export interface EtsRun {
  readonly logLikelihood: number
  readonly variance: number
  readonly level: number
  readonly slope: number
  /** Of the next values. */
  readonly seasons: Float64Array
}

/** Longest season of which the start is estimated too; beyond it the averages of the first seasons stand. */
const MAX_ESTIMATED_SEASON = 24
const MIN_PHI = 0.8
const MAX_PHI = 0.98

/** Runs the smoothing over the values: likelihood and the state at the end. */
export function runEts(values: Float64Array, form: EtsForm, parameters: EtsParameters): EtsRun {
  const { alpha, beta, gamma, phi } = parameters
  const seasons = Float64Array.from(parameters.seasons)
  const length = form.season
  let { level, slope } = parameters
  let [count, squares] = [0, 0]
  for (let at = 0; at < values.length; at++) {
    const place = length === 0 ? 0 : at % length
    const season = length === 0 ? 0 : seasons[place]!
    const error = values[at]! - (level + phi * slope + season)
    const known = Number.isNaN(error) ? 0 : error
    if (known === error) {
      count += 1
      squares += error * error
    }
    level = level + phi * slope + alpha * known
    slope = phi * slope + beta * known
    if (length > 0) seasons[place] = season + gamma * known
  }
  const variance = squares / count
  const turn = length === 0 ? 0 : values.length % length
  return {
    logLikelihood: (-count / 2) * (Math.log(2 * Math.PI * variance) + 1),
    variance,
    level,
    slope,
    seasons: Float64Array.from(seasons, (_, at) => seasons[(at + turn) % length]!),
  }
}

/** Values that a fit needs at least. */
export function leastEtsValues(season: number): number {
  return Math.max(10, 2 * season + 5)
}

/** The trend with the least corrected criterion. Throws OUT_OF_RANGE for too few values. */
export function chooseEts(values: Float64Array, season: number): EtsFit {
  const trends: readonly EtsTrend[] = ['none', 'additive', 'damped']
  return trends.map((trend) => fitEts(values, { trend, season })).reduce((a, b) => (b.aicc < a.aicc ? b : a))
}

/** Most likely parameters of one form. Throws OUT_OF_RANGE for too few values. */
export function fitEts(values: Float64Array, form: EtsForm): EtsFit {
  const known = values.filter((value) => !Number.isNaN(value))
  if (known.length < leastEtsValues(form.season))
    throw new TelemetryError('OUT_OF_RANGE', `A forecast needs at least ${leastEtsValues(form.season)} values`)
  const mean = known.reduce((sum, value) => sum + value, 0) / known.length
  const spread = Math.sqrt(known.reduce((sum, value) => sum + (value - mean) ** 2, 0) / known.length)
  const unit = spread > Math.abs(mean) * 2 ** -48 ? spread : 1
  const scaled = values.map((value) => (value - mean) / unit)
  const start = startOf(scaled, form)
  const cost = (x: Float64Array): number => {
    const { logLikelihood } = runEts(scaled, form, parametersAt(x, form, start))
    // A perfect fit has no finite likelihood: any further one is as good.
    return logLikelihood === Infinity ? -1e3 : -logLikelihood / known.length
  }
  const { at } = minimise(cost, unboundedStart(form, start))
  const best = parametersAt(at, form, start)
  const parameters = {
    ...best,
    level: mean + unit * best.level,
    slope: unit * best.slope,
    seasons: best.seasons.map((each) => unit * each),
  }
  const { logLikelihood, variance } = runEts(values, form, parameters)
  const count = known.length
  const free = degrees(form)
  const aicc = -2 * logLikelihood + (2 * free * count) / Math.max(1, count - free - 1)
  return { form, parameters, variance, logLikelihood, aicc }
}

/** Forecasts after the values, with the spread of class 1 models (ch. 6, table 6.1). */
export function forecastEts(fit: EtsFit, values: Float64Array, steps: number): Forecast {
  const { form, parameters, variance } = fit
  const { level, seasons, slope } = runEts(values, form, parameters)
  const { alpha, beta, gamma, phi } = parameters
  const forecast = new Float64Array(steps)
  const deviations = new Float64Array(steps)
  let [damped, power, squares] = [0, 1, 1]
  for (let step = 0; step < steps; step++) {
    power *= phi
    damped += power
    const season = form.season === 0 ? 0 : seasons[step % form.season]!
    forecast[step] = level + damped * slope + season
    deviations[step] = Math.sqrt(variance * squares)
    const isSeason = form.season > 0 && (step + 1) % form.season === 0
    squares += (alpha + beta * damped + (isSeason ? gamma : 0)) ** 2
  }
  return { values: forecast, deviations }
}

interface Start {
  readonly level: number
  readonly slope: number
  readonly seasons: Float64Array
}

/** Places of the variables: smoothing parameters first, then the states that are estimated. */
function layout({ season, trend }: EtsForm): { beta: number; phi: number; gamma: number; level: number; size: number } {
  const beta = trend === 'none' ? -1 : 1
  const phi = trend === 'damped' ? 2 : -1
  const smoothing = trend === 'none' ? 1 : trend === 'damped' ? 3 : 2
  const gamma = season > 0 ? smoothing : -1
  const level = smoothing + (season > 0 ? 1 : 0)
  const isSeasonEstimated = season > 0 && season <= MAX_ESTIMATED_SEASON
  return { beta, phi, gamma, level, size: level + 1 + (beta < 0 ? 0 : 1) + (isSeasonEstimated ? season - 1 : 0) }
}

/** Variables that cost a degree of freedom, the variance among them. */
function degrees(form: EtsForm): number {
  return layout(form).size + 1 + (form.season > MAX_ESTIMATED_SEASON ? form.season - 1 : 0)
}

function parametersAt(x: Float64Array, form: EtsForm, start: Start): EtsParameters {
  const { beta, gamma, level, phi, size } = layout(form)
  const alpha = between(x[0]!, 1e-4, 0.9999)
  const firstSeason = level + (beta < 0 ? 1 : 2)
  const seasons = Float64Array.from(start.seasons)
  if (firstSeason < size) {
    // They sum up to nothing, else the level could not be told from them.
    let sum = 0
    for (let at = firstSeason; at < size; at++) {
      seasons[at - firstSeason] = x[at]!
      sum += x[at]!
    }
    seasons[form.season - 1] = -sum
  }
  return {
    alpha,
    // Within what is usual: 0 < β < α and 0 < γ < 1 − α (§2.5.2).
    beta: beta < 0 ? 0 : alpha * between(x[beta]!, 1e-4, 0.9999),
    gamma: gamma < 0 ? 0 : (1 - alpha) * between(x[gamma]!, 1e-4, 0.9999),
    phi: phi < 0 ? 1 : between(x[phi]!, MIN_PHI, MAX_PHI),
    level: x[level]!,
    slope: beta < 0 ? 0 : x[level + 1]!,
    seasons,
  }
}

function unboundedStart(form: EtsForm, start: Start): Float64Array {
  const { beta, gamma, level, size } = layout(form)
  const at = new Float64Array(size)
  at[0] = -1
  if (beta >= 0) at[beta] = -2
  if (gamma >= 0) at[gamma] = -2
  at[level] = start.level
  if (beta >= 0) at[level + 1] = start.slope
  const firstSeason = level + (beta < 0 ? 1 : 2)
  for (let place = firstSeason; place < size; place++) at[place] = start.seasons[place - firstSeason]!
  return at
}

/** Averages of the first seasons, or of the first ten values, and the line through them. */
function startOf(values: Float64Array, { season, trend }: EtsForm): Start {
  const span = season > 0 ? season : 5
  const first = meanOf(values.subarray(0, span))
  const second = meanOf(values.subarray(span, 2 * span))
  const slope = trend === 'none' ? 0 : (second - first) / span
  const level = trend === 'none' ? first : first - slope * ((span + 1) / 2)
  const seasons = new Float64Array(season)
  for (let at = 0; at < season; at++) {
    const detrended: number[] = []
    for (let place = at; place < Math.min(values.length, 3 * season); place += season)
      if (!Number.isNaN(values[place]!)) detrended.push(values[place]! - level - slope * (place + 1))
    seasons[at] = detrended.length === 0 ? 0 : meanOf(Float64Array.from(detrended))
  }
  const centre = season === 0 ? 0 : meanOf(seasons)
  return { level: level + centre, slope, seasons: seasons.map((each) => each - centre) }
}

function meanOf(values: Float64Array): number {
  let [count, sum] = [0, 0]
  for (const value of values) {
    if (Number.isNaN(value)) continue
    count += 1
    sum += value
  }
  return count === 0 ? 0 : sum / count
}

/** Any number to one between the bounds. */
function between(x: number, low: number, high: number): number {
  return low + (high - low) / (1 + Math.exp(-x))
}
