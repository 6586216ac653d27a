// Runs benchmarks: `npm run bench -- [NAME…] [--seconds N] [--readings N] [--data DIR] [--json]`. Each file beside this one is one
// benchmark and exports `run(options)`, which answers figures by name. Loops for comparison run in the same process.

import { readdirSync } from 'node:fs'
import { parseArgs } from 'node:util'

export interface BenchOptions {
  /** How long one measurement lasts. */
  readonly seconds: number
  /** How many readings, for benchmarks that work on a given number. */
  readonly readings: number
  /** Folder of input data, for benchmarks that need one. */
  readonly data: string | null
}

/** Figures of one benchmark by name; the unit is part of the name. */
export type Figures = Readonly<Record<string, number>>

interface Benchmark {
  run(options: BenchOptions): Promise<Figures>
}

const folder = new URL('./', import.meta.url)
const known = readdirSync(folder)
  .filter((file) => file.endsWith('.ts') && file !== 'run.ts')
  .map((file) => file.slice(0, -3))

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      json: { type: 'boolean', default: false },
      seconds: { type: 'string', default: '5' },
      readings: { type: 'string', default: '2000000' },
      data: { type: 'string' },
    },
  })
  const unknown = positionals.filter((name) => !known.includes(name))
  if (unknown.length > 0) {
    process.stderr.write(`There is no benchmark "${unknown.join('", "')}". Known: ${known.join(', ')}\n`)
    return 64
  }
  const options = { seconds: Number(values.seconds), readings: Number(values.readings), data: values.data ?? null }
  const all: Record<string, Figures> = {}
  for (const name of positionals.length > 0 ? positionals : known) {
    const benchmark = (await import(new URL(`${name}.ts`, folder).href)) as Benchmark
    all[name] = await benchmark.run(options)
    if (!values.json) print(name, all[name])
  }
  // With one name its figures stand at the top level, so that a script can read them without knowing the name.
  if (values.json)
    process.stdout.write(`${JSON.stringify(positionals.length === 1 ? all[positionals[0]!] : all, null, 2)}\n`)
  return 0
}

function print(name: string, figures: Figures): void {
  process.stdout.write(`${name}\n`)
  const width = Math.max(...Object.keys(figures).map((key) => key.length))
  for (const [key, value] of Object.entries(figures)) {
    process.stdout.write(`  ${key.padEnd(width)}  ${formatFigure(value)}\n`)
  }
}

function formatFigure(value: number): string {
  return value.toLocaleString('en', { maximumSignificantDigits: Math.abs(value) >= 1000 ? 6 : 4 })
}

process.exitCode = await main()
