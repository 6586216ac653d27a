import { describe, expect, it } from 'vitest'
import { detectorOf, METHODS, parametersIn } from '#central/brain/detector-query.ts'
import { readDetector } from '#brain/analytics/read-detector.ts'
import { FieldReader } from '#brain/analytics/read-fields.ts'

/** As the brain reads it. */
function readBack(...query: Parameters<typeof detectorOf>) {
  const reader = new FieldReader()
  const detector = readDetector(reader, 'detector', detectorOf(...query))
  reader.done()
  return detector
}

describe('a detector by its method', () => {
  it.each(METHODS)('%s is one that the brain knows, with its own defaults', (method) => {
    const read = readBack(method, {})
    expect(read?.method).toBe(method.replace(/-(\w)/g, (_, letter: string) => letter.toUpperCase()))
  })

  it('has the parameters of the query', () => {
    expect(readBack('robust-zscore', { window: 50, sigma: 3 })).toEqual({
      method: 'robustZscore',
      window: 50,
      sigma: 3,
    })
    expect(readBack('ewma', { alpha: 0.1, sigma: 5 })).toEqual({ method: 'ewma', alpha: 0.1, sigma: 5 })
    expect(readBack('isolation-forest', { trees: 20, sampleSize: 64, threshold: 0.7, seed: 9 })).toMatchObject({
      trees: 20,
      sampleSize: 64,
      threshold: 0.7,
      seed: 9,
    })
  })

  it('has ARIMA orders of 1 where only some are given', () => {
    expect(readBack('arima', { p: 2 })).toMatchObject({ p: 2, d: 1, q: 1 })
    expect(readBack('arima', { d: 0, q: 2, sigma: 3 })).toMatchObject({ p: 1, d: 0, q: 2, sigma: 3 })
    expect(readBack('arima', {})).toMatchObject({ p: 1, d: 1, q: 1 })
  })

  it('refuses a parameter that its method does not have', () => {
    expect(() => detectorOf('zscore', { alpha: 0.1 })).toThrow('query.alpha does not go with the method zscore')
    expect(() => detectorOf('adaptive', { window: 10 })).toThrow('query.window')
    expect(parametersIn({ seed: 0 })).toEqual(['seed'])
  })
})
