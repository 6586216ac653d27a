// Central's storage on a database of the tests' own, tenants, and batches as gateways send them.

import { create, toBinary } from '@bufbuild/protobuf'
import { openDatabase, type Database } from '#backing/database.ts'
import type { BatchEnvelope } from '#central/ingest-ports.ts'
import { CentralStorage, type StorageOptions } from '#central/storage/open-storage.ts'
import { systemClock, type Clock } from '#kit/clock.ts'
import { silentLogger } from '#kit/logger.ts'
import { KnownSensors } from '#rpc/dictionary.ts'
import { BatchSchema, DictionarySchema, type Batch } from '#rpc/generated/telemetryx/v1/ingest_pb.js'
import type { SensorSchema } from '#rpc/generated/telemetryx/v1/events_pb.js'
import type { MessageInitShape } from '@bufbuild/protobuf'

export const DAY_MS = 86_400_000
export const RETENTION = { rawMs: 30 * DAY_MS, minuteMs: 365 * DAY_MS, hourMs: 3650 * DAY_MS }

export interface Fixture {
  readonly database: Database
  readonly storage: CentralStorage
  close(): Promise<void>
}

export async function openStorage(
  place: { readonly url: string | null; readonly folder: string; readonly clock?: Clock },
  options: Partial<StorageOptions> = {},
): Promise<Fixture> {
  const clock = place.clock ?? systemClock
  const database = await openDatabase({ ...place, clock: systemClock, log: silentLogger })
  const storage = await CentralStorage.open({ database, clock, log: silentLogger, retention: RETENTION, ...options })
  return {
    database,
    storage,
    close: async () => {
      await storage.close()
      await database.close()
    },
  }
}

/** A new tenant; its number. */
export async function makeTenant({ storage }: Fixture, id: string): Promise<number> {
  const [row] = await storage.database.platform((queryable) =>
    queryable.query<{ number: number }>('INSERT INTO central.tenant (id, name) VALUES ($1, $1) RETURNING number', [id]),
  )
  return row!.number
}

type SensorShape = Omit<MessageInitShape<typeof SensorSchema>, '$typeName'>

/** A dictionary as a gateway tells it; what is left out is a number of machine `press-1` in factory `plant`. */
export function dictionary(...sensors: SensorShape[]): KnownSensors {
  const known = new KnownSensors()
  known.learn(
    create(DictionarySchema, {
      sensors: sensors.map((sensor) => ({
        valueType: 1,
        machine: 'press-1',
        machineName: 'Press 1',
        factory: 'plant',
        factoryName: 'Plant',
        ...sensor,
      })),
    }),
  )
  return known
}

export function envelope(
  gateway: string,
  sensors: KnownSensors,
  batch: MessageInitShape<typeof BatchSchema>,
): BatchEnvelope {
  const message: Batch = create(BatchSchema, batch)
  return { gateway, factory: 'Plant', sensors, batch: toBinary(BatchSchema, message), traceparent: null }
}

export interface NumbersBatch {
  readonly gateway?: string
  readonly epoch?: number
  readonly firstSeq: number
  /** One a second from `at` on, of sensor 0. */
  readonly values: readonly number[]
  /** Unix milliseconds of the first. */
  readonly at: number
}

export const ONE_SENSOR = dictionary({ number: 0, id: 'press-1.pressure', unit: 'bar' })

/** Readings of one sensor, a second apart, with positions one after the other. */
export function numbers({ at, epoch = 1, firstSeq, gateway = 'edge-1', values }: NumbersBatch): BatchEnvelope {
  return envelope(gateway, ONE_SENSOR, {
    epoch,
    firstSeq: BigInt(firstSeq),
    lastSeq: BigInt(firstSeq + values.length - 1),
    blocks: [
      {
        firstSeq: BigInt(firstSeq),
        sensors: values.map(() => 0),
        receivedAtMs: BigInt(at),
        receivedDeltas: values.map((_, index) => (index === 0 ? 0 : 1000)),
        numbers: [...values],
      },
    ],
  })
}
