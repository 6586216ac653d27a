// How fast this machine is right now: three loops of fixed work, run beside a benchmark. A figure of speed is compared after
// division by them, so that a busy or another machine does not look like a slower program.

import { closeSync, fsyncSync, openSync, rmSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export interface Calibration {
  /** Rounds of arithmetic on typed arrays, a second. */
  readonly arithmetic: number
  /** Objects made, written as JSON and read again, a second: allocation and collection. */
  readonly objects: number
  /** Blocks of 4 KiB written and flushed, a second. */
  readonly disk: number
}

const SLICE_MS = 150

export function calibrate(): Calibration {
  return { arithmetic: perSecond(arithmetic), objects: perSecond(objects), disk: diskPerSecond() }
}

/** The mean of what was measured before and after. */
export function between(before: Calibration, after: Calibration): Calibration {
  const mean = (a: number, b: number): number => (a + b) / 2
  return {
    arithmetic: mean(before.arithmetic, after.arithmetic),
    objects: mean(before.objects, after.objects),
    disk: mean(before.disk, after.disk),
  }
}

/** How much faster the machine is now than then: the geometric mean of arithmetic and objects. The disk only for figures of it. */
export function speedOf(now: Calibration, then: Calibration): number {
  return Math.sqrt((now.arithmetic / then.arithmetic) * (now.objects / then.objects))
}

function perSecond(round: () => number): number {
  round() // compiled
  const started = performance.now()
  let rounds = 0
  let sum = 0
  while (performance.now() - started < SLICE_MS) {
    sum += round()
    rounds += 1
  }
  if (!Number.isFinite(sum)) throw new Error('The calibration loop did nothing')
  return (rounds / (performance.now() - started)) * 1000
}

const numbers = Float64Array.from({ length: 4096 }, (_, at) => Math.sin(at))

function arithmetic(): number {
  let sum = 0
  for (let at = 0; at < numbers.length; at++) sum += Math.sqrt(Math.abs(numbers[at]! * 1.5 + at))
  return sum
}

function objects(): number {
  const rows = Array.from({ length: 64 }, (_, at) => ({ id: `sensor-${at}`, value: at * 1.5, quality: 'good' }))
  return (JSON.parse(JSON.stringify(rows)) as unknown[]).length
}

function diskPerSecond(): number {
  const path = join(tmpdir(), `telemetryx-calibration-${process.pid}`)
  const file = openSync(path, 'w')
  const block = new Uint8Array(4096)
  try {
    const started = performance.now()
    let blocks = 0
    while (performance.now() - started < SLICE_MS) {
      writeSync(file, block, 0, block.length, (blocks % 256) * block.length)
      fsyncSync(file)
      blocks += 1
    }
    return (blocks / (performance.now() - started)) * 1000
  } finally {
    closeSync(file)
    rmSync(path)
  }
}
