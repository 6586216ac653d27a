import { describe, expect, it } from 'vitest'
import { chooseEts, fitEts, forecastEts, runEts, type EtsFit } from '#brain/analytics/ets.ts'
import { gaussian, seededRandom } from '#kit/random.ts'
import { fixture, numbers } from './fixture.ts'

const { cases } = fixture('ets')
/** The 97.5 % quantile of the normal distribution. */
const HALF_WIDTH = 1.959963984540054

describe.each(cases)('ETS($name) beside statsmodels', (theirs) => {
  const { season, trend } = theirs
  const values = numbers(theirs.values)
  const parameters = { ...theirs.parameters, seasons: numbers(theirs.parameters.seasons) }

  it('has the same likelihood, forecasts and 95 % intervals for given parameters', () => {
    const run = runEts(values, { trend, season }, parameters)
    expect(run.logLikelihood).toBeCloseTo(theirs.logLikelihood, 8)
    expect(run.variance).toBeCloseTo(theirs.variance, 8)
    const fit: EtsFit = { form: { trend, season }, parameters, ...run, aicc: 0 }
    const forecast = forecastEts(fit, values, theirs.forecast.length)
    theirs.forecast.forEach((value, step) => {
      expect(forecast.values[step]).toBeCloseTo(value, 8)
      expect(forecast.values[step]! - HALF_WIDTH * forecast.deviations[step]!).toBeCloseTo(theirs.low[step]!, 6)
      expect(forecast.values[step]! + HALF_WIDTH * forecast.deviations[step]!).toBeCloseTo(theirs.high[step]!, 6)
    })
  })

  it('finds parameters that are as likely', () => {
    expect(fitEts(values, { trend, season }).logLikelihood).toBeGreaterThan(theirs.fittedLogLikelihood - 0.01)
  })
})

describe('ETS', () => {
  it('chooses a trend where there is one, and none where there is none', () => {
    const random = seededRandom(8)
    const noise = Float64Array.from({ length: 120 }, () => gaussian(random))
    expect(chooseEts(noise, 0).form.trend).toBe('none')
    expect(
      chooseEts(
        noise.map((value, at) => 3 * at + value),
        0,
      ).form.trend,
    ).toBe('additive')
  })

  it('holds what it promises: 95 % of what comes lies within the interval', () => {
    const random = seededRandom(21)
    let [inside, all] = [0, 0]
    for (let run = 0; run < 60; run++) {
      let level = 10
      const values = Float64Array.from({ length: 90 }, () => {
        const error = gaussian(random)
        const value = level + error
        level += 0.4 * error
        return value
      })
      const past = values.subarray(0, 80)
      const forecast = forecastEts(fitEts(past, { trend: 'none', season: 0 }), past, 10)
      forecast.values.forEach((value, step) => {
        all += 1
        if (Math.abs(values[80 + step]! - value) <= HALF_WIDTH * forecast.deviations[step]!) inside += 1
      })
    }
    // Steps of one run hang together: about 60 × 4 independent ones, a standard error of 1.5 %.
    expect(inside / all).toBeGreaterThan(0.88)
    expect(inside / all).toBeLessThanOrEqual(0.99)
  })

  it('goes on over values that are missing, and with a line that never moves', () => {
    const values = Float64Array.from({ length: 60 }, (_, at) => (at % 7 === 3 ? Number.NaN : 5 + at))
    const { values: forecast } = forecastEts(chooseEts(values, 0), values, 3)
    forecast.forEach((value, step) => expect(value).toBeCloseTo(65 + step, 3))
    const still = new Float64Array(40).fill(7)
    const { deviations, values: same } = forecastEts(chooseEts(still, 0), still, 2)
    expect([...same]).toEqual([7, 7])
    expect([...deviations]).toEqual([0, 0])
  })

  it('refuses too few values', () => {
    expect(() => fitEts(new Float64Array(20), { trend: 'none', season: 12 })).toThrow(/at least 29 values/)
  })
})
