// A process that saves what detectors learnt again and again, each time another generation, until it is killed.

import { DetectorFile } from '#gateway/detector-file.ts'
import { ManualClock } from '#kit/manual-clock.ts'
import { silentLogger } from '#kit/logger.ts'

const [dataDir] = process.argv.slice(2)
const clock = new ManualClock(Date.UTC(2026, 0, 1))
for (let generation = 1; ; generation++) {
  const states = Array.from({ length: 20 }, (_, n) => ({
    key: `s${n}`,
    numbers: new Float64Array(2000).fill(generation),
  }))
  await new DetectorFile({ dataDir: dataDir!, clock, log: silentLogger }, () => states).save()
  process.stdout.write(`saved ${generation}\n`)
}
