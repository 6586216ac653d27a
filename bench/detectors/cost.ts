// What one reading costs each type of check, and the memory that each holds for a sensor: beside a bare loop that adds the
// same readings up, in the same process.

import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import type { Detector } from '#checks/detector.ts'
import { createDetector, type SensorCheckSpec } from '#checks/registry.ts'

const READINGS = 400_000
/** Of these the fastest counts: the others were disturbed. */
const ROUNDS = 7
/** Detectors whose memory is measured together. */
const DETECTORS = 500
/** Enough to fill every window. */
const WARM_UP = 400

const THRESHOLD: SensorCheckSpec = { type: 'threshold', low: 10, high: 75, highHigh: 90, hysteresis: 2 }
const ZSCORE: SensorCheckSpec = { type: 'zscore', window: 300 }

const SETS: Readonly<Record<string, readonly SensorCheckSpec[]>> = {
  threshold: [THRESHOLD],
  zscore: [ZSCORE],
  thresholdAndZscore: [THRESHOLD, ZSCORE],
  robustZscore: [{ type: 'zscore', window: 300, robust: true }],
  ewma: [{ type: 'ewma' }],
  rate: [{ type: 'rate', high: 1e6 }],
  flatline: [{ type: 'flatline', for: 3_600_000 }],
  stale: [{ type: 'stale', for: 60_000 }],
  anomaly: [{ type: 'anomaly' }],
}

/** Readings that are wrong or strange: constant, two-valued, a huge offset, huge jumps, every one larger than all before. */
const STRANGE: readonly ((value: number, at: number) => number)[] = [
  () => 50,
  (_, at) => (at % 97 === 0 ? 1 : 0),
  (value) => 1e15 + (value - 50) * 1e-3,
  (_, at) => (at % 2 === 0 ? 1e300 : -1e-300),
  (_, at) => 1.0001 ** (at % 500_000),
]

/** Nanoseconds a reading, of usual readings and of the worst of the strange ones, and bytes a sensor by set of checks, and of the bare loop. */
export async function measureCosts(): Promise<Record<string, number>> {
  const values = waves()
  const strange = STRANGE.map((valueAt) => Float64Array.from(values, (value, at) => valueAt(value, at)))
  const figures: Record<string, number> = { bareLoopNanoseconds: fastest(() => bareLoop(values)) }
  // Memory first: what the loops leave behind would be collected while it is measured.
  for (const [name, specs] of Object.entries(SETS)) figures[`${name}BytesPerSensor`] = await stateBytes(specs)
  for (const [name, specs] of Object.entries(SETS)) {
    figures[`${name}Nanoseconds`] = fastest(() => runChecks(specs, values))
    figures[`${name}WorstNanoseconds`] = Math.max(...strange.map((one) => fastest(() => runChecks(specs, one))))
  }
  return figures
}

/** A noisy wave between 40 and 60: inside the limits, as most readings are. */
function waves(): Float64Array {
  const values = new Float64Array(READINGS)
  let state = 1
  for (let at = 0; at < READINGS; at++) {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0
    values[at] = 50 + 5 * Math.sin(at / 300) + (5 * state) / 2 ** 32
  }
  return values
}

function bareLoop(values: Float64Array): number {
  let sum = 0
  for (let at = 0; at < values.length; at++) sum += values[at]!
  return sum
}

function runChecks(specs: readonly SensorCheckSpec[], values: Float64Array): number {
  const detectors = specs.map(createDetector)
  let sum = 0
  for (let at = 0; at < values.length; at++) {
    const value = values[at]!
    for (let n = 0; n < detectors.length; n++) sum += detectors[n]!.evaluate(value, at * 1000, at * 1000)
  }
  return sum
}

function fastest(work: () => number): number {
  let best = Infinity
  let kept = 0
  for (let round = 0; round < ROUNDS; round++) {
    const started = performance.now()
    kept += work()
    best = Math.min(best, performance.now() - started)
  }
  // The sums are used, so that no loop is left out.
  return Number.isNaN(kept) ? Number.NaN : (best * 1e6) / READINGS
}

/** What the detectors of one sensor take on the heap and in buffers, in the mean of many. */
async function stateBytes(specs: readonly SensorCheckSpec[]): Promise<number> {
  const before = await settledBytes()
  const sensors: Detector[][] = Array.from({ length: DETECTORS }, () => specs.map(createDetector))
  for (const detectors of sensors) {
    for (let at = 0; at < WARM_UP; at++) for (const one of detectors) one.evaluate(at % 7, at * 60_000, at * 60_000)
  }
  const after = await settledBytes()
  // Read once more after the measurement, so that none of them was collected before it.
  return sensors.length === DETECTORS ? Math.round((after - before) / DETECTORS) : 0
}

/** Bytes in use once they no longer shrink: buffers are given back some turns after their owners. */
async function settledBytes(): Promise<number> {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  let least = Infinity
  for (let unchanged = 0; unchanged < 3;) {
    collect()
    await new Promise((resolve) => setTimeout(resolve, 5))
    const { heapUsed, arrayBuffers } = process.memoryUsage()
    unchanged = heapUsed + arrayBuffers < least - 10_000 ? 0 : unchanged + 1
    least = Math.min(least, heapUsed + arrayBuffers)
  }
  return least
}
