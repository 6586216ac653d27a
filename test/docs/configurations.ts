// YAML of the manual as the configuration that it is a part of, and what `telemetryx check` would say of it.

import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { isMap, isSeq, parseDocument, stringify } from 'yaml'
import { parseBrainConfig } from '#config/brain-load.ts'
import { parseCentralConfig } from '#config/central-load.ts'
import { parseGatewayConfig } from '#config/load.ts'
import { parsePlainFile } from '#config/plain-file.ts'
import { createCatalogue } from '#gateway/catalogue.ts'
import { systemClock } from '#kit/clock.ts'
import { simulationProblems } from '#simulate/rules.ts'
import { SimulationSchema, type SimulationSpec } from '#simulate/schema.ts'
import type { Block } from './blocks.ts'

/** Files that the manual names are not here: secrets, certificates, tables of sensors. */
const OF_FILES = /cannot be read|there is no such file|does not exist|there is no secret/
/** A part does not hold everything that it refers to. */
const OF_PARTS = /there is no (?:sensor|device) |matches no sensor|needs smtp/
const HEAD = { gateway: { id: 'edge-01', factory: 'Plant A' } }

/** What is wrong with a block; empty: nothing. */
export function problemsOfBlock({ text }: Block): string[] {
  const env = environmentOf(text)
  const simulation = parsePlainFile<SimulationSpec>(text, place('simulation'), {
    schema: SimulationSchema,
    env,
    rules: simulationProblems,
  })
  const others = [
    parseBrainConfig(text, place('brain'), env),
    parseCentralConfig(text, place('central'), env),
    simulation,
  ]
  // Whose configuration it is, nobody says: one that takes it is enough.
  if (others.some((loaded) => told(loaded).every((problem) => OF_PARTS.test(problem)))) return []
  const whole = wholeOf(text)
  const problems = told(
    parseGatewayConfig(whole ?? text, {
      file: place('gateway'),
      catalogue: createCatalogue({ clock: systemClock }),
      env: environmentOf(text),
    }),
  )
  return whole === null ? problems : problems.filter((problem) => !OF_PARTS.test(problem))
}

/** Each variable that is named has a value, which is a password as good as any. */
function environmentOf(text: string): Record<string, string> {
  return Object.fromEntries([...text.matchAll(/\$\{(\w+)\}/g)].map(([, name]) => [name!, 'Secret-value-1']))
}

function place(role: string): string {
  return join(tmpdir(), 'telemetryx-manual', `${role}.yaml`)
}

function told(loaded: { ok: true } | { ok: false; problems: readonly { message: string }[] }): string[] {
  return loaded.ok ? [] : loaded.problems.map(({ message }) => message).filter((message) => !OF_FILES.test(message))
}

/** A part of a configuration, made whole; null when it is whole already or cannot be read. */
function wholeOf(text: string): string | null {
  const { contents, errors } = parseDocument(text)
  if (errors.length > 0) return null
  const part: unknown = contents?.toJSON()
  if (isSeq(contents)) {
    const isDevices = (part as object[]).every((one) => 'driver' in one)
    return stringify({ ...HEAD, devices: isDevices ? part : [device(part)] })
  }
  if (!isMap(contents) || contents.has('gateway')) return null
  if (contents.has('sensors')) return stringify({ ...HEAD, devices: [{ ...device([]), ...(part as object) }] })
  return stringify({ ...HEAD, ...(part as object) })
}

function device(sensors: unknown): object {
  return { id: 'press-1', driver: 'modbus', connection: { host: '192.0.2.10' }, sensors }
}
