// Batches of gateways as they come to central.

import { create, toBinary } from '@bufbuild/protobuf'
import { KnownSensors } from '#rpc/dictionary.ts'
import { SensorSchema, ValueType } from '#rpc/generated/telemetryx/v1/events_pb.js'
import { BatchSchema, DictionarySchema } from '#rpc/generated/telemetryx/v1/ingest_pb.js'
import type { BatchEnvelope } from '#central/ingest-ports.ts'

export interface PlannedBatch {
  readonly gateway: string
  readonly epoch?: number
  readonly firstSeq: number
  /** One reading each, of sensor 0 (number), or 1 when it is text. */
  readonly values: readonly (number | string)[]
  /** Unix milliseconds of the first; each is 1 ms later. Default: now. */
  readonly time?: number
  readonly traceparent?: string
}

export function sensorsOf(gateway: string): KnownSensors {
  const sensors = new KnownSensors()
  const machine = { machine: `${gateway}-line`, machineName: 'Line', factory: 'plant', factoryName: 'Plant' }
  sensors.learn(
    create(DictionarySchema, {
      sensors: [
        create(SensorSchema, {
          number: 0,
          id: `${gateway}.power`,
          valueType: ValueType.NUMBER,
          unit: 'kW',
          ...machine,
        }),
        create(SensorSchema, { number: 1, id: `${gateway}.state`, valueType: ValueType.TEXT, ...machine }),
      ],
    }),
  )
  return sensors
}

export function envelopeOf(plan: PlannedBatch): BatchEnvelope {
  const { epoch = 1, firstSeq, gateway, time = Date.now(), traceparent, values } = plan
  const batch = create(BatchSchema, {
    epoch,
    firstSeq: BigInt(firstSeq),
    lastSeq: BigInt(firstSeq + values.length - 1),
    blocks: [
      {
        firstSeq: BigInt(firstSeq),
        sensors: values.map((value) => (typeof value === 'string' ? 1 : 0)),
        receivedAtMs: BigInt(time),
        receivedDeltas: values.map((_, index) => (index === 0 ? 0 : 1)),
        numbers: values.filter((value) => typeof value === 'number'),
        texts: values.filter((value) => typeof value === 'string'),
      },
    ],
  })
  return {
    gateway,
    factory: 'Plant',
    sensors: sensorsOf(gateway),
    batch: toBinary(BatchSchema, batch),
    traceparent: traceparent ?? null,
  }
}
