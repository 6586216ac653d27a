// Drivers of third parties: npm packages that the key `drivers` of a configuration names. A package exports
// `driver(kit)`, which makes a Driver (src/domain/driver.ts); the kit is all it needs of this program.

import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { Type } from 'typebox'
import { parseDocument } from 'yaml'
import type { Catalogue } from '#config/load.ts'
import type { Driver } from '#domain/driver.ts'
import { TelemetryError } from '#domain/errors.ts'
import { isId } from '#domain/ids.ts'
import { Status } from '#domain/quality.ts'
import { NO_TIME } from '#domain/reading.ts'
import { durationSchema, sizeSchema, strictObject } from '#domain/schema.ts'
import type { Clock } from '#kit/clock.ts'
import { createCatalogue } from './catalogue.ts'

/** What a driver's package gets. It must use these, not copies of its own: errors and schemas are known by them. */
export interface DriverKit {
  readonly clock: Clock
  readonly TelemetryError: typeof TelemetryError
  readonly Status: typeof Status
  readonly NO_TIME: number
  readonly Type: typeof Type
  readonly strictObject: typeof strictObject
  readonly durationSchema: typeof durationSchema
  readonly sizeSchema: typeof sizeSchema
}

export interface DriverPackagesOptions {
  readonly clock: Clock
  /** Packages are looked for in its node_modules and those above it; relative paths count from it. */
  readonly folder: string
}

/** The built-in drivers and those that the file names. A file that cannot be read is left to its loader. Throws CONFIG_INVALID. */
export async function loadCatalogue(file: string, { clock }: { clock: Clock }): Promise<Catalogue> {
  const catalogue = createCatalogue({ clock })
  const names = namedDrivers(file)
  if (names.length === 0) return catalogue
  const drivers = new Map(catalogue.drivers)
  for (const { name, driver } of await loadDrivers(names, { clock, folder: dirname(resolve(file)) })) {
    if (drivers.has(driver.kind)) throw broken(name, `there is a driver "${driver.kind}" already`)
    drivers.set(driver.kind, driver)
  }
  return { ...catalogue, drivers }
}

/** Imports the packages, in order. Throws CONFIG_INVALID, which names the package. */
export async function loadDrivers(
  names: readonly string[],
  { clock, folder }: DriverPackagesOptions,
): Promise<{ readonly name: string; readonly driver: Driver }[]> {
  const kit: DriverKit = { clock, TelemetryError, Status, NO_TIME, Type, strictObject, durationSchema, sizeSchema }
  const loaded = []
  for (const name of names) loaded.push({ name, driver: await loadDriver(name, folder, kit) })
  return loaded
}

async function loadDriver(name: string, folder: string, kit: DriverKit): Promise<Driver> {
  let made: unknown
  try {
    const module = (await import(locate(name, folder))) as { readonly driver?: unknown }
    if (typeof module.driver !== 'function') throw broken(name, 'it exports no function "driver"')
    made = await Reflect.apply(module.driver, undefined, [kit])
  } catch (error) {
    if (error instanceof TelemetryError) throw error
    throw broken(name, error instanceof Error ? error.message : String(error), error)
  }
  const missing = missingIn(made)
  if (missing !== null) throw broken(name, missing)
  return made as Driver
}

/** URL of the package's entry, as an import from a file in the folder would find it. */
function locate(name: string, folder: string): string {
  if (/^\.{0,2}\//.test(name)) return pathToFileURL(resolve(folder, name)).href
  const path = createRequire(join(folder, 'gateway.yaml')).resolve(name)
  return pathToFileURL(path).href
}

function missingIn(made: unknown): string | null {
  if (typeof made !== 'object' || made === null) return 'its driver() does not return a driver'
  const driver = made as Partial<Record<keyof Driver, unknown>>
  if (typeof driver.kind !== 'string' || !isId(driver.kind)) return 'its kind must be a word of a to z, 0 to 9, - and _'
  for (const key of ['deviceSchema', 'sensorSchema'] as const) {
    const schema = driver[key] as { readonly properties?: unknown } | undefined
    if (typeof schema?.properties !== 'object') return `its ${key} must be a strictObject`
  }
  for (const key of ['valueType', 'problems', 'open'] as const) {
    if (typeof driver[key] !== 'function') return `it has no ${key}()`
  }
  return null
}

function broken(name: string, reason: string, cause?: unknown): TelemetryError {
  return new TelemetryError('CONFIG_INVALID', `drivers: "${name}" cannot be used: ${reason}`, { cause })
}

/** The names in a file; none when it cannot be read or is no YAML: whoever loads it will say so, with the place. */
function namedDrivers(file: string): string[] {
  try {
    const text = readFileSync(file, 'utf8')
    // Nearly no file names any, and a large one takes tenths of a second. A backslash may spell the key in another way.
    if (!/drivers|\\/.test(text)) return []
    const drivers: unknown = parseDocument(text).toJS()?.drivers
    return Array.isArray(drivers) ? drivers.filter((name) => typeof name === 'string' && name !== '') : []
  } catch {
    return []
  }
}
