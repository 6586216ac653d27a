import { Value } from 'typebox/value'
import { describe, expect, it } from 'vitest'
import { AnomalyDetector } from '#checks/anomaly/anomaly-detector.ts'
import { createDetector } from '#checks/registry.ts'
import { CheckSpecSchema } from '#domain/check.ts'

describe('check anomaly', () => {
  it('needs no parameters, and takes a sensitivity', () => {
    expect(Value.Check(CheckSpecSchema, { type: 'anomaly' })).toBe(true)
    expect(Value.Check(CheckSpecSchema, { type: 'anomaly', sensitivity: 'high', severity: 'medium' })).toBe(true)
    expect(Value.Check(CheckSpecSchema, { type: 'anomaly', sensitivity: 4 })).toBe(false)
    expect(Value.Check(CheckSpecSchema, { type: 'anomaly', window: 300 })).toBe(false)
  })

  it('makes a detector that starts by learning', () => {
    const detector = createDetector({ type: 'anomaly' })
    expect(detector).toBeInstanceOf(AnomalyDetector)
    expect(detector.learning()).toEqual({ seen: 0, needed: 150 })
  })
})
