// Which detector, with all of its parameters: what requests are parsed into, and what the worker thread is told.

import type { Feature } from './features.ts'

export interface WindowSpec {
  readonly method: 'zscore' | 'robustZscore' | 'movingAverage'
  /** Readings. */
  readonly window: number
  /** Standard deviations that are an anomaly. */
  readonly sigma: number
}

export interface EwmaSpec {
  readonly method: 'ewma'
  readonly alpha: number
  readonly sigma: number
}

export interface FeatureSpec {
  /** Values in a window. */
  readonly window: number
  /** Values from one window to the next. */
  readonly step: number
}

export interface ForestSpec {
  readonly method: 'isolationForest'
  readonly trees: number
  readonly sampleSize: number
  readonly threshold: number
  /** 32 bits. */
  readonly seed: number
  /** null: the values themselves. */
  readonly features: FeatureSpec | null
}

export interface ArimaSpec {
  readonly method: 'arima'
  readonly p: number
  readonly d: number
  readonly q: number
  readonly sigma: number
}

export interface AdaptiveSpec {
  readonly method: 'adaptive'
}

/** One that learns while it reads, at the cost of microseconds a reading. */
export type StreamSpec = WindowSpec | EwmaSpec | AdaptiveSpec
/** One that is fitted to a stretch of readings first. */
export type FittedSpec = ForestSpec | ArimaSpec
export type DetectorSpec = StreamSpec | FittedSpec

export const DETECTOR_LIMITS = {
  window: { least: 2, most: 100_000 },
  trees: { least: 1, most: 1000 },
  sampleSize: { least: 2, most: 4096 },
  order: { most: 5 },
  differences: { most: 2 },
  alpha: { most: 0.5 },
} as const

export const DETECTOR_DEFAULTS = {
  window: 300,
  averageWindow: 30,
  sigma: 4,
  alpha: 0.05,
  trees: 100,
  sampleSize: 256,
  threshold: 0.6,
  arima: { p: 1, d: 1, q: 1 },
} as const

export function isFitted(spec: DetectorSpec): spec is FittedSpec {
  return spec.method === 'isolationForest' || spec.method === 'arima'
}

/** Name of a feature of a sensor, as a model has it. */
export function featureName(sensor: string, feature: Feature): string {
  return `${sensor}:${feature}`
}
