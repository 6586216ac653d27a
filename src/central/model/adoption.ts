// What gateways tell of themselves becomes central's model: the gateway, its factory, machines and sensors, each once. What people
// have changed here stays; names are bounded, because every one costs for ever.

import type { Queryable } from '#backing/database.ts'
import { TelemetryError } from '#domain/errors.ts'
import { idFromName } from '#domain/ids.ts'
import type { KnownSensor } from '#rpc/dictionary.ts'
import { cleanText } from '../ingest/clean-text.ts'
import type { AdoptedSensor } from '../ingest-ports.ts'
import type { TenantNumber } from '../ports.ts'
import type { TenantDatabase } from '../storage/tenant-database.ts'
import { adoptMachines } from './adopt-machines.ts'
import { adoptSensors } from './adopt-sensors.ts'
import type { ModelLimits, SensorRow } from './told.ts'

/** Gateways whose sensors are remembered. */
const MAX_REMEMBERED = 2000
/** Names of one gateway that were refused and are remembered: who makes up new ones for ever fills no memory with them. */
const MAX_REFUSED = 20_000
const MAX_ID = 256
const SENSOR_ID = /^[a-z0-9][a-z0-9_-]*(\.[a-z0-9][a-z0-9_-]*)+$/

export interface Source {
  readonly id: string
  /** Display name of its factory; empty: unknown. */
  readonly factory: string
  readonly isProgram: boolean
}

export interface AdoptedGateway {
  /** Number at central. */
  readonly number: number
  /** The model's version when this was read. */
  readonly modelVersion: number
  /** What became of one of its sensors: how it is called here, or why it is not taken. */
  find(known: KnownSensor): AdoptedSensor | string
}

interface Remembered {
  readonly number: number
  readonly modelVersion: number
  readonly byKey: Map<string, { readonly told: string; readonly sensor: AdoptedSensor | string }>
  /** How many of them were refused. */
  refused: number
}

export class Adoption {
  readonly #database: TenantDatabase
  readonly #limits: ModelLimits
  readonly #onChange: (tenant: TenantNumber) => void
  /** By tenant and gateway; the longest unused first. */
  readonly #remembered = new Map<string, Remembered>()

  /** @param onChange called when the model of a tenant may be another one than before. */
  constructor(database: TenantDatabase, limits: ModelLimits, onChange: (tenant: TenantNumber) => void = () => {}) {
    this.#database = database
    this.#limits = limits
    this.#onChange = onChange
  }

  /** Throws CONFLICT (the name is that of a program, or the reverse), OUT_OF_RANGE (too many gateways). */
  async adopt(tenant: TenantNumber, source: Source, sensors: readonly KnownSensor[]): Promise<AdoptedGateway> {
    const key = `${tenant}/${source.id}`
    let known = this.#remembered.get(key)
    if (known === undefined || sensors.some((sensor) => known!.byKey.get(keyOf(sensor))?.told !== toldBy(sensor))) {
      known = await this.#database.write(tenant, (queryable) =>
        this.#adopt(queryable, tenant, { source, sensors, known }),
      )
      this.#onChange(tenant)
    }
    this.#remembered.delete(key)
    this.#remembered.set(key, known)
    for (const oldest of this.#remembered.keys()) {
      if (this.#remembered.size <= MAX_REMEMBERED) break
      this.#remembered.delete(oldest)
    }
    const { byKey, modelVersion, number } = known
    return { number, modelVersion, find: (sensor) => byKey.get(keyOf(sensor))?.sensor ?? 'Its sensor is not known' }
  }

  /** The model has changed: what is remembered of a tenant may be wrong. */
  forget(tenant: TenantNumber): void {
    for (const key of this.#remembered.keys()) if (key.startsWith(`${tenant}/`)) this.#remembered.delete(key)
  }

  async #adopt(
    queryable: Queryable,
    tenant: TenantNumber,
    { known, sensors, source }: { source: Source; sensors: readonly KnownSensor[]; known: Remembered | undefined },
  ): Promise<Remembered> {
    await queryable.query('SELECT pg_advisory_xact_lock(32288, $1::int4)', [tenant]) // ids are given one after the other
    const [row] = await queryable.query<{ version: number }>(
      'SELECT model_version AS version FROM central.tenant WHERE number = $1 AND is_active',
      [tenant],
    )
    if (row === undefined) throw new TelemetryError('PERMISSION_DENIED', 'The tenant is suspended')
    const number = await this.#gateway(queryable, tenant, source)
    const { byKey, refused } = known?.modelVersion === row.version ? withRoom(known) : { byKey: new Map(), refused: 0 }
    const fresh = sensors.filter((sensor) => byKey.get(keyOf(sensor))?.told !== toldBy(sensor))
    const sound = fresh.filter((sensor) => sensor.id.length <= MAX_ID && SENSOR_ID.test(sensor.id))
    const rows = sound.map((sensor) => rowOf(sensor, source))
    const machines = await adoptMachines(queryable, tenant, rows)
    const adopted = await adoptSensors(
      queryable,
      { tenant, gateway: number, gatewayId: source.id, limits: this.#limits },
      rows,
      machines,
    )
    for (const sensor of fresh) {
      const found = adopted.get(keyOf(sensor)) ?? 'Its sensor has no valid id'
      byKey.set(keyOf(sensor), { told: toldBy(sensor), sensor: found })
    }
    const more = fresh.reduce((sum, sensor) => sum + Number(typeof byKey.get(keyOf(sensor))?.sensor === 'string'), 0)
    return { number, modelVersion: row.version, byKey, refused: refused + more }
  }

  async #gateway(queryable: Queryable, tenant: TenantNumber, { factory, id, isProgram }: Source): Promise<number> {
    const [found] = await queryable.query<{ number: number; is_program: boolean }>(
      'SELECT number, is_program FROM central.gateway WHERE tenant = $1 AND id = $2',
      [tenant, id],
    )
    if (found && found.is_program !== isProgram)
      throw new TelemetryError('CONFLICT', `${id} is the name of a ${found.is_program ? 'program' : 'gateway'}`)
    if (found) return found.number
    const [all] = await queryable.query<{ count: number }>('SELECT count(*) FROM central.gateway WHERE tenant = $1', [
      tenant,
    ])
    const { gatewaysPerTenant } = this.#limits
    if (all!.count >= gatewaysPerTenant)
      throw new TelemetryError('OUT_OF_RANGE', `A tenant has at most ${gatewaysPerTenant} gateways and programs`)
    const [made] = await queryable.query<{ number: number }>(
      'INSERT INTO central.gateway (tenant, id, is_program, factory) VALUES ($1, $2, $3, $4) RETURNING number',
      [tenant, id, isProgram, cleanText(factory, 200)],
    )
    return made!.number
  }
}

/** What was refused is forgotten when it has become too much: it would be refused again. */
function withRoom({ byKey, refused }: Remembered): Pick<Remembered, 'byKey' | 'refused'> {
  if (refused <= MAX_REFUSED) return { byKey, refused }
  return { byKey: new Map([...byKey].filter(([, { sensor }]) => typeof sensor !== 'string')), refused: 0 }
}

export function keyOf({ id, valueType }: Pick<KnownSensor, 'id' | 'valueType'>): string {
  return `${valueType} ${id}`
}

/** Everything that the model takes from a gateway's words. */
function toldBy({ description, factory, factoryName, machine, machineName, unit, writable }: KnownSensor): string {
  return `${machine}\0${machineName}\0${factory}\0${factoryName}\0${unit}\0${writable}\0${description}`
}

function rowOf(sensor: KnownSensor, source: Source): SensorRow {
  const device = sensor.id.slice(0, sensor.id.indexOf('.'))
  const factoryName = sensor.factoryName || source.factory || 'Unassigned'
  return {
    key: keyOf(sensor),
    id: sensor.id,
    valueType: sensor.valueType,
    machine: idFromName(sensor.machine || device).slice(0, MAX_ID),
    machineName: cleanText(sensor.machineName || sensor.machine || device, 200),
    factory: idFromName(sensor.factory || factoryName).slice(0, MAX_ID),
    factoryName: cleanText(factoryName, 200),
    unit: cleanText(sensor.unit, 64),
    description: cleanText(sensor.description, 1000),
    writable: sensor.writable,
  }
}
