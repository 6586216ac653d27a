// Which data folder a command works on, and what the configuration says about it. The configuration is read leniently:
// the secrets of the gateway's service are not in the shell of the person who exports, and its devices do not matter here.

import { existsSync, readFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import type { Command } from 'commander'
import { parse } from 'yaml'
import { parseCsv } from '#config/csv.ts'
import { ioReason } from '#config/io-reason.ts'
import { Problems } from '#config/problems.ts'
import { sensorId } from '#domain/ids.ts'
import { TelemetryError } from '#domain/errors.ts'
import { configFile, DEFAULT_CONFIG_FILES } from './config-file.ts'

export interface DataFolderOptions {
  readonly config?: string
  readonly data?: string
}

export interface DataFolder {
  readonly dir: string
  /** null: none is known. */
  readonly configFile: string | null
  /** Files that the configuration names (sensorsFile), absolute. */
  readonly sensorFiles: readonly string[]
  /** Engineering units by full sensor id. */
  readonly units: ReadonlyMap<string, string>
}

/** Adds -c and --data to a command. */
export function withDataFolder(command: Command): Command {
  return command
    .option(
      '-c, --config <file>',
      `configuration that names the data folder (default: ${DEFAULT_CONFIG_FILES.join(', else ')})`,
    )
    .option('--data <dir>', 'data folder, instead of the one in a configuration')
}

/** Throws CONFIG_UNREADABLE, CONFIG_INVALID. */
export function dataFolder({ config, data }: DataFolderOptions): DataFolder {
  const beside = data === undefined ? null : join(data, 'gateway.yaml') // where the demo keeps its configuration
  const isBeside = config === undefined && beside !== null
  if (isBeside && !existsSync(beside))
    return { dir: resolve(data!), configFile: null, sensorFiles: [], units: new Map() }
  const file = isBeside ? beside : configFile(config)
  const root = readYaml(file)
  const dir = data === undefined ? resolve(dirname(file), dataOf(root, file)) : resolve(data)
  const sensorFiles: string[] = []
  const units = new Map<string, string>()
  for (const device of recordsOf(root['devices'])) {
    const id = String(device['id'])
    for (const sensor of recordsOf(device['sensors'])) learn(units, sensorId(id, String(sensor['id'])), sensor['unit'])
    if (typeof device['sensorsFile'] !== 'string') continue
    const path = resolve(dirname(file), device['sensorsFile'])
    sensorFiles.push(path)
    learnFile(units, id, path)
  }
  for (const derived of recordsOf(root['derived'])) learn(units, String(derived['id']), derived['unit'])
  return { dir, configFile: resolve(file), sensorFiles, units }
}

function readYaml(file: string): Record<string, unknown> {
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (error) {
    throw new TelemetryError('CONFIG_UNREADABLE', `${file} cannot be read: ${ioReason(error)}`, { cause: error })
  }
  try {
    const root: unknown = parse(text, { logLevel: 'silent', merge: true, uniqueKeys: false })
    return isRecord(root) ? root : {}
  } catch (error) {
    const reason = error instanceof Error ? error.message.split('\n')[0] : String(error)
    throw new TelemetryError('CONFIG_INVALID', `${file} is no YAML: ${reason}`, { cause: error })
  }
}

function dataOf(root: Record<string, unknown>, file: string): string {
  const written = typeof root['data'] === 'string' ? root['data'] : './data'
  const path = written.replace(/\$\{([A-Za-z_][A-Za-z0-9_]*)\}/g, (whole, name: string) => process.env[name] ?? whole)
  if (!path.includes('${')) return path
  throw new TelemetryError(
    'CONFIG_INVALID',
    `${file}: data: ${path} is not set in this shell; name the folder with --data`,
  )
}

/** The columns `id` and `unit` of a CSV file of sensors; a file that cannot be read only costs units. */
function learnFile(units: Map<string, string>, device: string, path: string): void {
  if (!existsSync(path)) return
  const [header, ...rows] = parseCsv(readFileSync(path, 'utf8').replace(/^\uFEFF/, ''), path, new Problems())
  const idAt = header?.findIndex((cell) => cell.text === 'id') ?? -1
  const unitAt = header?.findIndex((cell) => cell.text === 'unit') ?? -1
  if (idAt < 0 || unitAt < 0) return
  for (const row of rows) learn(units, sensorId(device, row[idAt]?.text ?? ''), row[unitAt]?.text)
}

function learn(units: Map<string, string>, id: string, unit: unknown): void {
  if (typeof unit === 'string' && unit !== '' && !unit.includes('${')) units.set(id, unit)
}

function recordsOf(list: unknown): readonly Record<string, unknown>[] {
  return Array.isArray(list) ? list.filter(isRecord) : []
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
