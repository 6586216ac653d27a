// Memory that all open streams may use for their detectors together.

import type { AnyDetector } from './read-detector.ts'
import { STREAM_WINDOW } from './fitted-scorer.ts'

const TOTAL_BYTES = 512 * 1024 * 1024
const STREAM_BYTES = 128 * 1024 * 1024
/** Of any detector beside its windows. */
const OBJECT_BYTES = 500

/** What a detector of one sensor takes, about. */
export function bytesOf(detector: AnyDetector): number {
  switch (detector.method) {
    case 'zscore':
      return OBJECT_BYTES + 8 * detector.window
    case 'robustZscore':
      return OBJECT_BYTES + 24 * detector.window
    case 'movingAverage':
      return OBJECT_BYTES + 8 * detector.window + 8 * Math.max(100, 4 * detector.window)
    case 'ewma':
      return OBJECT_BYTES
    case 'adaptive':
      return 24 * 1024
    case 'arima':
      return OBJECT_BYTES + 8 * STREAM_WINDOW
    case 'isolationForest':
      // Twice the sample in nodes of 28 bytes for each tree.
      return OBJECT_BYTES + 8 * STREAM_WINDOW + 56 * detector.trees * Math.min(detector.sampleSize, STREAM_WINDOW)
    case 'model':
      return 64 * 1024
  }
}

export class WatchBudget {
  #used = 0

  /** Of one stream. */
  open(): StreamBudget {
    let own = 0
    return {
      take: (bytes) => {
        if (own + bytes > STREAM_BYTES || this.#used + bytes > TOTAL_BYTES) return false
        own += bytes
        this.#used += bytes
        return true
      },
      release: () => {
        this.#used -= own
        own = 0
      },
    }
  }

  get usedBytes(): number {
    return this.#used
  }
}

export interface StreamBudget {
  /** False: there is not so much left. */
  take(bytes: number): boolean
  /** Gives all back. */
  release(): void
}
