// Numbers of other implementations, made by fixtures/make.py.

import { readFileSync } from 'node:fs'

interface Fixtures {
  readonly 'isolation-forest': {
    readonly points: readonly (readonly number[])[]
    readonly exact: {
      readonly sampleSize: number
      readonly scores: readonly number[]
      readonly trees: readonly Readonly<
        Record<'feature' | 'threshold' | 'left' | 'right' | 'size', readonly number[]>
      >[]
    }
    readonly averaged: { readonly sampleSize: number; readonly scores: readonly number[] }
  }
  readonly arima: { readonly cases: readonly ArimaCase[] }
  readonly ets: { readonly cases: readonly EtsCase[] }
  readonly features: { readonly cases: readonly FeatureCase[] }
}

export interface ArimaCase {
  readonly name: string
  readonly order: readonly [number, number, number]
  readonly values: readonly (number | null)[]
  readonly given: {
    readonly ar: readonly number[]
    readonly ma: readonly number[]
    readonly mean: number
    readonly variance: number
    readonly logLikelihood: number
    readonly innovations: readonly (number | null)[]
  }
  readonly fit: {
    readonly ar: readonly number[]
    readonly ma: readonly number[]
    readonly mean: number
    readonly variance: number
    readonly logLikelihood: number
    readonly forecast: readonly number[]
    readonly deviations: readonly number[]
  }
}

export interface EtsCase {
  readonly name: string
  readonly trend: 'none' | 'additive' | 'damped'
  readonly season: number
  readonly values: readonly number[]
  readonly parameters: {
    readonly alpha: number
    readonly beta: number
    readonly gamma: number
    readonly phi: number
    readonly level: number
    readonly slope: number
    readonly seasons: readonly number[]
  }
  readonly logLikelihood: number
  readonly variance: number
  readonly forecast: readonly number[]
  readonly low: readonly number[]
  readonly high: readonly number[]
  readonly fittedLogLikelihood: number
}

export interface FeatureCase {
  readonly values: readonly number[]
  readonly features: readonly number[]
  readonly percentiles: Readonly<Record<string, number>>
  readonly histogram: readonly [readonly number[], readonly number[]]
}

export function fixture<N extends keyof Fixtures>(name: N): Fixtures[N] {
  return JSON.parse(readFileSync(new URL(`fixtures/${name}.json`, import.meta.url), 'utf8')) as Fixtures[N]
}

/** NaN for null. */
export function numbers(values: readonly (number | null)[]): Float64Array {
  return Float64Array.from(values, (value) => value ?? Number.NaN)
}
