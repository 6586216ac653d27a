// `npm run soak -- [--minutes N] [--seconds N] [--sensors N] [--no-faults] [--json] [--program FILE] [--leak BYTES]`: the rated load on every
// protocol, with faults, for as long as is wanted. Exits 1 when memory grows, anything is lost, anything is late or a device stays away.
// --program soaks an installed gateway; --leak has the gateway lose so many bytes a second, to see the run fail.

import { parseArgs } from 'node:util'
import { soak } from './soak.ts'
import { memoryOf, type Growth } from './verdict.ts'

const { values } = parseArgs({
  options: {
    minutes: { type: 'string' },
    seconds: { type: 'string' },
    sensors: { type: 'string', default: '1000' },
    'no-faults': { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    program: { type: 'string' },
    leak: { type: 'string', default: '0' },
  },
})
const seconds = values.minutes === undefined ? Number(values.seconds ?? 75) : Number(values.minutes) * 60
const say = (text: string): void => void process.stderr.write(text)
const shown = (bytes: number): string => `${(bytes / 1e6).toFixed(1)} MB`
const grown = (growth: Growth | null): string =>
  growth === null
    ? 'not known'
    : `${shown(growth.slope * growth.seconds)} ± ${shown(growth.margin * growth.seconds)} (tolerated: ${shown(growth.toleratedBytes)})`

const result = await soak({
  seconds,
  sensors: Number(values.sensors),
  hasFaults: !values['no-faults'],
  program: values.program ?? null,
  leak: Number(values.leak),
  onSample: ({ at, rssBytes, heapBytes }) => {
    if (process.stderr.isTTY)
      say(`\r\u001b[K${at.toFixed(0)} of ${seconds} s · resident ${shown(rssBytes)} · heap ${shown(heapBytes)}`)
  },
})
if (process.stderr.isTTY) say('\r\u001b[K')

const { counts, kinds, lags, leftOut, problems, samples, sensors } = result
const memory = memoryOf(samples)
if (values.json) process.stdout.write(`${JSON.stringify({ seconds, ...result, memory })}\n`)
else {
  if (leftOut.length > 0) process.stdout.write(`LEFT OUT: ${leftOut.join(', ')} (socat is not installed)\n`)
  process.stdout.write(
    `${sensors} sensors on ${kinds.join(', ')} for ${seconds} s: ` +
      `${counts.taken} readings taken, ${counts.stored} in the history, ${counts.received} upstream\n` +
      `resident memory ${shown(samples.at(-1)?.rssBytes ?? 0)}, grown in the second half by ${grown(memory.resident)}; heap by ${grown(memory.heap)}\n` +
      `${(lags.pollsInTime * 100).toFixed(2)} % of polls in time, ${(lags.durableInTime * 100).toFixed(2)} % of blocks durable in time, ` +
      `everything upstream ${lags.settledAfter.toFixed(1)} s after the end\n`,
  )
  for (const problem of problems) process.stdout.write(`FAILED: ${problem}\n`)
  if (problems.length === 0) process.stdout.write('passed\n')
}
process.exitCode = problems.length === 0 ? 0 : 1
