// Every type of check and what makes its detector: a new type is one module beside this one and one line here.

import type { CheckSpec } from '#domain/check.ts'
import type { Detector } from './detector.ts'
import { ThresholdDetector } from './threshold.ts'
import { ZscoreDetector } from './zscore.ts'

/** A detector in its start state for one sensor. */
export function createDetector(spec: CheckSpec): Detector {
  switch (spec.type) {
    case 'threshold':
      return new ThresholdDetector(spec)
    case 'zscore':
      return new ZscoreDetector(spec)
  }
}
