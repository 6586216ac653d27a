// Every type of check on one sensor and what makes its detector: a new type is one module beside this one and one line
// here. `expression` looks at several sensors at once: its detector stands in the pipeline.

import type { CheckSpec } from '#domain/check.ts'
import { AnomalyDetector } from './anomaly/anomaly-detector.ts'
import type { Detector } from './detector.ts'
import { EwmaDetector } from './ewma.ts'
import { FlatlineDetector } from './flatline.ts'
import { RateDetector } from './rate.ts'
import { RobustZscoreDetector } from './robust-zscore.ts'
import { StaleDetector } from './stale.ts'
import { ThresholdDetector } from './threshold.ts'
import { ZscoreDetector } from './zscore.ts'

/** A check that one sensor's readings decide. */
export type SensorCheckSpec = Exclude<CheckSpec, { readonly type: 'expression' }>

/** A detector in its start state for one sensor. */
export function createDetector(spec: SensorCheckSpec): Detector {
  switch (spec.type) {
    case 'threshold':
      return new ThresholdDetector(spec)
    case 'rate':
      return new RateDetector(spec)
    case 'flatline':
      return new FlatlineDetector(spec)
    case 'stale':
      return new StaleDetector(spec)
    case 'zscore':
      return spec.robust ? new RobustZscoreDetector(spec) : new ZscoreDetector(spec)
    case 'ewma':
      return new EwmaDetector(spec)
    case 'anomaly':
      return new AnomalyDetector(spec)
  }
}
