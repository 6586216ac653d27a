// The detectors of one stream, one for each sensor that it sees; a model has one for each gateway.

import { ModelStream } from '../models/model-stream.ts'
import type { TrainedModel } from '../models/model.ts'
import { isFitted, type DetectorSpec } from './detector-spec.ts'
import { FittedScorer, type FitStream } from './fitted-scorer.ts'
import { createScorer } from './scorer.ts'
import type { SeriesScorer } from './series-scorer.ts'
import type { StreamBudget } from './watch-budget.ts'

export interface WatchVerdict {
  /** NaN: not yet, or not with this reading. */
  readonly score: number
  readonly anomaly: {
    readonly sensor: string
    readonly value: number
    readonly expected: number
    readonly message: string
  } | null
}

/** Of one sensor. */
export interface SensorWatcher {
  take(value: number, time: number): WatchVerdict
  readonly isLearning: boolean
}

const NOTHING: WatchVerdict = { score: Number.NaN, anomaly: null }

export interface WatchScorersOptions {
  readonly budget: StreamBudget
  /** What one detector takes. */
  readonly bytesEach: number
  readonly fit: FitStream
}

export class WatchScorers {
  readonly #detector: DetectorSpec | TrainedModel
  readonly #options: WatchScorersOptions
  readonly #watchers = new Map<string, SensorWatcher>()
  readonly #streams = new Map<string, ModelStream>()

  constructor(detector: DetectorSpec | TrainedModel, options: WatchScorersOptions) {
    this.#detector = detector
    this.#options = options
  }

  /** Sensors that still learn. */
  get learning(): number {
    let count = 0
    for (const { isLearning } of this.#watchers.values()) if (isLearning) count += 1
    return count
  }

  /** null: there is no memory left for it, or the model knows nothing of it. */
  of(gateway: string, sensor: string): SensorWatcher | null {
    const key = `${gateway}\0${sensor}`
    const known = this.#watchers.get(key)
    if (known !== undefined) return known
    const watcher =
      'kind' in this.#detector ? this.#ofModel(this.#detector, gateway, sensor) : this.#ofSpec(this.#detector, sensor)
    if (watcher !== null) this.#watchers.set(key, watcher)
    return watcher
  }

  #ofSpec(spec: DetectorSpec, sensor: string): SensorWatcher | null {
    if (!this.#options.budget.take(this.#options.bytesEach)) return null
    return new SeriesWatcher(isFitted(spec) ? new FittedScorer(spec, this.#options.fit) : createScorer(spec), sensor)
  }

  #ofModel(model: TrainedModel, gateway: string, sensor: string): SensorWatcher | null {
    const column = model.sensors.indexOf(sensor)
    if (column < 0) return null
    let stream = this.#streams.get(gateway)
    if (stream === undefined) {
      if (!this.#options.budget.take(this.#options.bytesEach)) return null
      this.#streams.set(gateway, (stream = new ModelStream(model)))
    }
    return new ModelWatcher(model, stream, column)
  }
}

class SeriesWatcher implements SensorWatcher {
  readonly #scorer: SeriesScorer
  readonly #sensor: string

  constructor(scorer: SeriesScorer, sensor: string) {
    this.#scorer = scorer
    this.#sensor = sensor
  }

  get isLearning(): boolean {
    return this.#scorer.isLearning
  }

  take(value: number, time: number): WatchVerdict {
    const scorer = this.#scorer
    scorer.take(value, time)
    if (!scorer.isAnomaly) return { score: scorer.score, anomaly: null }
    return { score: scorer.score, anomaly: { sensor: this.#sensor, value, ...scorer.explain() } }
  }
}

class ModelWatcher implements SensorWatcher {
  readonly #model: TrainedModel
  readonly #stream: ModelStream
  readonly #column: number
  readonly isLearning = false

  constructor(model: TrainedModel, stream: ModelStream, column: number) {
    this.#model = model
    this.#stream = stream
    this.#column = column
  }

  take(value: number, time: number): WatchVerdict {
    const verdict = this.#stream.take(this.#column, value, time)
    if (verdict === null) return NOTHING
    const { expected, isAnomaly, message, score } = verdict
    if (!isAnomaly) return { score, anomaly: null }
    const sensor = this.#model.sensors[verdict.sensor]!
    return { score, anomaly: { sensor, value: verdict.value, expected, message } }
  }
}
