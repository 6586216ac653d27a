// Factories and machines that gateways name. A machine id that another factory has already is written `factory.machine`.

import type { Queryable } from '#backing/database.ts'
import type { TenantNumber } from '../ports.ts'
import type { MachineName, SensorRow } from './told.ts'

type Named = Pick<SensorRow, 'machine' | 'machineName' | 'factory' | 'factoryName'>

export async function adoptMachines(
  queryable: Queryable,
  tenant: TenantNumber,
  rows: readonly Named[],
): Promise<MachineName> {
  const factories = new Map(rows.map(({ factory, factoryName }) => [factory, factoryName]))
  const machines = new Map(rows.map((row) => [`${row.factory}/${row.machine}`, row]))
  if (machines.size === 0) return ({ machine }) => machine
  await queryable.query(
    `INSERT INTO central.factory AS f (tenant, id, name)
     SELECT $1, id, name FROM unnest($2::text[], $3::text[]) AS told(id, name)
     ON CONFLICT (tenant, id) DO UPDATE SET name = excluded.name, revision = f.revision + 1
     WHERE NOT f.is_edited AND f.name <> excluded.name`,
    [tenant, [...factories.keys()], [...factories.values()]],
  )
  const ids = [...machines.values()].map(({ machine }) => machine)
  const taken = await queryable.query<{ id: string; factory: string; is_edited: boolean }>(
    'SELECT id, factory, is_edited FROM central.machine WHERE tenant = $1 AND id = ANY($2)',
    [tenant, ids],
  )
  const owners = new Map(taken.map(({ factory, id, is_edited }) => [id, is_edited ? null : factory]))
  const names = new Map<string, string>()
  for (const [key, { factory, machine }] of machines) {
    const owner = owners.get(machine)
    if (owner === undefined) owners.set(machine, factory)
    // Moved by people: it is still that machine.
    names.set(key, owner === undefined || owner === null || owner === factory ? machine : `${factory}.${machine}`)
  }
  const told = [...machines].map(([key, row]) => ({ ...row, id: names.get(key)! }))
  await queryable.query(
    `INSERT INTO central.machine AS m (tenant, id, name, factory)
     SELECT $1, id, name, factory FROM unnest($2::text[], $3::text[], $4::text[]) AS told(id, name, factory)
     ON CONFLICT (tenant, id) DO UPDATE SET name = excluded.name, revision = m.revision + 1
     WHERE NOT m.is_edited AND m.name <> excluded.name`,
    [tenant, told.map(({ id }) => id), told.map(({ machineName }) => machineName), told.map(({ factory }) => factory)],
  )
  return ({ factory, machine }) => names.get(`${factory}/${machine}`) ?? machine
}
