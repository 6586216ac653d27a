// Runs benchmarks: `npm run bench -- [NAME…] [--only NAME,NAME] [--seconds N] [--readings N] [--data DIR] [--json]
// [--update-baseline]`. Each file beside this one is one benchmark and exports `run(options)`, which answers figures by name.
// Loops for comparison run in the same process; loops of calibration run before and after each, and with their help figures are
// compared with those of bench/baseline.json.

import { readdirSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import {
  ratioOf,
  readBaseline,
  updateBaseline,
  type Baseline,
  type Figures,
  type Measured,
} from './compare/baseline.ts'
import { between, calibrate } from './compare/calibration.ts'

export type { Figures } from './compare/baseline.ts'

export interface BenchOptions {
  /** How long one measurement lasts. */
  readonly seconds: number
  /** How many readings, for benchmarks that work on a given number. */
  readonly readings: number
  /** Folder of input data, for benchmarks that need one. */
  readonly data: string | null
}

interface Benchmark {
  run(options: BenchOptions): Promise<Figures>
}

const folder = new URL('./', import.meta.url)
const BASELINE = fileURLToPath(new URL('baseline.json', folder))
const known = readdirSync(folder)
  .filter((file) => file.endsWith('.ts') && file !== 'run.ts')
  .map((file) => file.slice(0, -3))

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      json: { type: 'boolean', default: false },
      only: { type: 'string', multiple: true, default: [] },
      'update-baseline': { type: 'boolean', default: false },
      seconds: { type: 'string', default: '5' },
      readings: { type: 'string', default: '2000000' },
      data: { type: 'string' },
    },
  })
  const named = [...positionals, ...values.only.flatMap((names) => names.split(','))]
  const unknown = named.filter((name) => !known.includes(name))
  if (unknown.length > 0) {
    process.stderr.write(`There is no benchmark "${unknown.join('", "')}". Known: ${known.join(', ')}\n`)
    return 64
  }
  const options = { seconds: Number(values.seconds), readings: Number(values.readings), data: values.data ?? null }
  const baseline = readBaseline(BASELINE)
  const all: Record<string, Measured> = {}
  for (const name of named.length > 0 ? named : known) {
    all[name] = await measure(name, options)
    if (!values.json) print(name, all[name], baseline)
  }
  if (values['update-baseline']) updateBaseline(BASELINE, machine(), all)
  if (values.json) process.stdout.write(`${JSON.stringify(report(all, named, baseline), null, 2)}\n`)
  return 0
}

async function measure(name: string, options: BenchOptions): Promise<Measured> {
  const benchmark = (await import(new URL(`${name}.ts`, folder).href)) as Benchmark
  const before = calibrate()
  const figures = await benchmark.run(options)
  return { figures, calibration: between(before, calibrate()) }
}

/** With one name its figures stand at the top level, so that a script can read them without knowing the name. */
function report(all: Readonly<Record<string, Measured>>, named: readonly string[], baseline: Baseline | null): object {
  const entries = Object.entries(all)
  if (named.length === 1) return entries[0]![1].figures
  return Object.fromEntries(
    entries.map(([name, measured]) => [name, { ...measured, ratios: ratios(name, measured, baseline) }]),
  )
}

function ratios(name: string, measured: Measured, baseline: Baseline | null): Record<string, number> {
  const then = baseline?.benchmarks[name]
  const pairs = Object.keys(measured.figures).flatMap((key) => {
    const ratio = then === undefined ? null : ratioOf(key, measured, then)
    return ratio === null ? [] : [[key, Number(ratio.toPrecision(3))] as const]
  })
  return Object.fromEntries(pairs)
}

function print(name: string, measured: Measured, baseline: Baseline | null): void {
  process.stdout.write(`${name}\n`)
  const compared = ratios(name, measured, baseline)
  const width = Math.max(...Object.keys(measured.figures).map((key) => key.length))
  for (const [key, value] of Object.entries(measured.figures)) {
    const ratio = compared[key]
    const beside =
      ratio === undefined ? '' : `  ${ratio.toFixed(2).padStart(6)} of the baseline${ratio < WORSE ? '  worse' : ''}`
    process.stdout.write(`  ${key.padEnd(width)}  ${formatFigure(value).padStart(14)}${beside}\n`)
  }
}

/** Less is more than noise. */
const WORSE = 0.7

function formatFigure(value: number): string {
  return value.toLocaleString('en', { maximumSignificantDigits: Math.abs(value) >= 1000 ? 6 : 4 })
}

function machine(): string {
  return `${process.platform} ${process.arch}, ${availableParallelism()} cores, Node.js ${process.versions.node}`
}

process.exitCode = await main()
