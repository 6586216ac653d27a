// A gateway says who it is and what it has: it is registered, and its model adopted.

import { create } from '@bufbuild/protobuf'
import { TelemetryError } from '#domain/errors.ts'
import { KnownSensors } from '#rpc/dictionary.ts'
import { DictionarySchema, type Hello } from '#rpc/generated/telemetryx/v1/ingest_pb.js'
import { cleanText } from '../ingest/clean-text.ts'
import type { TenantNumber } from '../ports.ts'
import type { TenantDatabase } from '../storage/tenant-database.ts'
import type { Adoption } from './adoption.ts'

export interface GreetTools {
  readonly database: TenantDatabase
  readonly adoption: Adoption
  readonly now: () => number
}

/** Throws PROTOCOL, CONFLICT, OUT_OF_RANGE (too many gateways, or sensors: those that fit are adopted all the same). */
export async function greet(
  { adoption, database, now }: GreetTools,
  tenant: TenantNumber,
  hello: Hello,
): Promise<void> {
  const sensors = new KnownSensors().learn(hello.dictionary ?? create(DictionarySchema))
  const source = { id: hello.gateway, factory: hello.factory, isProgram: false }
  const gateway = await adoption.adopt(tenant, source, sensors)
  await database.write(tenant, (queryable) =>
    queryable.query(
      `UPDATE central.gateway SET factory = $3, version = $4, epoch = greatest(epoch, $5::int), is_registered = true,
         seen_at = to_timestamp($6::float8 / 1000) WHERE tenant = $1 AND number = $2`,
      [
        tenant,
        gateway.number,
        cleanText(hello.factory, 200),
        cleanText(hello.version, 100),
        Math.min(hello.epoch, 0x7fff_ffff),
        now(),
      ],
    ),
  )
  const refused = sensors.flatMap((sensor) => {
    const found = gateway.find(sensor)
    return typeof found === 'string' ? [`${sensor.id}: ${found}`] : []
  })
  if (refused.length > 0)
    throw new TelemetryError(
      'OUT_OF_RANGE',
      `${refused.length} of its sensors are not taken, the first is ${refused[0]!}`,
    )
}
