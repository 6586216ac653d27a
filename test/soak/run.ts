// `npm run soak -- [--minutes N] [--seconds N] [--sensors N] [--no-faults] [--json]`: the rated load on every protocol, with faults, for
// as long as is wanted. Exits 1 when memory grows, anything is lost or anything is late.

import { parseArgs } from 'node:util'
import { soak } from './soak.ts'
import { slopeOf, type Sample } from './verdict.ts'

const { values } = parseArgs({
  options: {
    minutes: { type: 'string' },
    seconds: { type: 'string' },
    sensors: { type: 'string', default: '1000' },
    'no-faults': { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
  },
})
const seconds = values.minutes === undefined ? Number(values.seconds ?? 75) : Number(values.minutes) * 60
const say = (text: string): void => void process.stderr.write(text)
const shown = (bytes: number): string => `${(bytes / 1e6).toFixed(0)} MB`

const result = await soak({
  seconds,
  sensors: Number(values.sensors),
  hasFaults: !values['no-faults'],
  onSample: ({ at, rssBytes, heapBytes }) => {
    if (process.stderr.isTTY)
      say(`\r\u001b[K${at.toFixed(0)} of ${seconds} s · resident ${shown(rssBytes)} · heap ${shown(heapBytes)}`)
  },
})
if (process.stderr.isTTY) say('\r\u001b[K')

const { counts, lags, problems, samples, sensors } = result
if (values.json)
  process.stdout.write(`${JSON.stringify({ seconds, sensors, counts, lags, memory: memory(samples), problems })}\n`)
else {
  const { slope, margin, last } = memory(samples)
  process.stdout.write(
    `${sensors} sensors for ${seconds} s: ${counts.taken} readings taken, ${counts.stored} in the history, ${counts.received} upstream\n` +
      `resident memory ${shown(last)}, ${shown(slope * 3600)} ± ${shown(margin * 3600)} an hour\n` +
      `${(lags.pollsInTime * 100).toFixed(2)} % of polls in time, ${(lags.durableInTime * 100).toFixed(2)} % of blocks durable in time, ` +
      `everything upstream ${lags.settledAfter.toFixed(1)} s after the end\n`,
  )
  for (const problem of problems) process.stdout.write(`FAILED: ${problem}\n`)
  if (problems.length === 0) process.stdout.write('passed\n')
}
process.exitCode = problems.length === 0 ? 0 : 1

function memory(all: readonly Sample[]): { slope: number; margin: number; last: number } {
  const end = all.at(-1)?.at ?? 0
  const points = all.filter(({ at }) => at >= end / 2).map(({ at, rssBytes }) => [at, rssBytes] as const)
  const last = all.at(-1)?.rssBytes ?? 0
  return points.length < 3 ? { slope: Number.NaN, margin: Number.NaN, last } : { ...slopeOf(points), last }
}
