// The files that a simulation names: recorded values as CSV, recorded frames as JSON.

import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import type { WireFrame } from '#domain/driver.ts'
import { framesFromJson } from './modbus-replay.ts'
import type { SignalConfig } from './schema.ts'
import type { ReplayRow, SignalSpec } from './signals.ts'

const SECONDS_END = 1e11

/** Reads the files behind a path's folder. Its methods throw an Error with the reason in plain words. */
export class SimulationFiles {
  readonly #folder: string

  constructor(folder: string) {
    this.#folder = folder
  }

  signal(config: SignalConfig): SignalSpec {
    if (config.type !== 'replay') return config
    return { ...config, rows: this.#rows(config) }
  }

  frames(file: string): readonly WireFrame[] {
    const text = this.#read(file)
    try {
      return framesFromJson(JSON.parse(text))
    } catch (error) {
      throw new Error(`${file}: ${error instanceof Error ? error.message : String(error)}`, { cause: error })
    }
  }

  #read(file: string): string {
    try {
      return readFileSync(resolve(this.#folder, file), 'utf8')
    } catch (error) {
      throw new Error(`${file} cannot be read: ${(error as NodeJS.ErrnoException).code ?? String(error)}`, {
        cause: error,
      })
    }
  }

  #rows({ file, column, time }: SignalConfig & { type: 'replay' }): readonly ReplayRow[] {
    const lines = this.#read(file)
      .replace(/^\uFEFF/, '')
      .split(/\r?\n/)
      .filter((line) => line.trim() !== '')
    const separator = /[;\t,]/.exec(lines[0] ?? '')?.[0] ?? ','
    const cells = (line: string): string[] => line.split(separator).map((cell) => cell.trim().replace(/^"(.*)"$/, '$1'))
    const names = cells(lines[0] ?? '')
    const place = (name: string): number => {
      const at = names.indexOf(name)
      if (at < 0) throw new Error(`${file} has no column ${name}; it has ${names.join(', ')}`)
      return at
    }
    const [valueAt, timeAt] = [place(column), time === undefined ? null : place(time)]
    const rows = lines.slice(1).map((line) => {
      const row = cells(line)
      return { value: Number(row[valueAt] || Number.NaN), atMs: timeAt === null ? null : timeOf(row[timeAt] ?? '') }
    })
    const good = rows.filter(({ value, atMs }) => Number.isFinite(value) && !Number.isNaN(atMs))
    if (good.length === 0) throw new Error(`${file} has no numbers in column ${column}`)
    const first = good[0]!.atMs
    return good.map(({ value, atMs }) => ({ value, atMs: atMs === null ? null : atMs - first! }))
  }
}

function timeOf(text: string): number {
  if (!/^-?[0-9.]+$/.test(text)) return Date.parse(text)
  const value = Number(text)
  return Math.abs(value) < SECONDS_END ? value * 1000 : value
}
