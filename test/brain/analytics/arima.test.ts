import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { difference, fitArima, forecastArima, likelihood, stationary } from '#brain/analytics/arima.ts'
import { ArmaFilter } from '#brain/analytics/arma-filter.ts'
import { gaussian, seededRandom } from '#kit/random.ts'
import { fixture, numbers } from './fixture.ts'

const { cases } = fixture('arima')

describe.each(cases)('$name beside statsmodels', ({ fit: theirs, given, order: [p, d, q], values }) => {
  const series = numbers(values)
  const order = { p, d, q }

  it('has the same innovations and exact likelihood for given parameters', () => {
    const filter = new ArmaFilter({ ar: numbers(given.ar), ma: numbers(given.ma), mean: given.mean })
    let sum = 0
    difference(series, d).forEach((value, at) => {
      const variance = filter.variance * given.variance
      const innovation = filter.take(value)
      const expected = given.innovations[at]
      // statsmodels gives no innovation for a value that is missing, or 0.
      if (at < 20 && !Number.isNaN(innovation)) expect(innovation).toBeCloseTo(expected!, 8)
      if (!Number.isNaN(innovation)) sum -= (Math.log(2 * Math.PI * variance) + innovation ** 2 / variance) / 2
    })
    expect(sum).toBeCloseTo(given.logLikelihood, 6)
  })

  it('finds the same parameters, at least as likely', () => {
    const fit = fitArima(series, order)
    expect(fit.logLikelihood).toBeGreaterThan(theirs.logLikelihood - 1e-5)
    // The top of a likelihood is flat: parameters agree less than likelihoods do.
    fit.parameters.ar.forEach((phi, at) => expect(Math.abs(phi - theirs.ar[at]!)).toBeLessThan(1e-3))
    fit.parameters.ma.forEach((theta, at) => expect(Math.abs(theta - theirs.ma[at]!)).toBeLessThan(1e-3))
    expect(Math.abs(fit.parameters.mean - theirs.mean)).toBeLessThan(1e-3)
    expect(fit.variance / theirs.variance).toBeCloseTo(1, 3)
  })

  it('forecasts the same, as surely', () => {
    const { deviations, values: forecast } = forecastArima(fitArima(series, order), series, 8)
    forecast.forEach((value, step) =>
      expect(Math.abs(value - theirs.forecast[step]!)).toBeLessThan(1e-3 * theirs.deviations[step]!),
    )
    deviations.forEach((deviation, step) => expect(deviation / theirs.deviations[step]!).toBeCloseTo(1, 3))
  })
})

describe('ARIMA', () => {
  it('takes any numbers for parameters of a process that stays bounded', () => {
    fc.assert(
      fc.property(
        fc.array(fc.double({ min: -50, max: 50, noNaN: true }), { minLength: 1, maxLength: 5 }),
        (unbounded) => {
          const ar = stationary(Float64Array.from(unbounded))
          const { logLikelihood } = likelihood(numbers([1, 2, 1, 3, 2]), { ar, ma: new Float64Array(), mean: 0 })
          expect(logLikelihood).not.toBeNaN()
          // The impulse response dies out: roots may be near the circle, so it is given time.
          const state = Float64Array.from({ length: ar.length }, (_, at) => (at === 0 ? 1 : 0))
          const peak = Math.max(...ar.map(Math.abs), 1) ** 5 * 100
          for (let t = 0; t < 2000; t++) {
            const next = ar.reduce((sum, phi, lag) => sum + phi * state[lag]!, 0)
            state.copyWithin(1, 0)
            state[0] = next
            expect(Math.abs(next)).toBeLessThan(peak)
          }
        },
      ),
      { numRuns: 100 },
    )
  })

  it('does not mind the unit: the same series in thousandths, far from zero', () => {
    const random = seededRandom(5)
    let x = 0
    const values = Float64Array.from({ length: 300 }, () => (x = 0.7 * x + gaussian(random)))
    const one = fitArima(values, { p: 1, d: 0, q: 0 })
    const other = fitArima(
      values.map((value) => 1e6 + value / 1000),
      { p: 1, d: 0, q: 0 },
    )
    expect(other.parameters.ar[0]).toBeCloseTo(one.parameters.ar[0]!, 4)
    expect(other.variance * 1e6).toBeCloseTo(one.variance, 4)
    expect(other.parameters.mean).toBeCloseTo(1e6 + one.parameters.mean / 1000, 6)
  })

  it('refuses too few values, and values that are all alike', () => {
    expect(() => fitArima(new Float64Array(12), { p: 1, d: 1, q: 1 })).toThrow(/at least 17 values/)
    expect(() => fitArima(new Float64Array(50).fill(3), { p: 1, d: 0, q: 0 })).toThrow(/alike/)
  })
})
